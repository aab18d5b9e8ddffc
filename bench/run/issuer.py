"""An OpenID Connect issuer for the peers that want one: its process, its JWT, and a login at oauth2-proxy."""

import http.cookiejar
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asked import CLAIMS
from world import ROOT, Process, free_port

PROGRAM = ROOT / "bench/peers/issuer.mjs"


@contextmanager
def issuer(place: Path) -> Iterator[Process]:
    """An issuer on a loopback address that serves."""
    port = free_port()
    with Process("issuer", ["node", str(PROGRAM), str(port), CLAIMS], port, place, {}) as process:
        yield process


def url(process: Process) -> str:
    """What stands in `iss`."""
    return f"http://{process.address}"


def jwt(process: Process) -> str:
    """A JWT with the session's claims, RS256."""
    with urllib.request.urlopen(f"{url(process)}/jwt", timeout=10) as answer:
        return str(answer.read().decode())


def login(proxy: Process) -> str:
    """The Cookie header of somebody who has signed in at this oauth2-proxy."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    browser.open(f"http://{proxy.address}/oauth2/start?rd=%2F", timeout=30).close()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)
