"""Where the snippets of a page run: an empty folder, a clean environment, and a network and processes of its own.

So ports such as 8080 are free however many pages run at once, and whatever a page started ends with it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from places import BINARY, ENVOY, ROOT
from terminal import Terminal

ENOUGH = 8 << 30
INIT = Path(__file__).with_name("init.py")


def _memory() -> str | None:
    """Where there is much of it: a page that installs Next.js writes tens of thousands of small files."""
    try:
        there = os.statvfs("/dev/shm")
    except OSError:
        return None
    return "/dev/shm" if there.f_bavail * there.f_frsize > ENOUGH and not there.f_flag & os.ST_NOEXEC else None


class World:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sessiongate-docs-", dir=_memory()))
        self._terminals: dict[str, Terminal] = {}
        self._init: subprocess.Popen | None = None
        self._first = 0  # its child, the first process of the page's own
        for name in ("page", "home", "bin", "runs"):
            (self.folder / name).mkdir()
        for command, program in {"sessiongate": BINARY, "envoy": ENVOY}.items():
            (self.folder / "bin" / command).symlink_to(program)
        self._hosts = self.folder / "hosts"
        self._hosts.write_text("127.0.0.1 localhost\n")

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_) -> None:
        if self._init:
            # The kernel ends all the others before the first one is gone.
            os.kill(self._first, signal.SIGTERM)
            self._init.wait()
            self._init.stdout.close()
        for terminal in self._terminals.values():
            terminal.close()
        shutil.rmtree(self.folder)

    def _begin(self) -> None:
        as_root = [] if os.getuid() == 0 else ["--map-root-user"]
        self._init = subprocess.Popen(
            ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", *as_root,
             "sh", "-c", 'mount --bind "$1" /etc/hosts && exec python3 -S "$2"', "sh", self._hosts, INIT],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )
        if self._init.stdout.readline() != "ready\n":
            raise RuntimeError("there are no namespaces here: unshare(1) failed")
        self._first = int(Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children").read_text())

    @property
    def page(self) -> Path:
        """The reader's folder."""
        return self.folder / "page"

    def terminal(self, name: str = "main") -> Terminal:
        if name not in self._terminals:
            self._terminals[name] = self._open(inside=True)
        return self._terminals[name]

    def outside(self, like: Terminal) -> Terminal:
        """One with the machine's network, which begins where `like` is."""
        terminal = self._open(inside=False)
        terminal.run(like.state())
        return terminal

    def inside(self, *command: str) -> list[str]:
        """The command line that runs this in the page's network."""
        if not self._init:
            self._begin()
        return [*self._enter(), "--net", f"--wd={self.page}", *command]

    def _open(self, *, inside: bool) -> Terminal:
        shell = ["bash", "--noprofile", "--norc"]
        command = self.inside(*shell) if inside else [*self._enter(), f"--wd={self.page}", *shell]
        return Terminal(command, self._environment(), self.folder / "runs", self.inside)

    def _enter(self) -> list[str]:
        as_root = [] if os.getuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self._first}", "--pid", "--mount", *as_root]

    def _environment(self) -> dict[str, str]:
        of_the_machine = {
            name: value for name, value in os.environ.items()
            if name in ("PATH", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GOPROXY", "GOFLAGS", "GONOSUMDB", "GOSUMDB")
            or name.lower().startswith(("npm_config_", "pip_"))
        }
        home = Path.home()
        return of_the_machine | {
            "PATH": f"{self.folder}/bin:{of_the_machine['PATH']}",
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "SESSIONGATE": str(ROOT),
            "HOSTS": str(self._hosts),  # the page's /etc/hosts
            # What has been fetched before is not fetched again.
            "npm_config_cache": str(home / ".npm"),
            "npm_config_update_notifier": "false",
            "npm_config_prefer_offline": "true",
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "PIP_CACHE_DIR": str(home / ".cache/pip"),
            "GOMODCACHE": os.environ.get("GOMODCACHE", str(home / "go/pkg/mod")),
            "GOCACHE": os.environ.get("GOCACHE", str(home / ".cache/go-build")),
        }
