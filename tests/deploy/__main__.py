"""Runs the tests of what is under deploy/, docs/ and .github/, and prints what was held against which schemas.

    python3 tests/deploy [name…]     all of *_test.py here, or those whose file begins with a name
"""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# At the end, so that nothing in it hides a module of Python's own.
sys.path += [str(ROOT / ".tools/deploy")]

import objects  # noqa: E402


def main(names: list[str]) -> int:
    files = sorted(file for file in HERE.glob("*_test.py") if not names or file.name.startswith(tuple(names)))
    if not files:
        print(f"no test file begins with {' or '.join(names)}", file=sys.stderr)
        return 2
    tests = unittest.TestLoader().loadTestsFromNames([file.stem for file in files])
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    print_validated()
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"\n{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 0 if result.wasSuccessful() and result.testsRun else 1


def print_validated() -> None:
    """Every object that was validated, and against which versions."""
    rows = [
        (origin, against, kind, ", ".join(sorted(set(names))))
        for (origin, kind, against), names in sorted(objects.validated.items())
    ]
    if not rows:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    print("\nValidated:")
    for *cells, names in rows:
        print("  " + "  ".join([cell.ljust(width) for cell, width in zip(cells, widths)] + [names]))
    print(f"  {sum(map(len, objects.validated.values()))} objects")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
