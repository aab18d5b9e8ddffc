"""What is done with a snippet, as the words after its language say."""

import re
from pathlib import Path

import configurations
import envoys
import objects
import transcript
from cluster import stand_ins
from page import Snippet
from places import ROOT
from terminal import Ended, Terminal, appears
from world import World

FLAGS = {"run", "console", "background", "network", "config", "envoy", "kubernetes", "make", "cluster"}
OPTIONS = {"file", "append", "same-as", "shown", "until", "exit", "limit", "terminal"}
DONE = {"run", "console", "config", "envoy", "kubernetes", "make", "cluster", "file", "append", "same-as", "shown"}
GAP = re.compile(r"(#|//|--|<!--|;)?\s*…\s*(-->)?")


class Wrong(AssertionError):
    """A snippet that does not do what the page says; the message tells which, and what happened instead."""


def do(snippet: Snippet, world: World) -> None:
    words = snippet.flags | snippet.options.keys()
    if unknown := words - FLAGS - OPTIONS:
        raise _wrong(snippet, f"the runner knows no `{min(unknown)}`")
    if not words & DONE:
        raise _wrong(snippet, "nothing runs this snippet: its info string has to say what is done with it")
    options = snippet.options
    if "shown" in options and len(options["shown"].split()) < 3:
        raise _wrong(snippet, "`shown` has to say why it cannot be run")
    if "same-as" in options:
        _part_of(snippet, ROOT / options["same-as"])
    if "file" in options or "append" in options:
        _write(snippet, world.page)
    for word in sorted(snippet.flags & CHECKS.keys()):
        if mistake := CHECKS[word](snippet.text):
            raise _wrong(snippet, mistake)
    if snippet.flags & {"run", "console", "cluster"}:
        _run(snippet, world)


def _as_kubernetes(text: str) -> str | None:
    try:
        objects.validate("docs/", objects.documents(text))
    except (objects.InvalidObject, ValueError) as error:
        return str(error)
    return None


def _targets_of_make(text: str) -> str | None:
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for line in text.splitlines():
        command, *arguments = line.partition("#")[0].split() or ["make"]
        targets = [word for word in arguments if "=" not in word]
        if command != "make" or not there.issuperset(targets):
            return f"the Makefile has no `{line.strip()}`"
    return None


CHECKS = {
    "config": configurations.mistake,
    "envoy": envoys.mistake,
    "kubernetes": _as_kubernetes,
    "make": _targets_of_make,
}


def _write(snippet: Snippet, folder: Path) -> None:
    mode, name = ("a", snippet.options["append"]) if "append" in snippet.options else ("w", snippet.options["file"])
    file = folder / name
    if mode == "a" and not file.exists():
        raise _wrong(snippet, f"there is no {name} to add it to")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open(mode) as opened:
        opened.write(snippet.text)


def _part_of(snippet: Snippet, file: Path) -> None:
    """The parts between gaps stand in the file, in this order; spaces do not count."""
    if not file.is_file():
        raise _wrong(snippet, f"there is no {file.relative_to(ROOT)}")
    whole, at = _words(file.read_text().splitlines()), 0
    part: list[str] = []
    for line in [*snippet.text.splitlines(), "…"]:
        if not GAP.fullmatch(line.strip()):
            part.append(line)
            continue
        wanted = _words(part)
        found = whole.find(wanted, at)
        if found < 0:
            raise _wrong(snippet, f"this is no part of {file.relative_to(ROOT)}:\n" + "\n".join(part))
        at, part = found + len(wanted), []


def _words(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def _run(snippet: Snippet, world: World) -> None:
    terminal = world.terminal(snippet.options.get("terminal", "main"))
    try:
        if "cluster" in snippet.flags:
            terminal.run(stand_ins(world.folder))
        if "network" in snippet.flags:
            terminal = world.outside(terminal)
        if "console" in snippet.flags:
            _transcript(snippet, terminal)
        elif "background" in snippet.flags:
            _begun(snippet, terminal, terminal.start(snippet.text))
        else:
            _succeeds(snippet, snippet.text, *terminal.run(snippet.text, _limit(snippet)))
    except Ended as ended:
        raise _wrong(snippet, str(ended)) from None


def _transcript(snippet: Snippet, terminal: Terminal) -> None:
    try:
        steps = transcript.steps(snippet.text)
    except ValueError as error:
        raise _wrong(snippet, str(error)) from None
    for step in steps:
        if "background" in snippet.flags:
            output = terminal.start(step.command)
            if not appears(output, lambda printed, step=step: step.matches(printed, begins=True), _limit(snippet)):
                raise _wrong(snippet, _difference(step, output.read_text()), step.line)
            _begun(snippet, terminal, output)
            continue
        status, printed = terminal.run(step.command, _limit(snippet))
        _succeeds(snippet, step.command, status, printed, last=step is steps[-1])
        if not step.matches(printed):
            raise _wrong(snippet, _difference(step, printed), step.line)


def _begun(snippet: Snippet, terminal: Terminal, output: Path) -> None:
    until = snippet.options.get("until")
    if not until:
        return
    if until.startswith(("http:", "https:")):
        there = terminal.answers(until, _limit(snippet))
    else:
        there = appears(output, lambda printed: until in printed, _limit(snippet))
    if not there:
        raise _wrong(snippet, f"`{until}` did not come; it printed\n{output.read_text(errors='replace')}")


def _succeeds(snippet: Snippet, command: str, status: int, printed: str, *, last: bool = True) -> None:
    wanted = int(snippet.options.get("exit", "0")) if last else 0
    if status != wanted:
        raise _wrong(snippet, f"it ended with {status}, not {wanted}:\n{command}{printed}")


def _difference(step: transcript.Step, printed: str) -> str:
    shown = "\n".join(step.printed)
    return f"$ {step.command}printed\n{transcript.plain(printed)}where the page shows\n{shown}"


def _limit(snippet: Snippet) -> float:
    return float(snippet.options.get("limit", "120"))


def _wrong(snippet: Snippet, what: str, line: int | None = None) -> Wrong:
    name, _, first = snippet.where.rpartition(":")
    return Wrong(f"{name}:{int(first) + (0 if line is None else line + 1)}: {what}")
