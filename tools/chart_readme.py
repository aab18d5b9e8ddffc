"""Writes the table of values into deploy/helm/sessiongate/README.md, of the comments in values.yaml.

    python3 tools/chart_readme.py     write it anew
"""

import json

import chart_values

README = chart_values.CHART / "README.md"
# Everything below is made.
BEGIN = "## Values\n"


def made(readme: str) -> str:
    """The README with the table as it has to be."""
    above, begin, _ = readme.partition(BEGIN)
    if not begin:
        raise ValueError(f"{README} has no line `{BEGIN.strip()}`")
    rows = [row for value in chart_values.read() for row in _rows(value)]
    return "\n".join([above + begin, "| value | default | |", "| --- | --- | --- |", *rows]) + "\n"


def _rows(value: chart_values.Value) -> list[str]:
    comment = value.comment.replace("|", r"\|")
    if value.groups is None:
        return [f"| `{value.name}` | {_shown(value.default)} | {comment} |"]
    inner = [row for group in value.groups for row in _rows(group)]
    return [f"| **`{value.name}`** | | {comment} |", *inner] if comment else inner


def _shown(default: object) -> str:
    return "" if default in (None, "") else f"`{json.dumps(default)}`"


if __name__ == "__main__":
    README.write_text(made(README.read_text()))
