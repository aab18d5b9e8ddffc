"""Kubernetes objects: read from YAML, and held against the schemas of every version that is supported.

What was validated, and against which versions, is kept for the table that the run prints.
"""

from collections import defaultdict
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml
from kubernetes_validate import utils

import crds

KUBERNETES = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")

# Each call would list, read and parse the same large files again.
utils.schema_contents = cache(utils.schema_contents)
utils.all_versions = cache(utils.all_versions)

# (Where objects came from, their kind, against what) -> their names.
validated: dict[tuple[str, str, str], list[str]] = defaultdict(list)


class InvalidObject(AssertionError):
    """An object that a schema refuses; the message tells whence it is, which object, which version, where and why."""


def documents(source: Path | str) -> list[dict]:
    """The objects of a file, or of a text, of many YAML documents; the empty ones are left out.

    Raises yaml.YAMLError, and ValueError where a key is there twice, of which YAML readers would drop one.
    """
    text = source.read_text() if isinstance(source, Path) else source
    return [document for document in yaml.load_all(text, Loader=_UniqueKeys) if document]


def validate(origin: str, objects: list[dict], versions: tuple[str, ...] = KUBERNETES) -> None:
    """Holds each object against Kubernetes' schemas of these versions, or its CustomResourceDefinition's.

    Raises InvalidObject. `origin` is what the table calls it, as `deploy/istio`.
    """
    assert objects, f"{origin}: there is no object"
    for item in objects:
        group = item["apiVersion"].rpartition("/")[0]
        builtin = "." not in group or group.endswith(".k8s.io") and not group.startswith("gateway.")
        against = _as_builtin(origin, item, versions) if builtin else _as_custom(origin, item)
        validated[origin, item["kind"], against].append(item["metadata"]["name"])


def _as_builtin(origin: str, item: dict, versions: tuple[str, ...]) -> str:
    for version in versions:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except jsonschema.ValidationError as error:
            raise InvalidObject(_message(origin, item, f"Kubernetes {version}", error)) from None
        except kubernetes_validate.SchemaNotFoundError as error:
            raise InvalidObject(f"{origin}: {name(item)}: {error.message}") from None
    return f"Kubernetes {versions[0]} to {versions[-1]}" if len(versions) > 1 else f"Kubernetes {versions[0]}"


def _as_custom(origin: str, item: dict) -> str:
    try:
        validator, source = crds.validator(item["apiVersion"], item["kind"])
    except LookupError as error:
        raise InvalidObject(f"{origin}: {name(item)}: {error}") from None
    error = jsonschema.exceptions.best_match(validator.iter_errors(item))
    if error:
        raise InvalidObject(_message(origin, item, source, error))
    return source


def name(item: dict) -> str:
    """`Deployment/sessiongate`."""
    return f"{item['kind']}/{item['metadata']['name']}"


def _message(origin: str, item: dict, against: str, error: jsonschema.ValidationError) -> str:
    return f"{origin}: {name(item)} against {against}: {error.json_path}: {error.message}"


class _UniqueKeys(yaml.CSafeLoader):
    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            word = self.construct_object(key, deep=True)
            if word in seen:
                raise ValueError(f"line {key.start_mark.line + 1}: the key '{word}' is there twice")
            seen.add(word)
        return super().construct_mapping(node, deep)
