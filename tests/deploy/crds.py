"""The schemas of custom resources, as their projects publish them in CustomResourceDefinitions.

Kubernetes refuses no unknown field of a custom resource, it drops it. A misspelt field is a mistake all the same, so
here it is refused. What is not checked: the rules in CEL (`x-kubernetes-validations`) and the defaults.
"""

from functools import cache

import jsonschema
import yaml

from places import TOOLS


@cache
def validator(api_version: str, kind: str) -> tuple[jsonschema.Draft202012Validator, str]:
    """The validator of a kind and the name of its source, as `istio.io/api v1.32.0`.

    LookupError: no CustomResourceDefinition in .tools/crds has this version of this kind.
    """
    group, _, version = api_version.rpartition("/")
    try:
        schema, source = _schemas()[group, version, kind]
    except KeyError:
        raise LookupError(f"no schema for {kind} of {api_version} in {TOOLS / 'crds'}") from None
    return jsonschema.Draft202012Validator(_closed(schema)), source


@cache
def _schemas() -> dict:
    found = {}
    for file in sorted((TOOLS / "crds").glob("*.yaml")):
        source = file.read_text().partition("\n")[0].removeprefix("# ")
        for crd in yaml.load_all(file.read_text(), Loader=_Loader):
            if not crd or crd["kind"] != "CustomResourceDefinition":
                continue
            spec = crd["spec"]
            for version in spec["versions"]:
                key = spec["group"], version["name"], spec["names"]["kind"]
                found[key] = version["schema"]["openAPIV3Schema"], source
    return found


class _Loader(yaml.CSafeLoader):
    """Knows that a lone `=`, a word of its own in YAML 1.1, is meant as the text."""


_Loader.add_constructor("tag:yaml.org,2002:value", _Loader.construct_yaml_str)


def _closed(schema, *, root: bool = True):
    """OpenAPI's schema as JSON Schema, in which an object has the fields that are listed and no others."""
    if isinstance(schema, list):
        return [_closed(part, root=False) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {}
    for key, value in schema.items():
        if key in ("properties", "patternProperties"):
            closed[key] = {name: _closed(part, root=False) for name, part in value.items()}
        elif key not in ("default", "example", "description"):
            closed[key] = _closed(value, root=False)
    if root:
        # The parts that are every object's own are Kubernetes' to describe.
        closed.setdefault("properties", {}).update(apiVersion={"type": "string"}, kind={"type": "string"}, metadata={})
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
        closed["type"] = ["integer", "string"]
    elif schema.get("nullable") and isinstance(schema.get("type"), str):
        closed["type"] = [schema["type"], "null"]
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if "properties" in closed and schema.get("type") == "object" and not open_ended:
        closed["additionalProperties"] = False
    return closed
