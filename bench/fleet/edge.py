"""A real Envoy in front of the fleet: one listener for each way of asking it, all of them over the same replicas.

What happens to the fleet then happens to all ways at once, so that they can be compared."""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from replica import GRPC, READY_WITHIN, ROOT, Json, Network, Replica, hurry

ENVOY = ROOT / ".tools/envoy/envoy/_bin/envoy"
FILTERS = "type.googleapis.com/envoy.extensions.filters"
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
ADMIN_PORT, FIRST_PORT = 9901, 10_000


@dataclass(frozen=True)
class Way:
    """How Envoy asks: keys of its cluster, keys of `grpc_service`, and the endpoints that it hears of."""

    name: str
    cluster: Json = field(default_factory=dict)
    service: Json = field(default_factory=dict)
    endpoints: str = "endpoints"
    by_zone: bool = False
    # Workers hear of a change in health when it happens. By itself Envoy gathers for a second what follows a first one,
    # and replicas of one zone fail together.
    at_once: bool = False


def health_check(interval: str, timeout: str = "1s", unhealthy: int = 2) -> Json:
    """That of deploy/envoy, but for its times."""
    return {
        "health_checks": [
            {
                "grpc_health_check": {"service_name": "envoy.service.auth.v3.Authorization"},
                "timeout": timeout,
                "interval": interval,
                "no_traffic_interval": interval,
                "unhealthy_threshold": unhealthy,
                "healthy_threshold": 1,
            }
        ]
    }


# A replica that failed three times in a row is left alone for ten seconds; never more than half of them.
OUTLIERS: Json = {
    "outlier_detection": {
        "consecutive_5xx": 3,
        "consecutive_gateway_failure": 3,
        "enforcing_consecutive_gateway_failure": 100,
        "interval": "1s",
        "base_ejection_time": "10s",
        "max_ejection_percent": 50,
    }
}
ON = "connect-failure,refused-stream,reset,unavailable"
# Asked again elsewhere where the replica could not be reached, reset the call, or said nothing for `max_interval`:
# Envoy takes it as the time-out of one attempt as well. Its own pause before another is longer than it waits in all.
RETRY: Json = {
    "retry_policy": {
        "num_retries": 2,
        "retry_on": ON,
        "retry_back_off": {"base_interval": "0.010s", "max_interval": "0.100s"},
    }
}
RETRY_AS_IT_COMES: Json = {"retry_policy": {"num_retries": 2, "retry_on": ON}}
# By itself it makes three such attempts at once at most.
ROOM_FOR_RETRIES: Json = {"circuit_breakers": {"thresholds": [{"max_retries": 100}]}}


def recommended(name: str, endpoints: str = "endpoints", *, by_zone: bool = False) -> Way:
    """What docs/deploy/at-scale.md says."""
    all_three = {**health_check("2s"), **OUTLIERS, **ROOM_FOR_RETRIES}
    return Way(name, all_three, RETRY, endpoints, by_zone, at_once=True)


@dataclass
class Edge:
    """A running Envoy. `publish` is what the endpoints controller does."""

    place: Path
    network: Network
    ways: list[Way]
    version: int = 0

    @property
    def address(self) -> str:
        return self.network.address(0, 1)

    def port(self, way: Way) -> int:
        return FIRST_PORT + self.ways.index(way)

    def publish(self, replicas: Iterable[Replica], name: str = "endpoints") -> None:
        """Tells Envoy which replicas there are (EDS)."""
        self.version += 1
        zones: dict[int, list[Json]] = {}
        for replica in replicas:
            zones.setdefault(replica.zone, []).append({"endpoint": {"address": socket(replica.address, GRPC)}})
        endpoints = [
            {"locality": {"zone": f"zone-{zone}"}, "load_balancing_weight": len(found), "lb_endpoints": found}
            for zone, found in zones.items()
        ]
        assignment = {
            "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            "cluster_name": "gates",
            "endpoints": endpoints,
        }
        file = self.place / f"{name}.json"
        new = file.with_suffix(".new")
        new.write_text(json.dumps({"version_info": str(self.version), "resources": [assignment]}))
        new.rename(file)

    def asked(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.address}:{ADMIN_PORT}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def statistics(self, way: Way) -> dict[str, int]:
        """The counters of a way's cluster."""
        prefix = f"cluster.{cluster_name(self.ways, way)}."
        lines = self.asked(f"/stats?filter=^{prefix.replace('.', '%5C.')}").splitlines()
        pairs = [line.removeprefix(prefix).split(": ") for line in lines]
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}

    def healthy(self, way: Way) -> int:
        """How many replicas it would ask."""
        return self.statistics(way).get("membership_healthy", 0)

    def wait_until_healthy(self, replicas: dict[str, int]) -> None:
        """Every way sees as many as its endpoints have."""
        until = time.monotonic() + READY_WITHIN
        while not all(self.healthy(way) == replicas[way.endpoints] for way in self.ways):
            if time.monotonic() > until:
                seen = {way.name: self.healthy(way) for way in self.ways}
                raise RuntimeError(f"Envoy sees {seen}, not {replicas}")
            time.sleep(0.1)


