"""The image of deploy/Dockerfile, made by hand where no container engine is, and containers of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import distroless
from confined import end_with_parent
from dockerfile import Dockerfile
from places import BINARY, ROOT
from printed import Printed

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
        self._printed = Printed(self.process.stdout)
        self.lines = self._printed.lines

    def hear(self, words: str, seconds: float = 30) -> str:
        """Waits for a line with these words, as Printed does."""
        return self._printed.hear(words, seconds)

    def pid(self) -> int:
        """Of the process itself: the first of its own process namespace, but here it has another number."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid(), number)

    def wait(self) -> tuple[int, str]:
        """Its exit code, and what it printed."""
        code = self.process.wait(timeout=30)
        self._printed.join()
        return code, "".join(f"{line}\n" for line in self.lines)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._printed.join()


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
