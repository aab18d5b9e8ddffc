"""An Envoy that asks sessiongate about every request and answers those that may pass by itself."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

from places import ENVOY

V3 = "type.googleapis.com/envoy.extensions"


def free_ports(count: int) -> list[int]:
    """Ports that are free now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


class Edge:
    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, **headers: str) -> int:
        """The status of a GET."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            return urllib.request.urlopen(request, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code


@contextmanager
def asking_envoy(port: int, gate: int):
    """Envoy on this port, before a gate on that one; ready when it is handed out."""
    command = [ENVOY, "--config-yaml", json.dumps(_configuration(port, gate)), "--log-level", "error",
               "--concurrency", "1", "--disable-hot-restart"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _await(process, port)
        yield Edge(port)
    finally:
        process.kill()
        process.communicate()


def _await(process: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Envoy does not listen: {process.poll()}") from None
            time.sleep(0.02)


def _configuration(port: int, gate: int) -> dict:
    def address(port: int) -> dict:
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    ask = {
        "@type": f"{V3}.filters.http.ext_authz.v3.ExtAuthz",
        "transport_api_version": "V3",
        "grpc_service": {"envoy_grpc": {"cluster_name": "sessiongate", "authority": "sessiongate"}, "timeout": "5s"},
    }
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    manager = {
        "@type": f"{V3}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "edge",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "ask", "typed_config": ask},
            {"name": "answer", "typed_config": {"@type": f"{V3}.filters.http.router.v3.Router"}},
        ],
    }
    http2 = {
        "@type": f"{V3}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    cluster = {
        "name": "sessiongate",
        "type": "STATIC",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "load_assignment": {
            "cluster_name": "sessiongate",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(gate)}}]}],
        },
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    listener = {"name": "edge", "address": address(port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
