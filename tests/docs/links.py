"""The links of a built book: every page, file and anchor to which one leads has to be there."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from places import ROOT

REPOSITORY = re.compile(r"https://github\.com/sessiongate/sessiongate/(?:blob|tree|edit)/main/([^#?]*)")


@dataclass
class Links:
    broken: list[str] = field(default_factory=list)
    local: int = 0
    files: int = 0  # of the repository
    outside: set[str] = field(default_factory=set)  # these are not asked for


def check(book: Path) -> Links:
    links = Links()
    pages = {page: _Page.read(page) for page in sorted(book.rglob("*.html")) if page.name != "404.html"}
    for page, read in pages.items():
        for href in read.hrefs:
            _check(href, page, pages, book, links)
    return links


def _check(href: str, page: Path, pages: dict[Path, "_Page"], book: Path, links: Links) -> None:
    url = urlsplit(href)
    if file := REPOSITORY.match(href):
        links.files += 1
        if not (ROOT / unquote(file[1])).exists():
            links.broken.append(f"{page.relative_to(book)}: {unquote(file[1])} is not in the repository")
    elif url.scheme in ("http", "https"):
        links.outside.add(href)
    elif url.scheme != "mailto":
        links.local += 1
        target = (page.parent / unquote(url.path)).resolve() if url.path else page
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            links.broken.append(f"{page.relative_to(book)}: there is no {href}")
        elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].anchors:
            links.broken.append(f"{page.relative_to(book)}: {href}: that page has no such heading")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.anchors: set[str] = set()

    @classmethod
    def read(cls, file: Path) -> "_Page":
        page = cls()
        page.feed(file.read_text())
        return page

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if anchor := found.get("id") or (tag == "a" and found.get("name")):
            self.anchors.add(anchor)
        for name in ("href", "src"):
            if found.get(name):
                self.hrefs.append(found[name])
