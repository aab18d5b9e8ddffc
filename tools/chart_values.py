"""The values of the Helm chart with the comments that stand above them, for its README and its schema.

Both are made from deploy/helm/sessiongate/values.yaml, so that they cannot say anything else.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

CHART = Path(__file__).resolve().parents[1] / "deploy/helm/sessiongate"


@dataclass
class Value:
    """A key: a group has keys that are told of one by one, anything else is one value, however deep."""

    path: tuple[str, ...]
    comment: str
    default: object
    groups: "list[Value] | None"

    @property
    def name(self) -> str:
        return ".".join(self.path)


def read() -> list[Value]:
    """Raises ValueError where a value has no comment."""
    text = (CHART / "values.yaml").read_text()
    lines = text.splitlines()
    return _of_mapping(yaml.compose(text), yaml.safe_load(text), lines, ())


def _of_mapping(node: yaml.MappingNode, defaults: dict, lines: list[str], above: tuple[str, ...]) -> list[Value]:
    found = []
    for key, content in node.value:
        path = *above, key.value
        comment = _comment_above(lines, key.start_mark.line)
        default = defaults[key.value]
        groups = None
        if isinstance(content, yaml.MappingNode) and _tells_of_keys(content, lines):
            groups = _of_mapping(content, default, lines, path)
        elif not comment:
            raise ValueError(f"values.yaml, line {key.start_mark.line + 1}: {'.'.join(path)} has no comment")
        found.append(Value(path, comment, default, groups))
    return found


def _tells_of_keys(node: yaml.MappingNode, lines: list[str]) -> bool:
    return any(
        _comment_above(lines, key.start_mark.line)
        or isinstance(content, yaml.MappingNode) and _tells_of_keys(content, lines)
        for key, content in node.value
        if key.start_mark.line != node.start_mark.line or not node.flow_style
    )


def _comment_above(lines: list[str], line: int) -> str:
    """The lines of `#` that end right above this one, as one text."""
    words: list[str] = []
    while line and lines[line - 1].lstrip().startswith("# "):
        line -= 1
        words.insert(0, lines[line].strip().removeprefix("# "))
    return " ".join(words)
