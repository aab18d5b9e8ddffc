"""Through a real Envoy: nothing asked, a service that does nothing, sessiongate, and Envoy's own JWT filter."""

import base64
import hashlib
import hmac
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import load
from asked import BROWSER, SECRET, cookie, token
from checks import PAGE, PUBLIC, gate, noop
from world import ROOT, Process, free_port

ENVOY = ROOT / ".tools/envoy/envoy/_bin/envoy"
TYPES = "type.googleapis.com/envoy.extensions.filters"
Json = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """A listener of Envoy's, and what is asked of it."""

    name: str
    filters: list[Json]
    cookies: str
    path: str = PAGE
    status: int = 200
    service: Process | None = None


@dataclass(frozen=True)
class Passage:
    """Medians of the rounds: requests a second, microseconds, and what a request takes of the CPU in all."""

    name: str
    rate: float
    p50: float
    p99: float
    envoy_cpu: float
    service_cpu: float
    ratio: float  # of the rate, to the first one of the same round


def through_envoy(binary: Path, place: Path, rounds: int, seconds: float) -> list[Passage]:
    """Each way in turn, round by round."""
    with noop(place) as nothing, gate(binary, place) as guarded:
        session, long = token(binary), token(binary, padding=11_000)
        ask = ext_authz("gate")
        ways = [
            Way("no filter", [], cookie(session)),
            Way("no-op ext_authz", [ext_authz("noop")], cookie(session), service=nothing),
            Way("sessiongate: public route", [ask], cookie(session), PUBLIC, service=guarded),
            Way("sessiongate: session", [ask], cookie(session), service=guarded),
            Way("sessiongate: session in 4 chunks", [ask], cookie(long, 4), service=guarded),
            Way("sessiongate: no session, to the login", [ask], "theme=dark", status=307, service=guarded),
            Way("Envoy's jwt_authn, HS256 in a cookie", [jwt_authn()], f"theme=dark; jwt={signed()}"),
        ]
        clusters = [cluster("noop", nothing.port, http2=True), cluster("gate", guarded.port, http2=True)]
        return measured(ways, clusters, place, rounds, lambda way, at: passed(way, at, seconds))


def passed(way: Way, port: int, seconds: float) -> load.Measured:
    """One load of one way."""
    headers = {**BROWSER, "cookie": way.cookies}
    return load.http(f"127.0.0.1:{port}", way.path, headers, seconds, status=way.status)


def measured(
    ways: list[Way], clusters: list[Json], place: Path, rounds: int, ask: Callable[[Way, int], load.Measured]
) -> list[Passage]:
    """All ways through one Envoy."""
    ports = {way.name: free_port() for way in ways}
    listeners = [listener(f"way-{at}", ports[way.name], way.filters) for at, way in enumerate(ways)]
    file = place / "envoy.json"
    file.write_text(json.dumps({"static_resources": {"listeners": listeners, "clusters": clusters}}))
    command = [str(ENVOY), "--config-path", str(file), "--concurrency", "1", "--disable-hot-restart"]
    command += ["--log-level", "error"]
    rows: dict[str, list[Passage]] = {way.name: [] for way in ways}
    with Process("envoy", command, ports[ways[0].name], place, {}) as envoy:
        for at in range(rounds + 1):
            first = 0.0
            for way in ways:
                before = envoy.cpu_seconds(), way.service.cpu_seconds() if way.service else 0.0
                seen = ask(way, ports[way.name])
                first = first or seen.rate
                took = envoy.cpu_seconds() - before[0]
                service = way.service.cpu_seconds() - before[1] if way.service else 0.0
                each = 1e6 / seen.requests
                # The first round warms connections up.
                if at:
                    ratio = seen.rate / first
                    figures = (seen.rate, seen.p50, seen.p99, took * each, service * each, ratio)
                    rows[way.name].append(Passage(way.name, *figures))
    return [median(name, found) for name, found in rows.items()]


def median(name: str, rows: list[Passage]) -> Passage:
    """Of each figure on its own."""
    of = lambda field: statistics.median(getattr(row, field) for row in rows)  # noqa: E731
    return Passage(name, *(of(field) for field in ("rate", "p50", "p99", "envoy_cpu", "service_cpu", "ratio")))


def listener(name: str, port: int, filters: list[Json]) -> Json:
    """Answers every request by itself, once the filters have let it pass."""
    router = {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{TYPES}.http.router.v3.Router"}}
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "ok"}}}
    manager = {
        "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [answer]}]},
        "http_filters": [*filters, router],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"name": name, "address": socket(port), "filter_chains": [chain]}


def ext_authz(service: str) -> Json:
    """Asks a service over gRPC, as the README says."""
    return {
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": f"{TYPES}.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "failure_mode_allow": False,
            "grpc_service": {"envoy_grpc": {"cluster_name": service}, "timeout": "5s"},
        },
    }


def jwt_authn() -> Json:
    """Envoy's own filter, with a token of the same claims that is signed and not encrypted."""
    key = {"kty": "oct", "alg": "HS256", "k": plain(SECRET.encode())}
    provider = {
        "issuer": "bench",
        "from_cookies": ["jwt"],
        "local_jwks": {"inline_string": json.dumps({"keys": [key]})},
        "claim_to_headers": [{"header_name": "x-auth-user-id", "claim_name": "sub"}],
    }
    rule = {"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}
    config = {"@type": f"{TYPES}.http.jwt_authn.v3.JwtAuthentication", "providers": {"bench": provider}, "rules": [rule]}
    return {"name": "envoy.filters.http.jwt_authn", "typed_config": config}


def signed() -> str:
    """A JWT with the claims of the session."""
    claims = {"iss": "bench", "sub": "42", "name": "Ada Lovelace", "email": "ada@example.com", "role": "admin"}
    claims["exp"] = int(time.time()) + 86_400  # type: ignore[assignment]
    body = plain(b'{"alg":"HS256","typ":"JWT"}') + "." + plain(json.dumps(claims).encode())
    return f"{body}.{plain(hmac.digest(SECRET.encode(), body.encode(), hashlib.sha256))}"


def plain(data: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def cluster(name: str, port: int, *, http2: bool) -> Json:
    """A service on a loopback address."""
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    protocol = "http2_protocol_options" if http2 else "http_protocol_options"
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(port)}}]}],
        },
        "typed_extension_protocol_options": {
            options: {"@type": f"type.googleapis.com/{options}", "explicit_http_config": {protocol: {}}}
        },
    }


def socket(port: int) -> Json:
    """A loopback address in Envoy's words."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
