"""The image of deploy/Dockerfile, made by hand where no container engine is, and containers of it."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import distroless
from confined import end_with_parent
from dockerfile import Dockerfile
from places import BINARY, ROOT

HERE = Path(__file__).resolve().parent
DOCKERFILE = Dockerfile(ROOT / "deploy/Dockerfile")


def make_image(place: Path) -> None:
    """The final stage: its base, and what is copied into it."""
    distroless.unpack(place)
    for source, target, stage in DOCKERFILE.copied():
        file = BINARY if stage else ROOT / source
        copy = place / target.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
        copy.chmod(0o755 if os.access(file, os.X_OK) else 0o644)
    (place / DOCKERFILE.last("WORKDIR").lstrip("/")).mkdir(parents=True, exist_ok=True)


class Confined:
    """A process as confined.py runs it."""

    def __init__(self, **spec) -> None:
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
                   sys.executable, HERE / "confined.py", json.dumps(spec)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        preexec_fn=end_with_parent)
        self.lines: list[str] = []
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._arrived:
                self.lines.append(line.rstrip("\n"))
                self._arrived.notify_all()
        with self._arrived:
            self.lines.append("")
            self._arrived.notify_all()

    def await_line(self, text: str, count: int = 1) -> None:
        """Waits until it printed this so many times; RuntimeError when it ends first, or in 30 s does not."""
        def there() -> bool:
            return sum(text in line for line in self.lines) >= count

        with self._arrived:
            self._arrived.wait_for(lambda: there() or self.lines[-1:] == [""], timeout=30)
            if not there():
                raise RuntimeError(f"{text!r} was not printed:\n" + "\n".join(self.lines))

    def pid(self) -> int:
        """Of the process itself: the first of its own process namespace, but here it has another number."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid(), number)

    def wait(self) -> tuple[int, str]:
        """Its exit code, and what it printed."""
        code = self.process.wait(timeout=30)
        self._reader.join()
        return code, "\n".join(self.lines)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


def container(image: Path, mounts: dict[str, Path], command: list[str] | None = None, **environment: str) -> Confined:
    """`docker run --read-only --cap-drop=ALL`; with a command of its own in place of the image's."""
    return Confined(
        image=str(image),
        mounts={place: str(source) for place, source in mounts.items()},
        folder=DOCKERFILE.last("WORKDIR"),
        user=int(DOCKERFILE.last("USER").split(":")[0]),
        command=command or DOCKERFILE.command("ENTRYPOINT") + DOCKERFILE.command("CMD"),
        environment=distroless.ENVIRONMENT | environment,
    )
