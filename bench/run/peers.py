"""Sessions checked by sessiongate and by its peers: an equivalent JWT, or what else the peer calls a session."""

import base64
import re
import string
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import checks
from answers import expect_checks, expect_requests, forged
from asked import BROWSER, COOKIE, HOST, SECRET, message, token
from issuer import issuer, jwt, login, url
from proxy import signed
from rounds import Url, Way, over_grpc, over_http
from world import ROOT, Process, free_port

PROGRAMS = ROOT / ".tools/peers"
SETTINGS = ROOT / "bench/peers"
# Each of a few microseconds and more: a round is many ticks of the clock in /proc for all.
CHECKS = 40_000
SECONDS = 4.0


@dataclass(frozen=True)
class Peer(checks.Cost):
    """A cost, its ratio to sessiongate over the same protocol, and the memory of the process after it."""

    memory: float


@dataclass(frozen=True)
class LeftOut:
    """A peer that is not on this machine, and why."""

    name: str
    reason: str


def beside_peers(binary: Path, place: Path, rounds: int) -> tuple[list[Peer], list[LeftOut]]:
    """Every peer that could be built, in rounds that alternate with sessiongate's: over gRPC first, then over HTTP."""
    with ExitStack() as running:
        openid = running.enter_context(issuer(place))
        ours, door = running.enter_context(gate(binary, place, openid))
        ways = [*asked_of_gate(ours, binary, openid, place)]
        for name, start in GRPC.items():
            if (PROGRAMS / name).exists():
                process = running.enter_context(start(place, openid))
                bearer = signed() if name == "opa" else jwt(openid)
                ways.append(asked_over_grpc(label(name), process, f"jwt={bearer}", place))
        found = costs(ways, rounds)
        ways = [asked_over_http("sessiongate: session, forward-auth", ours, door, session(binary), ORIGINAL)]
        if (PROGRAMS / "oauth2-proxy").exists():
            process = running.enter_context(oauth2_proxy(place, openid))
            door = Url(process.address, "/oauth2/auth")
            ways.append(asked_over_http(label("oauth2-proxy"), process, door, login(process), FORWARDED))
        return found + costs(ways, rounds), left_out()


def costs(ways: list[Way], rounds: int) -> list[Peer]:
    """Medians, with ratios to the first one, and what memory each process has then."""
    found = zip(ways, checks.compared(ways, rounds), strict=True)
    return [Peer(**vars(cost), memory=way.process.memory_mib()) for way, cost in found]


def asked_of_gate(ours: Process, binary: Path, openid: Process, place: Path) -> list[Way]:
    """The encrypted session, and the JWT that the peers get."""
    return [
        asked_over_grpc("sessiongate: session", ours, session(binary), place),
        asked_over_grpc("sessiongate: the same JWT, RS256", ours, f"jwt={jwt(openid)}", place),
    ]


def asked_over_grpc(name: str, process: Process, credential: str, place: Path) -> Way:
    """A browser's page with this cookie; it passes, and without the cookie or with another signature it does not."""
    granted = message(checks.PAGE, f"theme=dark; {credential}")
    denied = [message(checks.PAGE, cookies) for cookies in ("theme=dark", f"theme=dark; {forged(credential)}")]
    expect_checks(process, granted, denied, place)
    return over_grpc(name, process, granted, place, CHECKS)


def asked_over_http(name: str, process: Process, door: Url, credential: str, told: dict[str, str]) -> Way:
    """The same over HTTP, as nginx would ask."""
    headers = {**BROWSER, **told, "cookie": f"theme=dark; {credential}"}
    denied = [{**headers, "cookie": cookies} for cookies in ("theme=dark", f"theme=dark; {forged(credential)}")]
    expect_requests(door, headers, denied, 401)
    return over_http(name, process, door, headers, SECONDS)


def session(binary: Path) -> str:
    """Auth.js's cookie."""
    return f"{COOKIE}={token(binary)}"