@contextmanager
def edge(
    place: Path, network: Network, ways: list[Way], replicas: list[Replica], steady: Replica | None = None
) -> Iterator[Edge]:
    """An Envoy with two workers in zone 1 that sees these replicas healthy; the endpoints `steady` are another one."""
    made = Edge(place, network, ways)
    known = {way.endpoints: [steady] if steady and way.endpoints == "steady" else replicas for way in ways}
    for name, found in known.items():
        made.publish(found, name)
    file = place / "envoy.json"
    file.write_text(json.dumps(bootstrap(made)))
    command = [str(ENVOY), "--config-path", str(file), "--concurrency", "2", "--disable-hot-restart"]
    with (place / "envoy.log").open("wb") as log:
        child = subprocess.Popen([*command, "--log-level", "warning"], stderr=log, preexec_fn=hurry)
    try:
        wait_for_envoy(made, child)
        made.wait_until_healthy({name: len(found) for name, found in known.items()})
        yield made
    finally:
        child.terminate()
        child.wait(20)


def wait_for_envoy(made: Edge, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and child.poll() is None:
        try:
            if made.asked("/ready").strip() == "LIVE":
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"Envoy does not start:\n{(made.place / 'envoy.log').read_text()[-3000:]}")


def bootstrap(made: Edge) -> Json:
    """Its configuration; the cluster `here` tells Envoy how many of its own kind there are in each zone."""
    zones = [
        {
            "locality": {"zone": f"zone-{at}"},
            "lb_endpoints": [{"endpoint": {"address": socket(made.network.address(0, 100 + at), 1)}}],
        }
        for at in (1, 2, 3)
    ]
    here = {"name": "here", "type": "STATIC", "load_assignment": {"cluster_name": "here", "endpoints": zones}}
    return {
        "node": {"id": "edge", "cluster": "edge", "locality": {"zone": "zone-1"}},
        "cluster_manager": {"local_cluster_name": "here"},
        "admin": {"address": socket(made.address, ADMIN_PORT)},
        "static_resources": {
            "listeners": [listener(made, way) for way in made.ways],
            "clusters": [here, *(cluster(made, way) for way in made.ways)],
        },
    }


def cluster_name(ways: list[Way], way: Way) -> str:
    return f"way-{ways.index(way)}"


def cluster(made: Edge, way: Way) -> Json:
    """All replicas, as the file of endpoints has them."""
    source = {"path_config_source": {"path": str(made.place / f"{way.endpoints}.json")}}
    zone_aware = {"routing_enabled": {"value": 100 if way.by_zone else 0}, "min_cluster_size": 2}
    merging = {"update_merge_window": "0s"} if way.at_once else {}
    return {
        "name": cluster_name(made.ways, way),
        "type": "EDS",
        "connect_timeout": "0.25s",
        "eds_cluster_config": {"service_name": "gates", "eds_config": source},
        "common_lb_config": {"zone_aware_lb_config": zone_aware, **merging},
        "typed_extension_protocol_options": {
            OPTIONS: {
                "@type": f"type.googleapis.com/{OPTIONS}",
                "explicit_http_config": {
                    "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "5s"}}
                },
            }
        },
        **way.cluster,
    }


def listener(made: Edge, way: Way) -> Json:
    """Answers by itself what may pass, and shows what a service behind would be told."""
    ask = {
        "@type": f"{FILTERS}.http.ext_authz.v3.ExtAuthz",
        "transport_api_version": "V3",
        "failure_mode_allow": False,
        "status_on_error": {"code": "ServiceUnavailable"},
        "grpc_service": {
            "envoy_grpc": {"cluster_name": cluster_name(made.ways, way), "authority": "sessiongate"},
            "timeout": "0.25s",
            **way.service,
        },
    }
    told = [
        {"header": {"key": f"told-{name}", "value": f"%REQ(x-auth-{name})%"}} for name in ("user-id", "assertion")
    ]
    passed = {"match": {"prefix": "/"}, "direct_response": {"status": 200}, "response_headers_to_add": told}
    router = {"@type": f"{FILTERS}.http.router.v3.Router"}
    manager = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": cluster_name(made.ways, way),
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [passed]}]},
        "http_filters": [
            {"name": "envoy.filters.http.ext_authz", "typed_config": ask},
            {"name": "envoy.filters.http.router", "typed_config": router},
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"name": way.name, "address": socket(made.address, made.port(way)), "filter_chains": [chain]}


def socket(address: str, port: int) -> Json:
    return {"socket_address": {"address": address, "port_value": port}}


def own_network() -> Network:
    """A part of 127.0.0.0/8 that no other run has."""
    return Network(16 + os.getpid() % 200)
