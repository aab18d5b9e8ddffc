"""How soon a server is ready, by what it tells its service manager, and what memory it has then."""

import socket
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from asked import configuration
from world import PAGE, free_port


@dataclass(frozen=True)
class Start:
    """Of so many starts: milliseconds, and MiB of resident memory when ready."""

    starts: int
    least: float
    median: float
    most: float
    memory: float


def start(binary: Path, place: Path, starts: int = 21) -> Start:
    """From before the process is made until its READY=1 has come (sd_notify)."""
    took, memory = [], []
    for _ in range(starts):
        file = configuration(place, free_port(), name="start")
        address = place / "notify"
        address.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            notified.bind(str(address))
            notified.settimeout(10)
            began = time.monotonic()
            with (place / "start.log").open("wb") as log:
                command = [str(binary), "serve", "--config", str(file)]
                server = subprocess.Popen(command, stderr=log, env={"NOTIFY_SOCKET": str(address)})
            try:
                while b"READY=1" not in notified.recv(1024):
                    pass
                took.append((time.monotonic() - began) * 1e3)
                pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
                memory.append(pages * PAGE / (1 << 20))
            finally:
                server.terminate()
                server.wait(20)
    return Start(starts, min(took), statistics.median(took), max(took), statistics.median(memory))
