"""What the demo consists of: four commands, how to know that they are ready, what to tell the user."""

import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from client import Client
from ports import USES, Ports

EMAIL = "ada@example.com"


class Demo:
    def __init__(self, root: Path, place: Path, ports: Ports, binary: Path, password: str) -> None:
        self.root = root
        self.place = place
        self.ports = ports
        self.binary = binary
        self.password = os.environ.get("DEMO_PASSWORD") or password
        self.secret = secrets.token_urlsafe(32)
        self.origin = f"http://localhost:{ports.edge}"

    def children(self) -> Iterator[tuple[str, list[str], dict[str, str]]]:
        """Name, command and environment of each, in the order of starting."""
        shared = {"AUTH_SECRET": self.secret, "AUTH_URL": self.origin}
        yield (
            "orders",
            [sys.executable, str(self.root / "examples/orders-python/server.py")],
            environment(PORT=str(self.ports.orders)),
        )
        yield (
            "app",
            ["node", str(self.root / "examples/authjs-express/server.mjs")],
            environment(
                **shared, PORT=str(self.ports.app), DEMO_PASSWORD=self.password, NODE_ENV="production"
            ),
        )
        yield (
            "sessiongate",
            [str(self.binary), "serve", "--config", str(self.root / "deploy/sessiongate.yaml")],
            environment(**shared, SESSIONGATE__LISTEN__GRPC=f"127.0.0.1:{self.ports.gate}"),
        )
        yield (
            "envoy",
            [
                str(self.root / ".tools/envoy/envoy/_bin/envoy"),
                *("--config-path", str(self.envoy_configuration())),
                *("--log-level", "warning"),
                *("--concurrency", "2"),
                *("--file-flush-interval-msec", "200"),
                "--disable-hot-restart",  # which would clash with another Envoy on this machine
            ],
            environment(),
        )

    def envoy_configuration(self) -> Path:
        """deploy/envoy/envoy.yaml itself, with the ports that were chosen in place of its own."""
        chosen = {use.default: getattr(self.ports, name) for name, use in USES.items()}
        plain = (self.root / "deploy/envoy/envoy.yaml").read_text()
        written = [int(port) for port in re.findall(r"port_value: (\d+)", plain)]
        assert sorted(written) == sorted(chosen), f"ports.py and envoy.yaml disagree: {written}"
        file = self.place / "envoy.yaml"
        file.write_text(re.sub(r"port_value: (\d+)", lambda m: f"port_value: {chosen[int(m[1])]}", plain))
        return file

    def readiness(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """Who must answer what before the demo is ready. Through Envoy, 401 is the gate speaking."""
        yield "orders", lambda: Client(self.ports.orders).status("/healthz") == 200
        yield "app", lambda: Client(self.ports.app).status("/api/auth/csrf") == 200
        yield "envoy", lambda: Client(self.ports.edge).status("/edge/health") == 200
        yield "sessiongate", lambda: Client(self.ports.edge).status("/orders/me") == 401
        yield "envoy", lambda: Client(self.ports.edge).status("/") == 200

    def instructions(self) -> str:
        return f"""
The demo is running.

  Open      {self.origin}/dashboard
  Sign in   {EMAIL}
            {self.password}

Or with curl, line by line:

  # an API without a session: 401 and JSON
  curl -i {self.origin}/orders/me
  # a page without a session: a redirect to the login
  curl -i -H 'accept: text/html' {self.origin}/dashboard
  # sign in: the form's token first, then the form
  jar=$(mktemp)
  csrf=$(curl -s -c $jar {self.origin}/api/auth/csrf | sed 's/.*"csrfToken":"\\([^"]*\\)".*/\\1/')
  curl -i -b $jar -c $jar {self.origin}/api/auth/callback/credentials \\
    -d csrfToken=$csrf -d email={EMAIL} -d password={self.password}
  # the same API with the session; the forged header does not get through
  curl -b $jar -H 'x-auth-user-id: eve' {self.origin}/orders/me

  Logs      {self.place}/{{sessiongate,envoy,app,orders}}.log
  Ctrl-C    ends everything and removes them
"""


def environment(**additions: str) -> dict[str, str]:
    """Ours without what would configure Auth.js or sessiongate from outside, and with `additions`."""
    foreign = ("AUTH_", "NEXTAUTH_", "SESSIONGATE_", "DEMO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | additions
