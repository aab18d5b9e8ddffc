"""Makes docs/configuration.md of what `sessiongate schema` prints.

    python3 tools/configuration_page.py target/debug/sessiongate     write it anew

What a key does stands above it in src/config/raw*; which kind of provider knows a key is asked of the program itself.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/configuration.md"
GENERATED = "<!-- From here on made by tools/configuration_page.py of `sessiongate schema`. -->"
DEFAULT = re.compile(r"\s*\b[Dd]efault(?:, (key by key))?: (.*?)\.(?=\s|$)")
KINDS = {
    "authjs": "", "nextauth": "", "jwt": "jwt.md", "database": "database.md", "redis": "redis.md",
    "endpoint": "endpoint.md", "better-auth": "better-auth.md",
}
PROVIDER = "sessions.<name>"
SEE = {
    "listen": ("Running it", "operations.md"),
    PROVIDER: ("Providers", "providers/README.md"),
    "rules[]": ("Conditions", "conditions.md"),
    "identity.assertion": ("Assertions", "assertions.md"),
    "revocation": ("Revocation", "revocation.md"),
    "forward_auth": ("Behind nginx, Caddy, Traefik, HAProxy", "forward-auth.md"),
    "telemetry": ("What it tells", "observability.md"),
}


class Configuration:
    """The schema, read as a tree of maps with keys."""

    def __init__(self, schema: dict) -> None:
        self.schema = schema
        self.definitions = schema["$defs"]
        self.order = _order()

    def keys(self, name: str) -> dict[str, dict]:
        """The keys of a map, in the order in which they are written in the source."""
        of = self.schema if name == "RawConfig" else self.definitions[name]
        order = self.order.get(name) or of.get("required", [])
        return dict(sorted(of["properties"].items(), key=lambda key: ([*order, key[0]].index(key[0]), key[0])))

    def required(self, name: str) -> tuple[str, ...]:
        return tuple(self.definitions[name].get("required", ()))

    def shape(self, place: dict) -> tuple[list[str], list[tuple[str, str]], list[tuple[str, str]]]:
        """How a value is written: its forms in words; maps that it may be, and what leads to their keys; its choices."""
        if "$ref" in place:
            name = place["$ref"].rpartition("/")[2]
            below = self.definitions[name]
            if name == "TimeSpan":
                return ["time span"], [], []
            if name == "OneOrMany":
                return ["text", "list"], [], []
            if below.get("type") == "object" and "properties" in below:
                return ["map"], [(name, "")], []
            return self.shape(below)
        if "anyOf" in place or "oneOf" in place and "const" not in place["oneOf"][0]:
            return self._together(place.get("anyOf") or place["oneOf"])
        if "oneOf" in place:
            return ["name"], [], [(one["const"], one.get("description", "")) for one in place["oneOf"]]
        if "enum" in place:
            return ["name"], [], [(one, "") for one in place["enum"]]
        if "const" in place:
            return [f"`{json.dumps(place['const'])}`"], [], []
        kind = place["type"]
        kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
        if kind == "array":
            return ["list"], [(name, "[]" + way) for name, way in self.shape(place["items"])[1]], []
        if kind == "object":
            return ["map"], [(name, ".<name>" + way) for name, way in self.shape(place["additionalProperties"])[1]], []
        return [{"string": "text", "boolean": "true or false", "integer": "number"}.get(kind, kind)], [], []

    def _together(self, places: list[dict]) -> tuple:
        shapes = [self.shape(place) for place in places if place.get("type") != "null"]
        forms, maps, choices = ([one for shape in shapes for one in shape[at]] for at in range(3))
        return list(dict.fromkeys(forms)), maps, choices

    def places(self) -> dict[str, list[str]]:
        """Each map with keys, and the paths at which it stands, in the order of the page."""
        found: dict[str, list[str]] = {}

        def walk(name: str, path: str) -> None:
            found.setdefault(name, []).append(path)
            for key, place in self.keys(name).items():
                for below, way in self.shape(place)[1]:
                    walk(below, f"{path}.{key}{way}".lstrip("."))

        walk("RawConfig", "")
        return found


def page(binary: Path) -> str:
    """The generated part."""
    schema = json.loads(subprocess.run([binary, "schema"], capture_output=True, text=True, check=True).stdout)
    configuration = Configuration(schema)
    places = configuration.places()
    headings = {name: _heading(paths) for name, paths in places.items()}
    parts = [GENERATED, "## All sections", _table(configuration, headings, configuration.keys("RawConfig"))]
    for name, paths in places.items():
        if name == "RawConfig":
            continue
        is_section = re.fullmatch(r"\w+(\[\]|\.<name>)?", paths[0])
        parts.append(f"{'##' if is_section else '###'} {headings[name]}")
        if see := SEE.get(paths[0]):
            parts.append(f"See [{see[0]}]({see[1]}).")
        if name == "RawSession":
            parts += _providers(configuration, headings, binary)
        else:
            required = configuration.required(name)
            parts.append(_table(configuration, headings, configuration.keys(name), required=required))
    return "\n\n".join(parts) + "\n"


def _providers(configuration: Configuration, headings: dict, binary: Path) -> list[str]:
    """The keys of providers: those that several kinds know, then each kind's own."""
    keys = configuration.keys("RawSession")
    known = _known(configuration, keys, binary)
    shared = {key: place for key, place in keys.items() if len(known[key]) > 1}
    kinds = {key: _listed(known[key]) for key in shared}
    parts = [_table(configuration, headings, shared, kinds)]
    for kind, link in KINDS.items():
        own = {key: place for key, place in keys.items() if known[key] == [kind]}
        if own:
            parts += [f"### Only with `kind: {kind}`", f"See [its page](providers/{link})."]
            parts.append(_table(configuration, headings, own))
    return parts


