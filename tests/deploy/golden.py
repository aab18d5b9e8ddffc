"""Golden files: what is made today is what was looked at when it was made. UPDATE_GOLDEN=1 writes them anew."""

import difflib
import os

from places import GOLDEN


def compare(name: str, made: str) -> None:
    """Raises AssertionError with the difference. `name` is a path below tests/deploy/golden."""
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made)
    kept = file.read_text() if file.exists() else ""
    if kept != made:
        lines = difflib.unified_diff(kept.splitlines(), made.splitlines(), str(file), "made", lineterm="")
        meant = "If that is meant: UPDATE_GOLDEN=1 make deploy-test, and look at the difference"
        raise AssertionError("\n".join([*lines, meant]))
