"""A page of Markdown as the runner sees it: its snippets in order, its words in backticks, its links."""

import re
import shlex
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock

from markdown_it import MarkdownIt

# The parser, and what mdurl remembers below it, are for one thread at a time.
_parsing = Lock()
HIDDEN = re.compile(r"<!--\s*run\b([^\n]*)\n(.*?)-->\s*\Z", re.S)


@dataclass(frozen=True)
class Snippet:
    """A fenced block, or a hidden one in a comment `<!-- run … -->`."""

    where: str  # as docs/refresh.md:12
    language: str
    text: str
    flags: frozenset[str] = frozenset()
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    file: Path
    name: str  # its path from the root of the repository
    snippets: list[Snippet]
    words: list[tuple[str, str]]  # where, and what stands in backticks
    links: list[tuple[str, str]]  # where, and what it leads to


def read(file: Path, name: str) -> Page:
    """ValueError: an info string that cannot be read."""
    snippets, words, links = [], [], []
    with _parsing:
        tokens = _markdown().parse(file.read_text())
    for token in tokens:
        where = f"{name}:{token.map[0] + 1}" if token.map else name
        if token.type == "fence":
            snippets.append(_snippet(where, token.info, token.content))
        elif token.type == "code_block":
            snippets.append(Snippet(where, "", token.content))
        elif token.type == "html_block" and (hidden := HIDDEN.match(token.content)):
            snippets.append(_snippet(where, "sh run" + hidden[1], hidden[2]))
        elif token.type == "inline":
            words += [(where, " ".join(code.content.split())) for code in token.children if code.type == "code_inline"]
            links += [(where, link.attrs["href"]) for link in token.children if link.type == "link_open"]
            links += [(where, image.attrs["src"]) for image in token.children if image.type == "image"]
    return Page(file, name, snippets, words, links)


def _snippet(where: str, info: str, text: str) -> Snippet:
    try:
        language, *rest = shlex.split(info) or [""]
    except ValueError as error:
        raise ValueError(f"{where}: the info string `{info}` cannot be read: {error}") from None
    options = dict(word.split("=", 1) for word in rest if "=" in word)
    flags = {word for word in rest if "=" not in word}
    if language == "console" and "shown" not in options:
        flags.add("console")
    return Snippet(where, language, text, frozenset(flags), options)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")