# How nginx tells each of them what was asked for.
ORIGINAL = {"x-original-method": "GET", "x-original-url": f"https://{HOST}{checks.PAGE}"}
FORWARDED = {"x-real-ip": "203.0.113.7", "x-forwarded-uri": checks.PAGE}


@contextmanager
def gate(binary: Path, place: Path, openid: Process) -> Iterator[tuple[Process, Url]]:
    """A sessiongate with both doors; its address is that of gRPC, and the other one is where proxies ask over HTTP."""
    port, http = free_port(), free_port()
    values = {"port": port, "http": http, "secret": SECRET, "issuer": url(openid)}
    file = filled("sessiongate/sessiongate.yaml", place, values)
    with Process("beside", [str(binary), "serve", "--config", str(file)], port, place, {}) as process:
        yield process, Url(f"127.0.0.1:{http}", "/auth")


def opa(place: Path, _: Process) -> Process:
    """OPA's engine with our door."""
    port = free_port()
    command = [str(PROGRAMS / "opa"), f"127.0.0.1:{port}", str(SETTINGS / "opa/policy.rego"), SECRET]
    return Process("opa", command, port, place, {})


def heimdall(place: Path, openid: Process) -> Process:
    """Heimdall as Envoy's authorization service."""
    port = free_port()
    rules = SETTINGS / "heimdall/rules.yaml"
    values = {"port": port, "management": free_port(), "issuer": url(openid), "rules": rules}
    file = filled("heimdall/heimdall.yaml", place, values)
    command = [str(PROGRAMS / "heimdall"), "serve", "decision", "--envoy-grpc", "--config", str(file)]
    # Everything here is on loopback addresses, without TLS.
    return Process("heimdall", [*command, "--insecure-skip-all-tls-enforcement"], port, place, {})


def authorino(place: Path, openid: Process) -> Process:
    """Authorino's pipeline with one AuthConfig."""
    port = free_port()
    file = filled("authorino/authconfig.yaml", place, {"issuer": url(openid)})
    return Process("authorino", [str(PROGRAMS / "authorino"), f"127.0.0.1:{port}", str(file)], port, place, {})


def oauth2_proxy(place: Path, openid: Process) -> Process:
    """oauth2-proxy with sessions in its own cookie."""
    port = free_port()
    secret = base64.urlsafe_b64encode(SECRET.encode()[:32]).decode()
    file = filled("oauth2-proxy/oauth2-proxy.cfg", place, {"port": port, "issuer": url(openid), "secret": secret})
    return Process("oauth2-proxy", [str(PROGRAMS / "oauth2-proxy"), "--config", str(file)], port, place, {})


GRPC: dict[str, Callable[[Path, Process], Process]] = {"opa": opa, "heimdall": heimdall, "authorino": authorino}
MODULES = {
    "opa": ("OPA {}, as a library", "github.com/open-policy-agent/opa"),
    "heimdall": ("Heimdall {}", "github.com/dadrus/heimdall"),
    "authorino": ("Authorino {}, its pipeline", "github.com/kuadrant/authorino"),
    "oauth2-proxy": ("oauth2-proxy {}, over HTTP", "github.com/oauth2-proxy/oauth2-proxy/v7"),
}


def label(name: str) -> str:
    """The peer's name with the version that its go.mod pins."""
    title, module = MODULES[name]
    (pinned,) = re.findall(rf"{re.escape(module)} v(\S+)", (SETTINGS / name / "go.mod").read_text())
    return title.format(pinned)


def left_out() -> list[LeftOut]:
    """The peers that tools/install.sh could not build, with the reason that it wrote down."""
    missing = [name for name in MODULES if not (PROGRAMS / name).exists()]
    reasons = {name: PROGRAMS / f"{name}.left-out" for name in missing}
    return [
        LeftOut(label(name), file.read_text().strip() if file.exists() else "not built: tools/install.sh peers")
        for name, file in reasons.items()
    ]


def filled(template: str, place: Path, values: dict[str, object]) -> Path:
    """A peer's configuration for this run."""
    source = SETTINGS / template
    file = place / source.name
    file.write_text(string.Template(source.read_text()).substitute(values))
    return file
