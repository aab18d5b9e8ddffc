"""What deploy/compose/compose.yaml would start, on this machine, each service as strictly as it is written there.

The services see each other by name where they share a network, and nobody else. Runs in a network of its own:

    unshare --net python3 compose_stack.py     signs in and out as a person would, and says what was seen
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

import yaml

from places import BINARY, ENVOY, ROOT

sys.path.append(str(ROOT / "tools/demo"))

from client import Client  # noqa: E402
from container import DOCKERFILE, Confined  # noqa: E402
from dockerfile import Dockerfile  # noqa: E402
from walkthrough import csrf_token, expect, walk  # noqa: E402

FOLDER = ROOT / "deploy/compose"
EMAIL, PASSWORD = "ada@example.com", "brass-loom-1843"
VARIABLES = {
    "AUTH_URL": "http://localhost:8080",
    "AUTH_SECRET": "k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga",
    "ADMIN_SECRET": "b7f0c2d94e6a4c1f8d35a9e2c6b1f047",
    "REVOCATION_SECRET": "d41a7be05c2f4e9a8b6d3f10c5e7a928",
    "DEMO_PASSWORD": PASSWORD,
}
APP = Dockerfile(FOLDER / "app.Dockerfile")
# What an image would hold, and what its program is where compose.yaml does not say.
IMAGES = {
    "gate": {
        "mounts": {"/usr/bin/sessiongate": BINARY},
        "command": DOCKERFILE.command("ENTRYPOINT") + DOCKERFILE.command("CMD"),
        "folder": DOCKERFILE.last("WORKDIR"),
    },
    "app": {
        "mounts": {APP.last("WORKDIR"): ROOT / "examples/authjs-express"},
        "command": APP.command("CMD"),
        "folder": APP.last("WORKDIR"),
    },
    "edge": {"mounts": {"/usr/local/bin/envoy": ENVOY}},
}


def model(variables: dict[str, str]) -> dict:
    """compose.yaml, with these variables in it; KeyError where one is not there."""
    text = (FOLDER / "compose.yaml").read_text()
    return yaml.safe_load(re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: variables[match[1]], text))


class Stack:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.services = model(VARIABLES)["services"]
        self.running: dict[str, Confined] = {}

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_) -> None:
        for started in self.running.values():
            started.close()

    def up(self) -> None:
        """Starts each when those that it depends on are healthy."""
        waiting = list(self.services)
        while waiting:
            name = next(name for name in waiting if not set(self.services[name].get("depends_on", {})) & set(waiting))
            self.start(name)
            waiting.remove(name)

    def start(self, name: str) -> None:
        service = self.services[name]
        self.running[name] = self.confined(name, service.get("command") or IMAGES[name]["command"])
        [kind, *test] = service["healthcheck"]["test"]
        assert kind == "CMD", kind
        deadline = time.monotonic() + 40
        while True:
            asking = self.confined(name, test)
            code, said = asking.wait()
            asking.close()
            if code == 0:
                return
            if self.running[name].process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("\n".join([f"{name} is not healthy: {said}", *self.running[name].lines]))
            time.sleep(0.1)

    def kill(self, name: str) -> None:
        self.running.pop(name).close()

    def confined(self, name: str, command: list[str]) -> Confined:
        service, image = self.services[name], IMAGES.get(name, {})
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        mounts = {**image.get("mounts", {}), "/etc/hosts": self.hosts(name)}
        memory = []
        for volume in service.get("volumes", []):
            source, target = volume.split(":")[:2]
            if source.startswith("."):
                mounts[target] = FOLDER / source
            else:
                memory.append(target)
        return Confined(
            command=command,
            user=int(service["user"].split(":")[0]),
            mounts={target: str(Path(source).resolve()) for target, source in mounts.items()},
            memory=memory,
            folder=image.get("folder", "/"),
            environment={"PATH": "/usr/local/bin:/usr/bin:/bin"} | service.get("environment", {}),
        )

    def hosts(self, name: str) -> Path:
        """Of a service: the names of those with which it shares a network."""
        ours = set(self.services[name]["networks"])
        near = [other for other, service in self.services.items() if ours & set(service["networks"])]
        file = self.place / f"hosts-{name}"
        file.write_text(f"127.0.0.1 localhost {' '.join(near)}\n")
        return file


def sign_in(client: Client) -> None:
    form = client.get("/api/auth/signin", accept="text/html", sec_fetch_mode="navigate")
    fields = {"csrfToken": csrf_token(form.text), "callbackUrl": "/", "email": EMAIL, "password": PASSWORD}
    client.post("/api/auth/callback/credentials", fields)


def tour(stack: Stack) -> None:
    elsewhere = Client(8080)
    sign_in(elsewhere)
    expect("who signed in elsewhere reaches the API", 200, elsewhere.get("/orders/me").status)
    kept = dict(elsewhere.cookies)
    walk(Client(8080), VARIABLES["AUTH_URL"], EMAIL, PASSWORD)
    expect("a sign-out ends the session elsewhere, too", 401, elsewhere.get("/orders/me").status)
    stack.kill("gate")
    expect("without a gate nobody passes", 503, Client(8080).get("/").status)
    stack.start("gate")
    deadline = time.monotonic() + 20
    while Client(8080).get("/").status != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    expect("with a new gate the home page is there", 200, Client(8080).get("/").status)
    elsewhere.cookies = kept
    expect("  and the revoked session is refused still", 401, elsewhere.get("/orders/me").status)


def loopback_up() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))


def main() -> None:
    loopback_up()
    # Where users of no name may look.
    place = Path(tempfile.mkdtemp(prefix="sessiongate-compose-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as ending:
        ending.callback(shutil.rmtree, place)
        stack = ending.enter_context(Stack(place))
        stack.up()
        tour(stack)


if __name__ == "__main__":
    os.umask(0o022)
    main()
