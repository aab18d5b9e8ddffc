"""What stands in backticks, held against what there is: commands, targets, files, configuration keys. And links."""

import glob
import json
import re
import subprocess
from functools import cache
from urllib.parse import unquote, urlsplit

from page import Page
from places import BINARY, ROOT

FOLDERS = "deploy|docs|tests|src|examples|tools|bench|benches|fuzz|proto"
FILE = re.compile(rf"(?:\.\./)*((?:{FOLDERS})/[\w./*@\[\]-]*)")
SECTIONS = "listen|sessions|login|rules|default|next|identity|revocation|forward_auth|telemetry"
KEY = re.compile(rf"(?:{SECTIONS})(?:\[\d*\])?(?:\.[a-z_0-9]+(?:\[\d*\])?)+")
FLAG = re.compile(r"(?<!\w)(--[a-z-]+|-[a-zA-Z])\b")


def mistakes(page: Page) -> list[str]:
    # The values of the Helm chart have names that look the same.
    has_keys = "deploy/" not in page.name
    found = [f"{where}: {told}" for where, code in page.words if (told := _mistake(code, has_keys))]
    for where, link in page.links:
        # The anchors of docs/ are checked in the book.
        target = urlsplit(link)
        if not target.scheme and target.path and not (page.file.parent / unquote(target.path)).exists():
            found.append(f"{where}: there is no {link}")
    return found


def _mistake(code: str, has_keys: bool) -> str | None:
    if re.match(r"sessiongate [a-z]", code):
        return _command(code)
    if target := re.match(r"make ([a-z-]+)", code):
        there = re.search(rf"^{target[1]}:", (ROOT / "Makefile").read_text(), re.M)
        return None if there else f"the Makefile has no target `{target[1]}`"
    if file := FILE.fullmatch(code):
        return None if glob.glob(str(ROOT / glob.escape(file[1]).replace("[*]", "*"))) else f"there is no `{code}`"
    if has_keys and KEY.fullmatch(code) and not re.search(r"\.(ya?ml|js|ts|md|rs)$", code):
        return _key(code)
    return None


def _command(code: str) -> str | None:
    words = code.split()[1:]
    commands = words[:2] if words[0] == "token" else words[:1]
    told = _help(*commands)
    if told is None:
        return f"`sessiongate` has no command `{' '.join(commands)}`"
    known = set(FLAG.findall(told))
    for flag in FLAG.findall(code):
        if flag not in known:
            return f"`sessiongate {' '.join(commands)}` has no `{flag}`"
    return None


@cache
def _help(*commands: str) -> str | None:
    asked = subprocess.run([BINARY, *commands, "--help"], capture_output=True, text=True, check=False)
    return asked.stdout if asked.returncode == 0 else None


def _key(code: str) -> str | None:
    """`sessions.web.url`: below `sessions` comes a name of the reader's own."""
    schema = _schema()
    places, path = [schema], []
    for word in re.sub(r"\[\d*\]", "", code).split("."):
        path.append(word)
        places = [below for place in places for below in _below(place, word, schema)]
        if not places:
            return f"the configuration has no key `{'.'.join(path)}`"
    return None


def _below(place: dict, word: str, schema: dict) -> list[dict]:
    if "$ref" in place:
        return _below(schema["$defs"][place["$ref"].rpartition("/")[2]], word, schema)
    found = [below for one in place.get("anyOf", []) for below in _below(one, word, schema)]
    if "items" in place:
        found += _below(place["items"], word, schema)
    if word in place.get("properties", {}):
        found.append(place["properties"][word])
    elif isinstance(place.get("additionalProperties"), dict):
        found.append(place["additionalProperties"])
        found += _below(place["additionalProperties"], word, schema)
    return found


@cache
def _schema() -> dict:
    return json.loads(subprocess.run([BINARY, "schema"], capture_output=True, text=True, check=True).stdout)
