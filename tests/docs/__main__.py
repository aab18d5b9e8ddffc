"""Runs every snippet of README.md, docs/ and the READMEs of deploy/ and examples/, and checks the book.

    python3 tests/docs [name…]     all pages and tests, or the pages that have a name in their path, and the files of
                                   tests that begin with one
"""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# At the end, so that nothing in them hides a module of Python's own.
sys.path += [str(ROOT / "tests/deploy"), str(ROOT / ".tools/docs"), str(ROOT / ".tools/deploy")]

from pages_test import PageTest, done, pages  # noqa: E402


def main(names: list[str]) -> int:
    chosen = [page for page in pages() if not names or any(name in page for name in names)]
    own = [file.stem for file in sorted(HERE.glob("*_test.py")) if not names or file.name.startswith(tuple(names))]
    # The pages begin now, and are waited for when the other tests are over.
    following = [PageTest(page) for page in chosen]
    tests = unittest.TestLoader().loadTestsFromNames(own)
    tests.addTests(following)
    if not tests.countTestCases():
        print(f"no page and no file of tests has {' or '.join(names)} in its path", file=sys.stderr)
        return 2
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    print(f"\n{len(chosen)} pages; snippets:", ", ".join(f"{count} {word}" for word, count in done.most_common()))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
