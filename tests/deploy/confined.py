"""Runs one command as a container engine or systemd would confine it: its own mounts and processes, another user.

    unshare --mount --pid --fork --kill-child --propagation private python3 confined.py '{"command": [...], ...}'

The whole file system is read-only. Of the image (`image`, else this machine's root) nothing is touched: mount points
are made in memory above it. Needs root, as a container engine does.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import seccomp_filter

PR_SET_PDEATHSIG, PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 23, 24, 38
LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    spec = json.loads(sys.argv[1])
    root = Path(root_file_system(Path(spec.get("image", "/"))))
    mount_into(root, spec)
    os.chroot(root)
    os.chdir(spec.get("folder", "/"))
    give_up_rights(spec["user"])
    if "filters" in spec:
        seccomp_filter.install(spec["filters"])
    os.execvpe(spec["command"][0], spec["command"], spec["environment"])


def root_file_system(image: Path) -> str:
    """The image with memory above it, in a folder that only this process and its children see."""
    memory = "/run"
    mount("-t", "tmpfs", "memory", memory)
    for part in ("above", "work", "root"):
        os.mkdir(f"{memory}/{part}")
    layers = f"lowerdir={image},upperdir={memory}/above,workdir={memory}/work"
    mount("-t", "overlay", "overlay", "-o", layers, f"{memory}/root")
    return f"{memory}/root"


def mount_into(root: Path, spec: dict) -> None:
    places = {"/proc": None, "/dev": "/dev", **spec.get("mounts", {})}
    for place, source in places.items():
        point = root / place.lstrip("/")
        if source and Path(source).is_file():
            point.parent.mkdir(parents=True, exist_ok=True)
            point.touch()
        else:
            point.mkdir(parents=True, exist_ok=True)
        if source:
            mount("--rbind", source, point)
            mount("-o", "remount,bind,ro", point)
        else:
            mount("-t", "proc", "-o", spec.get("proc", "rw"), "proc", point)
    for place in spec.get("memory", []):
        (root / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "-o", "mode=1777", "memory", root / place.lstrip("/"))
    mount("-o", "remount,ro", root)


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def give_up_rights(user: int) -> None:
    capability = 0
    while LIBC.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:
        succeed(LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
        capability += 1
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    succeed(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    # Which a change of the user takes away.
    end_with_parent()


def end_with_parent() -> None:
    """The kernel ends this process when the one that started it is gone."""
    succeed(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))


def succeed(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main()
