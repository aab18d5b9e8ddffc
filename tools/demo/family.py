"""Child processes that live and end together."""

import ctypes
import functools
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)


class ChildEnded(Exception):
    """A child that should be running is not; tells which, how it ended, and the end of its log."""


@dataclass(frozen=True)
class Child:
    name: str
    process: subprocess.Popen


class Family:
    """Starts children, notices when one ends by itself, and ends them all."""

    def __init__(self, logs: Path, end_within: float = 5.0) -> None:
        """Logs go to `logs`; a child has `end_within` seconds between being asked to end and being killed."""
        self.logs = logs
        self.end_within = end_within
        self.children: list[Child] = []

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with self.log(name).open("wb") as log:
            try:
                process = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # A session of its own: Ctrl-C in the terminal reaches us alone, and we end it.
                    start_new_session=True,
                    preexec_fn=functools.partial(end_with, os.getpid()),
                )
            except OSError as error:
                raise ChildEnded(f"{name} cannot be started: {error}. Is everything installed (make tools)?")
        self.children.append(Child(name, process))

    def check(self) -> None:
        for child in self.children:
            status = child.process.poll()
            if status is not None:
                what = f"{child.name} ended by itself, {manner(status)}."
                raise ChildEnded(f"{what}\n{self.end_of_log(child.name)}")

    def end(self) -> None:
        for child in self.children:
            child.process.terminate()
        deadline = time.monotonic() + self.end_within
        for child in self.children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def end_of_log(self, name: str) -> str:
        lines = self.log(name).read_text(errors="replace").splitlines()[-20:]
        return "\n".join([f"The end of its log ({len(lines)} lines):", *(f"  {line}" for line in lines)])


def manner(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"


def end_with(parent: int) -> None:
    """Runs in the child: when `parent` is killed without a chance to clean up, the kernel ends it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)
