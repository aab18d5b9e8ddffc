"""Runs the whole on this machine: an Auth.js application, a Python service, sessiongate and Envoy.

    python3 tools/demo                  start everything, print what to try; Ctrl-C ends it
    python3 tools/demo --check          start, sign in as the printed lines do, say what was seen, end
    python3 tools/demo --binary FILE    with this sessiongate instead of a fresh release build

`make demo` installs what is needed first. The password is a new one each time, unless DEMO_PASSWORD says
which; DEMO_PORT and its like (ports.py) choose other ports.
"""

import argparse
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from client import Client
from family import ChildEnded, Family
from ports import Ports, PortsTaken
from services import EMAIL, Demo
from walkthrough import Unexpected, walk

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 30.0  # seconds, for all four together


def main() -> int:
    options = arguments()
    on_signals(stop)
    try:
        ports = Ports.chosen(any_free=options.check)
        binary = options.binary or build()
        return run(binary.resolve(), ports, options.check)
    except (PortsTaken, ChildEnded, NotReady, Unexpected) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    except Stopped:
        print()
        return 0


def run(binary: Path, ports: Ports, check: bool) -> int:
    place = Path(tempfile.mkdtemp(prefix="sessiongate-demo-"))
    family = Family(logs=place)
    demo = Demo(ROOT, place, ports, binary, password=password())
    try:
        for name, command, environment in demo.children():
            family.start(name, command, environment)
        wait_until_ready(demo, family)
        if check:
            walk(Client(ports.edge), demo.origin, EMAIL, demo.password)
            return 0
        print(demo.instructions(), flush=True)
        while True:
            family.check()
            time.sleep(0.2)
    finally:
        on_signals(signal.SIG_IGN)
        family.end()
        shutil.rmtree(place)


def build() -> Path:
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "sessiongate"


def wait_until_ready(demo: Demo, family: Family) -> None:
    deadline = time.monotonic() + READY_WITHIN
    for name, ready in demo.readiness():
        while not ready():
            family.check()
            if time.monotonic() > deadline:
                late = f"{name} was not ready within {READY_WITHIN:.0f} s."
                raise NotReady(f"{late}\n{family.end_of_log(name)}")
            time.sleep(0.05)


def password() -> str:
    words = ["brass", "cipher", "engine", "loom", "lever", "punched", "silk", "theorem"]
    return f"{secrets.choice(words)}-{secrets.choice(words)}-{secrets.randbelow(9000) + 1000}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 tools/demo", description="Runs an Auth.js application behind Envoy and sessiongate."
    )
    parser.add_argument("--check", action="store_true", help="try the sign-in by itself, then end")
    parser.add_argument("--binary", type=Path, help="a sessiongate that is built already")
    return parser.parse_args()


class Stopped(Exception):
    """Somebody asked us to end."""


class NotReady(Exception):
    """Something started but did not answer in time."""


def stop(signum: int, frame: object) -> None:
    on_signals(signal.SIG_IGN)  # a second Ctrl-C must not leave half of them running
    raise Stopped


def on_signals(handler: Callable | signal.Handlers) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, handler)


if __name__ == "__main__":
    sys.exit(main())
