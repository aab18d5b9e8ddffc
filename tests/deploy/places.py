"""Where the tests find what they test, and the tools they test it with."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
HELM = TOOLS / "kubernetes/helm"
KUBECTL = TOOLS / "kubernetes/kubectl"
ENVOY = TOOLS / "envoy/envoy/_bin/envoy"
GOLDEN = ROOT / "tests/deploy/golden"


def _binary() -> Path:
    if chosen := os.environ.get("SESSIONGATE_BINARY"):
        return Path(chosen).resolve()
    return ROOT / "target/debug/sessiongate"


BINARY = _binary()
