"""A Dockerfile, read: its instructions by stage, with continued lines joined, and variables left as written."""

import json
import re
import shlex
from pathlib import Path


class Dockerfile:
    def __init__(self, file: Path) -> None:
        text = re.sub(r"^\s*#.*\n", "", file.read_text(), flags=re.MULTILINE)
        lines = text.replace("\\\n", " ").splitlines()
        self.stages: list[list[tuple[str, str]]] = []
        for line in filter(str.strip, lines):
            instruction, _, rest = line.strip().partition(" ")
            if instruction == "FROM":
                self.stages.append([])
            self.stages[-1].append((instruction, rest.strip()))

    def base(self, stage: int) -> str:
        return self.all("FROM", stage)[0].split()[0]

    def all(self, instruction: str, stage: int = -1) -> list[str]:
        return [rest for name, rest in self.stages[stage] if name == instruction]

    def last(self, instruction: str) -> str:
        """Of the final stage, where the last one counts."""
        return self.all(instruction)[-1]

    def command(self, instruction: str) -> list[str]:
        """A command as a list, which needs no shell; ValueError where it is written for one."""
        written = self.last(instruction)
        return json.loads(written[written.index("["):])

    def copied(self) -> list[tuple[str, str, str | None]]:
        """From where, to where, and from which stage; of the final stage."""
        copies = []
        for rest in self.all("COPY"):
            words = shlex.split(rest)
            stage = next((word.partition("=")[2] for word in words if word.startswith("--from=")), None)
            source, target = (word for word in words if not word.startswith("--"))
            copies.append((source, target, stage))
        return copies

    def labels(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for rest in self.all("LABEL") for pair in shlex.split(rest))
