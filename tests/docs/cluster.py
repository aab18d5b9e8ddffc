"""Stands in for what talks to a cluster or an engine, which there is none of here: kubectl, helm, docker and the like.

What the real kubectl and helm can do by themselves they do: what would reach a cluster is rendered and held against the
schemas of Kubernetes. Of anything else the flags are held against the command's own help, and the files that it names
have to be there.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COMMANDS = ("kubectl", "helm", "docker", "istioctl", "systemctl")
CHART = "deploy/helm/sessiongate"
# Of these there is a real one, for what needs no cluster.
REAL = {"kubectl": ROOT / ".tools/kubernetes/kubectl", "helm": ROOT / ".tools/kubernetes/helm"}
BY_ITSELF = {("kubectl", "kustomize"), ("helm", "template"), ("helm", "lint"), ("helm", "show"), ("helm", "package")}
# Flags of `helm upgrade` that `helm template` has no use for; those that end in `=` have a value.
OF_A_RELEASE = ("--install", "-i", "--wait", "--atomic", "--rollback-on-failure", "--create-namespace", "--timeout=")


def stand_ins(folder: Path) -> str:
    """A line of shell that puts them first in the PATH, and the repository's deploy/ into the reader's folder."""
    commands = folder / "cluster"
    commands.mkdir(exist_ok=True)
    for name in COMMANDS:
        if not (commands / name).exists():
            (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE}/cluster.py" {name} "$@"\n')
            (commands / name).chmod(0o755)
    return f'PATH="{commands}:$PATH"; test -e deploy || ln -s "{ROOT}/deploy" deploy\n'


def main(command: str, words: list[str]) -> None:
    words = [CHART if re.fullmatch(r"oci://ghcr\.io/sessiongate/.*sessiongate", word) else word for word in words]
    if command not in REAL:
        return _files_are_there(words)
    verb = words[0] if words and not words[0].startswith("-") else sys.exit(f"{command}: the verb comes first")
    verbs = [word for word in words if not word.startswith("-")]
    _flags_exist(command, verbs, words)
    if (command, verb) in BY_ITSELF:
        print(_real(command, words), end="")
    elif command == "helm" and verb in ("install", "upgrade"):
        words = ["template", *(word for word in words if word != verb)]
        _valid(_real("helm", _without(words, OF_A_RELEASE)))
    elif command == "kubectl" and verb in ("apply", "create", "replace"):
        sent = _sent(words)
        _valid(sent)
        if any(word.startswith("--dry-run") for word in words):
            print(sent, end="")
    return None


def _sent(words: list[str]) -> str:
    """What kubectl would send."""
    for flag, value in zip(words, [*words[1:], ""]):
        if flag in ("-k", "--kustomize"):
            return _real("kubectl", ["kustomize", value])
        if flag in ("-f", "--filename"):
            return sys.stdin.read() if value == "-" else Path(value).read_text()
    return _real("kubectl", [*words, "--dry-run=client", "--output=yaml"])


def _valid(text: str) -> None:
    sys.path += [str(ROOT / "tests/deploy"), str(ROOT / ".tools/deploy")]
    import objects  # noqa: PLC0415 (only here, since it takes a while)

    try:
        objects.validate("the page", objects.documents(text))
    except (objects.InvalidObject, ValueError) as error:
        sys.exit(str(error))


def _flags_exist(command: str, verbs: list[str], words: list[str]) -> None:
    known = ""
    of_all = ["options"] if command == "kubectl" else ["--help"]
    for asked in (*([*verbs[:depth], "--help"] for depth in (3, 2, 1)), of_all):
        told = subprocess.run([REAL[command], *asked], capture_output=True, text=True, check=False)
        known += told.stdout
        if told.returncode != 0 and asked == [verbs[0], "--help"]:
            sys.exit(f"{command} has no `{verbs[0]}`")
    for flag in (word.partition("=")[0] for word in words if word.startswith("-") and word not in ("-", "--")):
        if not re.search(rf"^\s*(-\w, )?{re.escape(flag)}\b|^\s*{re.escape(flag)}, ", known, re.M):
            sys.exit(f"`{command} {verbs[0]}` has no `{flag}`")


def _files_are_there(words: list[str]) -> None:
    """Files behind `-f`, `--file` and `--env-file`, and those that a container is to see."""
    for flag, value in zip(words, [*words[1:], ""]):
        flag, _, attached = flag.partition("=")
        named = attached or value
        if flag in ("-v", "--volume"):
            named = named.partition(":")[0]
        elif flag not in ("-f", "--file", "--env-file"):
            continue
        if ("/" in named or flag not in ("-v", "--volume")) and not Path(named).exists():
            sys.exit(f"there is no {named}")


def _without(words: list[str], flags: tuple[str, ...]) -> list[str]:
    kept, skip = [], False
    for word in words:
        if skip or word in flags or f"{word.partition('=')[0]}=" in flags:
            skip = not skip and f"{word}=" in flags
            continue
        kept.append(word)
    return kept


def _real(command: str, words: list[str]) -> str:
    done = subprocess.run([REAL[command], *words], stdout=subprocess.PIPE, text=True, check=False, env=os.environ)
    return done.stdout if done.returncode == 0 else sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
