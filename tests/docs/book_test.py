"""The book of docs/, built as it is published: all pages are in it, and all links lead somewhere."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import links
from places import ROOT, TOOLS

MDBOOK = TOOLS / "docs/bin/mdbook"


class Book(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.built = build(ROOT / "docs", ROOT / "target/book")

    def test_it_is_built_without_a_word_of_warning(self):
        self.assertEqual(self.built.returncode, 0, self.built.stderr)
        self.assertNotRegex(self.built.stderr, "WARN|ERROR")

    def test_every_page_is_in_it(self):
        summary = (ROOT / "docs/SUMMARY.md").read_text()
        pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")} - {"SUMMARY.md"}
        self.assertEqual([page for page in sorted(pages) if f"({page})" not in summary], [])

    def test_every_link_leads_somewhere(self):
        found = links.check(ROOT / "target/book")
        self.assertEqual(found.broken, [])
        print(f"{found.local} links within the book, {found.files} to the repository, ", end="", flush=True)
        print(f"{len(found.outside)} elsewhere, which are not asked for ", end="", flush=True)
        self.assertGreater(found.local, 100)

    def test_nothing_that_is_for_the_tests_is_in_it(self):
        for page in (ROOT / "target/book").rglob("*.html"):
            self.assertNotIn("<!-- run", page.read_text(), page)


class BrokenLinks(unittest.TestCase):
    def test_each_kind_is_found(self):
        page = "# Here\n\n"
        page += "[a](no.md) [b](other.md#no) [c](../deploy/no.yaml) [d](no.png) [e](other.md#there) [f](#here)\n"
        with tempfile.TemporaryDirectory() as folder:
            docs = Path(folder, "docs")
            docs.mkdir()
            toml = (ROOT / "docs/book.toml").read_text().replace("../tools", str(ROOT / "tools"))
            toml = re.sub("edit-url-template.*", "", toml)
            (docs / "book.toml").write_text(toml)
            (docs / "book.css").touch()
            (docs / "SUMMARY.md").write_text("- [Here](here.md)\n- [Other](other.md)\n")
            (docs / "here.md").write_text(page)
            (docs / "other.md").write_text("# Other\n\n## There\n")
            build(docs, Path(folder, "book"))
            found = links.check(Path(folder, "book").resolve())
        self.assertEqual(
            sorted(found.broken),
            [
                "here.html: deploy/no.yaml is not in the repository",
                "here.html: other.html#no: that page has no such heading",
                "here.html: there is no no.html",
                "here.html: there is no no.png",
                # The first page is the index as well.
                "index.html: deploy/no.yaml is not in the repository",
                "index.html: other.html#no: that page has no such heading",
                "index.html: there is no no.html",
                "index.html: there is no no.png",
            ],
        )


def build(docs: Path, place: Path) -> subprocess.CompletedProcess:
    command = [MDBOOK, "build", docs, "--dest-dir", place]
    return subprocess.run(command, capture_output=True, text=True, check=False)
