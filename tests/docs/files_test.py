"""Whoever begins in an empty folder has to read on the page what each file is called."""

import unittest

import page
from pages_test import pages
from places import ROOT


class FilesTest(unittest.TestCase):
    def test_every_file_that_a_reader_writes_is_named_in_the_text_before_it(self) -> None:
        followed = [name for name in pages() if name.startswith(("docs/start/", "docs/migrate/"))]
        self.assertTrue(followed)
        for name in followed:
            read = page.read(ROOT / name, name)
            for snippet in read.snippets:
                file = snippet.options.get("file")
                with self.subTest(snippet.where):
                    named = [word for where, word in read.words if line(where) <= line(snippet.where)]
                    self.assertTrue(file is None or file in named, f"{file} is written, and not named before")


def line(where: str) -> int:
    return int(where.rpartition(":")[2])
