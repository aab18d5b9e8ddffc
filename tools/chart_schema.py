"""Makes deploy/helm/sessiongate/values.schema.json of the chart's values and of `sessiongate schema`.

    python3 tools/chart_schema.py target/debug/sessiongate     write it anew

Helm holds values against it before anything is installed: an unknown key is refused, in `config` as well.
"""

import json
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / ".tools/deploy"))

import chart_values  # noqa: E402

SCHEMA = chart_values.CHART / "values.schema.json"

PORT = {"minimum": 1, "maximum": 65535}
COUNT_OR_SHARE = {"type": ["integer", "string"], "pattern": "^([0-9]+%?)?$"}
# What a default does not tell of a value.
NARROWER = {
    "secret.data": {"additionalProperties": {"type": "string"}},
    "secret.keys": {"items": {"type": "string"}},
    "sessionOrder": {"items": {"type": "string"}},
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "image.digest": {"pattern": "^(sha256:[0-9a-f]{64})?$"},
    "listen.grpc.port": PORT,
    "listen.http.port": PORT,
    "listen.admin.port": PORT,
    "tls.minVersion": {"enum": ["1.2", "1.3"]},
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "replicas": {"minimum": 1},
    "probes.readiness": {"enum": ["health", "readyz"]},
    "probes.periodSeconds": {"minimum": 1},
    "probes.startupSeconds": {"minimum": 1},
    "terminationGracePeriodSeconds": {"type": ["integer", "null"], "minimum": 1},
    "preStopSeconds": {"minimum": 0},
    "topologySpread": {"items": {"type": "string"}},
    "podDisruptionBudget.maxUnavailable": COUNT_OR_SHARE,
    "podDisruptionBudget.minAvailable": COUNT_OR_SHARE,
    "autoscaling.minReplicas": {"minimum": 1},
    "autoscaling.maxReplicas": {"minimum": 1},
    "autoscaling.cpuUtilization": {"minimum": 1},
    "extraObjects": {"items": {"type": "object"}},
}
TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
# `${NAME}` may stand for anything that is no map or list.
VARIABLE = {"type": "string", "pattern": r"\$\{"}


def made(configuration: dict) -> str:
    """The file, of what `sessiongate schema` prints."""
    values = _closed(chart_values.read())
    values["properties"]["config"] = {
        "description": chart_values.read()[0].comment,
        **{key: _of_configuration(configuration[key]) for key in ("type", "properties", "additionalProperties")},
    }
    # What a chart that has this one as a dependency hands down.
    values["properties"]["global"] = {"type": "object"}
    schema = {
        # Helm 3 knows no later one.
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart sessiongate",
        **values,
        "definitions": {name: _of_configuration(schema) for name, schema in configuration["$defs"].items()},
    }
    return json.dumps(schema, indent=1) + "\n"


def _closed(values: list[chart_values.Value]) -> dict:
    return {
        "type": "object",
        "properties": {value.path[-1]: _of(value) for value in values},
        "additionalProperties": False,
        # `null` in place of a group would take all of it away.
        "required": [value.path[-1] for value in values if value.groups is not None],
    }


def _of(value: chart_values.Value) -> dict:
    described = {"description": value.comment} if value.comment else {}
    if value.groups is not None:
        return described | _closed(value.groups)
    kind = {"type": TYPES[type(value.default)]} if value.default is not None else {}
    return described | kind | NARROWER.get(value.name, {})


def _of_configuration(schema):
    """The same in the draft that Helm 3 knows, where a variable may stand for each number, switch and known text."""
    if isinstance(schema, list):
        return [_of_configuration(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {}
    for key, value in schema.items():
        if key == "properties":
            changed[key] = {name: _of_configuration(part) for name, part in value.items()}
        elif key == "$ref":
            changed[key] = value.replace("#/$defs/", "#/definitions/")
        elif key == "oneOf":
            # A variable would fit each of them.
            changed["anyOf"] = _of_configuration(value)
        elif key not in ("format", "default"):
            changed[key] = _of_configuration(value)
    kinds = {schema["type"]} if isinstance(schema.get("type"), str) else set(schema.get("type", ()))
    if kinds & {"integer", "number", "boolean"} or {"enum", "const", "pattern"} & schema.keys():
        description = {"description": changed.pop("description")} if "description" in changed else {}
        return description | {"anyOf": [changed, VARIABLE]}
    return changed


if __name__ == "__main__":
    printed = subprocess.run([sys.argv[1], "schema"], check=True, capture_output=True, text=True).stdout
    SCHEMA.write_text(made(json.loads(printed)))
