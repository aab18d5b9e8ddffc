"""Each page, snippet by snippet, as its reader would follow it."""

import unittest

import inline
import page
import snippets
from places import ROOT
from world import World

PAGES = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "deploy/**/README.md", "examples/**/README.md")


def pages() -> list[str]:
    found = {file.relative_to(ROOT).as_posix() for pattern in PAGES for file in ROOT.glob(pattern)}
    return sorted(name for name in found if "node_modules" not in name and name != "docs/SUMMARY.md")


class PageTest(unittest.TestCase):
    def __init__(self, name: str) -> None:
        super().__init__("run_page")
        self.name = name

    def __str__(self) -> str:
        return self.name

    def run_page(self) -> None:
        read = page.read(ROOT / self.name, self.name)
        mistakes = inline.mistakes(read)
        if read.snippets:
            with World() as world:
                for snippet in read.snippets:
                    try:
                        snippets.do(snippet, world)
                    except snippets.Wrong as wrong:
                        mistakes.append(str(wrong))
        if mistakes:
            self.fail("\n" + "\n".join(mistakes))
