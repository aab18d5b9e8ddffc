"""mdBook's preprocessor for docs/: what is right where the pages lie in the repository is made right for the book.

A link that leaves docs/ leads to the repository's page; what stands in a page for the tests alone, hidden snippets and
the words after a snippet's language, is taken away. mdBook hands the book over as JSON and takes it back so.
"""

import json
import posixpath
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://github.com/sessiongate/sessiongate"
LINK = re.compile(r"(\]\(|^\[[^\]\n]+\]: )(?![a-z]+:|#)([^)\s#]+)", re.M)
HIDDEN = re.compile(r"^<!-- run\b.*?-->\n*", re.M | re.S)
FENCE = re.compile(r"^( *```+)([\w-]+) [^\n]*$", re.M)


def main() -> None:
    if len(sys.argv) > 1:  # `supports RENDERER`
        return
    _, book = json.load(sys.stdin)
    for item in book["items"]:
        _adapt(item)
    json.dump(book, sys.stdout)


def _adapt(item: dict | str) -> None:
    chapter = item.get("Chapter") if isinstance(item, dict) else None
    if not chapter:
        return
    if chapter["source_path"]:
        chapter["content"] = adapted(chapter["content"], chapter["source_path"])
    for below in chapter["sub_items"]:
        _adapt(below)


def adapted(text: str, path: str) -> str:
    """A page of docs/ as the book has it; `path` is its own, from docs/."""

    def led(link: re.Match) -> str:
        target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(path), link[2]))
        if target.startswith("docs/"):
            # A folder's README is its index in the book.
            return link[1] + re.sub(r"\bREADME\.md$", "index.md", link[2])
        kind = "tree" if (ROOT / target).is_dir() else "blob"
        return f"{link[1]}{REPOSITORY}/{kind}/main/{target}"

    return FENCE.sub(r"\1\2", LINK.sub(led, HIDDEN.sub("", text)))


if __name__ == "__main__":
    main()
