"""A replica of sessiongate on a loopback address of its own, and what Kubernetes does to one."""

import http.client
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GRPC, HTTP, ADMIN = 9191, 9192, 9193
SECRET = "fleet-secret-fleet-secret-fleet-secret"
REVOCATION_SECRET = "fleet-revocation-fleet-revocation-fleet"
READY_WITHIN = 30.0  # seconds
HURRY = -5  # of `nice`, where root may: others may use the machine meanwhile
Json = dict[str, Any]


def hurry() -> None:
    """Before the other processes of this machine, where that is allowed."""
    if os.getuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, HURRY)


@dataclass(frozen=True)
class Network:
    """127.N.ZONE.HOST: zones are numbered from 1; zone 0 has Envoy and Redis."""

    number: int

    def address(self, zone: int, host: int) -> str:
        return f"127.{self.number}.{zone}.{host}"


@dataclass
class Replica:
    """One process, its zone, and the file that it reads its secrets from."""

    binary: Path
    place: Path
    zone: int
    address: str
    child: subprocess.Popen[bytes]
    secrets: Path

    @property
    def configuration(self) -> Path:
        return self.place / "sessiongate.yaml"

    def asked(self, path: str, timeout: float = 2.0) -> int:
        """The status that the admin listener answers."""
        connection = http.client.HTTPConnection(self.address, ADMIN, timeout=timeout)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def metrics(self) -> dict[str, float]:
        """Every series with its labels, as it is printed."""
        with urllib.request.urlopen(f"http://{self.address}:{ADMIN}/metrics", timeout=5) as answer:
            lines = [line for line in answer.read().decode().splitlines() if line and line[0] != "#"]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def wait_until_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN
        while self.asked("/readyz") != 200:
            if self.child.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"no replica at {self.address}:\n{(self.place / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def write_secrets(self, *newest_first: str) -> None:
        """As a mounted Secret changes: another file in the old one's place."""
        new = self.secrets.with_suffix(".new")
        new.write_text("\n".join(newest_first) + "\n")
        new.rename(self.secrets)

    def reconfigure(self, configuration: Json) -> None:
        new = self.configuration.with_suffix(".new")
        new.write_text(json.dumps(configuration))
        new.rename(self.configuration)

    def terminate(self, grace: float) -> float:
        """SIGTERM, and SIGKILL after the grace period; the seconds that it took."""
        begun = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
        return time.monotonic() - begun

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def freeze(self) -> None:
        self.child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.child.send_signal(signal.SIGCONT)

    def memory_mib(self) -> float:
        pages = int(Path(f"/proc/{self.child.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


@dataclass
class Fleet:
    """Replicas on one network, all with the same configuration."""

    binary: Path
    place: Path
    network: Network
    more: Json = field(default_factory=dict)  # of the configuration
    replicas: list[Replica] = field(default_factory=list)
    started: int = 0

    def start(self, zone: int, **listen: Any) -> Replica:
        """A further replica in a zone; ready when this returns."""
        self.started += 1
        address = self.network.address(zone, self.started)
        place = self.place / address
        place.mkdir()
        secrets = place / "secrets"
        secrets.write_text(SECRET + "\n")
        (place / "sessiongate.yaml").write_text(json.dumps(self.configuration(address, secrets, **listen)))
        command = [str(self.binary), "serve", "--config", str(place / "sessiongate.yaml")]
        with (place / "log").open("wb") as log:
            child = subprocess.Popen(command, stderr=log, env={"PATH": os.environ["PATH"]}, preexec_fn=hurry)
        replica = Replica(self.binary, place, zone, address, child, secrets)
        self.replicas.append(replica)
        replica.wait_until_ready()
        return replica

    def configuration(self, address: str, secrets: Path, **listen: Any) -> Json:
        """YAML is a superset of JSON."""
        listeners = {"grpc": f"{address}:{GRPC}", "http": f"{address}:{HTTP}", "admin": f"{address}:{ADMIN}"}
        return {
            "listen": {**listeners, "drain_timeout": "10s", **listen},
            "sessions": {"web": {"kind": "authjs", "secret_file": str(secrets)}},
            "rules": [
                {"name": "public", "matcher": "/public/:path*", "access": "public"},
                {"name": "orders", "matcher": "/orders/:path*", "on_deny": "unauthorized"},
            ],
            "identity": {"headers": {"x-auth-user-id": "sub"}},
            "telemetry": {"log": "warn"},
            **self.more,
        }

    def end(self) -> None:
        for replica in self.replicas:
            if replica.child.poll() is None:
                replica.kill()


@contextmanager
def fleet(binary: Path, place: Path, network: Network, more: Json | None = None) -> Iterator[Fleet]:
    """Whatever is still running at the end is ended."""
    place.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        made = Fleet(binary, place, network, more or {})
        stack.callback(made.end)
        yield made


def token(binary: Path, secret: str = SECRET, subject: str = "42", **claims: str) -> str:
    """A session as Auth.js makes it."""
    said = json.dumps({"sub": subject, "name": "Ada Lovelace", "email": "ada@example.com", **claims})
    command = [str(binary), "token", "encode", "--cookie", "authjs.session-token", said]
    made = subprocess.run(command, env={"AUTH_SECRET": secret}, capture_output=True, text=True, check=True)
    return made.stdout.strip()
