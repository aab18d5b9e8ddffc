"""Parts of an Envoy configuration in a page, put where they belong in a whole one, as Envoy itself judges it."""

import copy
import json
import subprocess
import tempfile

import yaml

from places import ENVOY

TYPE = "type.googleapis.com/envoy.extensions"
ROUTER = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": f"{TYPE}.filters.http.router.v3.Router"},
}
EXT_AUTHZ = {"@type": f"{TYPE}.filters.http.ext_authz.v3.ExtAuthz", "transport_api_version": "V3"}
NOBODY = {"direct_response": {"status": 404}}


def mistake(text: str) -> str | None:
    """What Envoy has against it, or that nobody knows where it belongs."""
    part = yaml.safe_load(text)
    try:
        whole = _whole(part)
    except KeyError:
        return f"tests/docs/envoys.py does not know where `{', '.join(part)}` belongs"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(whole, file)
        file.flush()
        judged = subprocess.run(
            [ENVOY, "--mode", "validate", "-l", "error", "-c", file.name], capture_output=True, text=True, check=False
        )
    return None if judged.returncode == 0 else judged.stdout + judged.stderr


def _whole(part: dict) -> dict:
    if "static_resources" in part:
        return part
    manager = {
        "@type": f"{TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "edge",
        "http_filters": [ROUTER],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": []}]},
    }
    routes = manager["route_config"]["virtual_hosts"][0]["routes"]
    clusters = part.pop("clusters", [])
    if {"http_service", "grpc_service"} & part.keys():
        manager["http_filters"].insert(0, {"name": "envoy.filters.http.ext_authz", "typed_config": EXT_AUTHZ | part})
    elif "principals" in part:
        policy = {"permissions": [{"any": True}], **part}
        rbac = {"@type": f"{TYPE}.filters.http.rbac.v3.RBAC", "rules": {"policies": {"part": policy}}}
        manager["http_filters"].insert(0, {"name": "envoy.filters.http.rbac", "typed_config": rbac})
    else:
        routes += part.pop("routes", [])
        for key in list(part):
            if key not in ("http_filters", "access_log", "tracing", "http2_protocol_options"):
                raise KeyError(key)
            manager[key] = part.pop(key)
    routes.append({"match": {"prefix": "/"}, **NOBODY})
    there = {cluster["name"] for cluster in clusters}
    clusters += [_cluster(name) for name in sorted(_named(manager) - there)]
    listener = {
        "name": "edge",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager", "typed_config": copy.deepcopy(manager)
        }]}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def _cluster(name: str) -> dict:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {"name": name, "load_assignment": {"cluster_name": name, "endpoints": endpoints}}


def _named(part) -> set[str]:
    """The clusters that it names."""
    if isinstance(part, list):
        return set().union(*map(_named, part))
    if not isinstance(part, dict):
        return set()
    here = {value for key, value in part.items() if key in ("cluster", "cluster_name") and isinstance(value, str)}
    return here.union(*map(_named, part.values()))
