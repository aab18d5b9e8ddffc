"""A `console` snippet: commands behind `$ `, and what each of them prints, where `…` stands for anything."""

import re
from dataclasses import dataclass

HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Step:
    line: int  # within the snippet, from 0
    command: str
    printed: list[str]

    def matches(self, output: str, *, begins: bool = False) -> bool:
        """Nothing shown: anything may be printed. `begins`: more may come."""
        if not self.printed:
            return True
        return re.fullmatch(self._pattern() + (r"(.*\n)*?" if begins else ""), plain(output)) is not None

    def _pattern(self) -> str:
        lines = (r"(?:.*\n)*?" if line.strip() == "…" else _line(line) for line in self.printed)
        return "".join(lines)


def steps(text: str) -> list[Step]:
    """ValueError: it does not begin with a command."""
    found: list[tuple[int, list[str], list[str]]] = []
    open_until = None  # the end of a here-document
    goes_on = False
    for at, line in enumerate(text.splitlines()):
        if goes_on or open_until:
            found[-1][1].append(line)
        elif line.startswith("$ "):
            found.append((at, [line[2:]], []))
        elif not found:
            raise ValueError("the first line is no command: it does not begin with `$ `")
        else:
            found[-1][2].append(line)
            continue
        if open_until:
            open_until = None if line.strip() == open_until else open_until
        elif here := HERE.search(line):
            open_until = here[2]
        goes_on = not open_until and line.endswith("\\")
    return [Step(at, "\n".join(command) + "\n", _without_last_blank(printed)) for at, command, printed in found]


def plain(output: str) -> str:
    """Without colours, spaces at ends of lines, and blank lines at its end."""
    lines = [line.rstrip() for line in COLOURS.sub("", output).splitlines()]
    return "".join(f"{line}\n" for line in _without_last_blank(lines))


def _line(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.rstrip().split("…")) + r"\n"


def _without_last_blank(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
