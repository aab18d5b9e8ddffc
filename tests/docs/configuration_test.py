"""docs/configuration.md is what tools/configuration_page.py makes of the program, and says something of every key."""

import re
import sys
import unittest

from places import BINARY, ROOT

sys.path.append(str(ROOT / "tools"))

import configuration_page  # noqa: E402


class Configuration(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.made = configuration_page.page(BINARY)

    def test_the_page_is_that_of_the_program(self):
        _, mark, rest = configuration_page.PAGE.read_text().partition(configuration_page.GENERATED)
        self.assertEqual(
            (mark + rest).splitlines(), self.made.splitlines(),
            f"write it anew: python3 tools/configuration_page.py {BINARY}",
        )

    def test_every_key_says_what_it_does(self):
        rows = re.findall(r"^\| (`\w+`) \| (.*?) \|", self.made, re.M)
        self.assertGreater(len(rows), 120)
        self.assertEqual([key for key, text in rows if len(text.split()) < 2 and not text.startswith("`")], [])
