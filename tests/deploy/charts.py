"""The Helm chart, rendered with the values of tests/deploy/chart, once for each."""

import subprocess
import sys
from functools import cache
from pathlib import Path

from places import HELM, ROOT

sys.path.append(str(ROOT / "tools"))

CHART = ROOT / "deploy/helm/sessiongate"
VALUES = ROOT / "tests/deploy/chart"
MATRIX = sorted(file.stem for file in VALUES.glob("*.yaml"))


def values(name: str) -> Path:
    return VALUES / f"{name}.yaml"


@cache
def render(name: str, *settings: str) -> str:
    """The objects that `helm install` would send. `settings` are as for --set."""
    done = template(name, *settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def template(name: str | None, *settings: str, chart: Path = CHART) -> subprocess.CompletedProcess:
    files = ["--values", values(name)] if name else []
    sets = [word for setting in settings for word in ("--set", setting)]
    return helm("template", "sessiongate", chart, "--namespace", "sessiongate", *files, *sets)


def helm(*arguments: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run([HELM, *arguments], capture_output=True, text=True)
