"""Which ports the demo uses, and whether they are free."""

import os
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    default: int  # as written in deploy/envoy/envoy.yaml
    variable: str
    purpose: str


USES = {
    "edge": Use(8080, "DEMO_PORT", "Envoy, where the browser goes"),
    "admin": Use(9901, "DEMO_ADMIN_PORT", "Envoy's admin page"),
    "gate": Use(9191, "DEMO_GATE_PORT", "sessiongate"),
    "app": Use(3000, "DEMO_APP_PORT", "the Auth.js application"),
    "orders": Use(3001, "DEMO_ORDERS_PORT", "the Python service"),
}


class PortsTaken(Exception):
    """Says which ports are not to be had, and how to choose others."""


@dataclass(frozen=True)
class Ports:
    edge: int
    admin: int
    gate: int
    app: int
    orders: int

    @classmethod
    def chosen(cls, any_free: bool) -> "Ports":
        """Ports from the environment or the defaults; 0, or `any_free`, takes what is free."""
        ports, problems, held = {}, [], []
        for name, use in USES.items():
            text = os.environ.get(use.variable, "0" if any_free else str(use.default))
            try:
                held += sockets_for(name, int(text))
                ports[name] = held[-1].getsockname()[1]
            except (ValueError, OverflowError):
                problems.append(f"{use.variable} is no port number: {text}")
            except OSError as error:
                problems.append(
                    f"Port {text}, for {use.purpose}, cannot be used: {error.strerror}.\n"
                    f"  Another one: {use.variable}={spare(use.default)} make demo"
                )
        for each in held:
            each.close()
        if problems:
            raise PortsTaken("\n".join(problems))
        return cls(**ports)


def sockets_for(name: str, port: int) -> list[socket.socket]:
    """Binds `port` on 127.0.0.1, and on ::1 where people type `localhost` and could reach another's."""
    addresses = [(socket.AF_INET, "127.0.0.1")]
    if name == "edge" and port and has_ipv6():
        addresses.insert(0, (socket.AF_INET6, "::1"))
    return [bound(family, host, port) for family, host in addresses]


def bound(family: int, host: str, port: int) -> socket.socket:
    sock = socket.socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def has_ipv6() -> bool:
    try:
        bound(socket.AF_INET6, "::1", 0).close()
    except OSError:
        return False
    return True


def spare(near: int) -> int:
    """A free port that looks like `near`, for the hint."""
    for port in range(near + 100, near + 200):
        try:
            bound(socket.AF_INET, "127.0.0.1", port).close()
        except OSError:
            continue
        return port
    return 0
