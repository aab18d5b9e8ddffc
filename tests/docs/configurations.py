"""Configurations of sessiongate in a page, whole or in part, as `sessiongate validate` judges them.

A part is completed with what it stands on: a value for each variable, a stand-in for each file that it names, and the
providers that its rules name.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import yaml

from places import BINARY

VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)\}")
KEY = "test -e tls.key || openssl ecparam -genkey -name prime256v1 | openssl pkcs8 -topk8 -nocrypt -out tls.key"
CERTIFICATE = "openssl req -x509 -key tls.key -days 2 -subj /CN=localhost"
# What a file has to hold, by the key that names it.
FILES = {
    "cert": f"{KEY}; {CERTIFICATE}",
    "key": f"{KEY}; cat tls.key",
    "client_ca": f"{KEY}; {CERTIFICATE}",
    "ca_file": f"{KEY}; {CERTIFICATE}",
    "key_file": "openssl genpkey -algorithm ed25519",
    "public_key_file": "openssl genpkey -algorithm ed25519 | openssl pkey -pubout",
    "secret_file": "openssl rand -hex 32",
}


def mistake(text: str) -> str | None:
    """What `sessiongate validate` has against it."""
    with tempfile.TemporaryDirectory(prefix="sessiongate-docs-") as folder:
        try:
            whole = _completed(text, Path(folder))
        except yaml.YAMLError as error:
            return str(error)
        file = Path(folder, "sessiongate.yaml")
        file.write_text(whole)
        environment = {name: _value(name) for name in ["AUTH_SECRET", *VARIABLE.findall(whole)]}
        judged = subprocess.run(
            [BINARY, "validate", "--config", file], env=environment | {"PATH": os.environ["PATH"]},
            capture_output=True, text=True, check=False,
        )
        return None if judged.returncode == 0 else judged.stdout + judged.stderr


def _completed(text: str, folder: Path) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    named = list(_files(root))
    for node, key in reversed(named):
        stand_in = _stand_in(folder, key, node.value)
        text = text[:node.start_mark.index] + f'"{stand_in}"' + text[node.end_mark.index:]
    keys = {key.value for key, _ in root.value}
    if "sessions" not in keys and (providers := _providers(root)):
        text += "\nsessions:\n"
        text += "".join(f"  {name}: {{ kind: authjs, secret: '${{AUTH_SECRET}}' }}\n" for name in sorted(providers))
    return text


def _files(node: yaml.Node):
    """Each scalar that names a file, with its key, in the order of the text."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _files(item)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value not in FILES:
                yield from _files(value)
            elif isinstance(value, yaml.ScalarNode):
                yield value, key.value
            elif isinstance(value, yaml.SequenceNode):
                yield from ((item, key.value) for item in value.value)


def _stand_in(folder: Path, key: str, name: str) -> Path:
    place = folder / re.sub(r"\W", "-", f"{key}-{name}")
    if not place.exists():
        made = subprocess.run(["bash", "-c", FILES[key]], cwd=folder, capture_output=True, check=True)
        place.write_bytes(made.stdout)
    return place


def _providers(root: yaml.Node) -> set[str]:
    """The providers that the rules and the default ask for."""
    plain = yaml.load(yaml.serialize(root), Loader=yaml.BaseLoader)
    rules = [*plain.get("rules", []), plain.get("default", {})]
    asked = [rule.get("session", []) for rule in rules]
    return {name for names in asked for name in ([names] if isinstance(names, str) else names)}


def _value(name: str) -> str:
    return "https://app.example.com" if name.endswith("URL") else f"a-stand-in-for-{name}-of-more-than-32-bytes"
