"""Each page, snippet by snippet, as its reader would follow it."""

import time
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import inline
import page
import snippets
from places import ROOT
from world import World

PAGES = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "deploy/**/README.md", "examples/**/README.md")


# How many snippets of each kind there were, for the last line of a run.
done: Counter[str] = Counter()


def pages() -> list[str]:
    found = {file.relative_to(ROOT).as_posix() for pattern in PAGES for file in ROOT.glob(pattern)}
    found = {name for name in found if "node_modules" not in name and name != "docs/SUMMARY.md"}
    # Those that install something take longest, so they begin first.
    return sorted(found, key=lambda name: (" network" not in (ROOT / name).read_text(), name))


def follow(name: str) -> tuple[list[str], float]:
    """What is wrong with a page, and how long it took to find out."""
    begun = time.monotonic()
    read = page.read(ROOT / name, name)
    mistakes = inline.mistakes(read)
    if read.snippets:
        with World() as world:
            for snippet in read.snippets:
                done.update((snippet.flags | snippet.options.keys()) & snippets.DONE)
                try:
                    snippets.do(snippet, world)
                except snippets.Wrong as wrong:
                    mistakes.append(str(wrong))
    return mistakes, time.monotonic() - begun


class PageTest(unittest.TestCase):
    """Pages run side by side: most of their time they wait for something to start."""

    _pool = ThreadPoolExecutor(4)

    def __init__(self, name: str) -> None:
        super().__init__("run_page")
        self.name = name
        self._followed = self._pool.submit(follow, name)

    def __str__(self) -> str:
        return self.name

    def run_page(self) -> None:
        mistakes, seconds = self._followed.result()
        print(f"{seconds:.1f} s ", end="", flush=True)
        if mistakes:
            self.fail("\n" + "\n".join(mistakes))