def _listed(known: list[str]) -> str:
    but = [f"`{kind}`" for kind in KINDS if kind not in known]
    if len(but) < 3:
        return "all but " + ", ".join(but) if but else "all"
    return ", ".join(f"`{kind}`" for kind in known)


def _table(
    configuration: Configuration, headings: dict, keys: dict, kinds: dict | None = None, required: tuple = ()
) -> str:
    lines = ["| key | what it does | written as | default |", "| --- | --- | --- | --- |"]
    if kinds:
        lines = ["| key | what it does | kinds | written as | default |", "| --- | --- | --- | --- | --- |"]
    for key, place in keys.items():
        text, default = _described(place)
        if key in required and not default:
            default = "required"
        forms, maps, choices = configuration.shape(place)
        if choices:
            each = (f"`{name}`: {_small(told)}" if told else f"`{name}`" for name, told in choices)
            text = f"{text} {'; '.join(each)}.".strip()
        for name, _ in maps:
            link = f"[map](#{_slug(headings[name])})"
            forms = [link if form == "map" else form.replace("list", f"list of {link}s") for form in forms]
        row = [f"`{key}`", text, *([kinds[key]] if kinds else []), " or ".join(forms), default]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")
    return "\n".join(lines)


def _described(place: dict) -> tuple[str, str]:
    """What a key does, and its default, which stands at the end of that or in the schema."""
    text = " ".join(place.get("description", "").split())
    defaults = [f"{only} {told}".strip() for only, told in DEFAULT.findall(text)]
    text = DEFAULT.sub("", text).strip()
    if text.endswith("Required."):
        text, defaults = text.removesuffix("Required.").strip(), ["required"]
    if not defaults and isinstance(place.get("default"), bool):
        defaults = [f"`{json.dumps(place['default'])}`"]
    return text, "; ".join(defaults)


def _known(configuration: Configuration, keys: dict, binary: Path) -> dict[str, list[str]]:
    """Which kinds know each key: a provider that has them all is refused for those that mean nothing to it."""
    known: dict[str, list[str]] = {key: [] for key in keys}
    for kind in KINDS:
        provider = {key: _sample(configuration, place) for key, place in keys.items()} | {"kind": kind}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({"sessions": {"it": provider}}, file)
            file.flush()
            command = [binary, "validate", "--config", file.name]
            told = subprocess.run(command, capture_output=True, text=True, check=False)
        foreign = set(re.findall(r"sessions\.it\.(\w+): means nothing to", told.stdout + told.stderr))
        if not foreign:
            raise RuntimeError(f"no key is foreign to `kind: {kind}`:\n{told.stderr}")
        for key in keys.keys() - foreign:
            known[key].append(kind)
    return known


def _sample(configuration: Configuration, place: dict):
    """A value of the right shape that is not the default."""
    forms, _, choices = configuration.shape(place)
    if choices:
        return choices[0][0]
    kinds = {"true or false": True, "number": 7, "time span": "7h", "list": ["x"]}
    if forms[0] == "list" and configuration.shape(place)[1]:
        return [{"header": "x"}]
    return kinds.get(forms[0], "x")


def _heading(paths: list[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths)


def _slug(heading: str) -> str:
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()))


def _small(text: str) -> str:
    text = text.rstrip(".")
    is_name = re.match(r"Auth\.js|NextAuth|Better Auth|[A-Z]{2}", text)
    return text if is_name else text[0].lower() + text[1:]


def _order() -> dict[str, list[str]]:
    """The fields of each map as the source has them: the schema of a build may be sorted."""
    order = {}
    for file in [ROOT / "src/config/raw.rs", *(ROOT / "src/config/raw").glob("*.rs")]:
        for name, body in re.findall(r"pub struct (\w+) \{\n(.*?)^\}", file.read_text(), re.M | re.S):
            order[name] = re.findall(r"^    pub (\w+):", body, re.M)
    return order


if __name__ == "__main__":
    written, _, _ = PAGE.read_text().partition(GENERATED)
    PAGE.write_text(written + page(Path(sys.argv[1])))
