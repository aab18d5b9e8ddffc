"""What one check and one request are answered: a load of wrong answers would measure nothing."""

import http.client
import subprocess
from pathlib import Path

from asked import CHECK, HOST
from envoy.service.auth.v3.external_auth_pb2 import CheckResponse
from load import Refused
from rounds import Url
from world import Process

PERMISSION_DENIED, UNAUTHENTICATED = 7, 16


def check(process: Process, message: bytes, place: Path) -> int:
    """The status code in the answer to one framed `CheckRequest`; 0 lets the request pass."""
    body = place / "one.bin"
    body.write_bytes(message)
    command = ["nghttp", "--data", str(body), "--timeout", "10"]
    command += ["--header", "content-type: application/grpc", "--header", "te: trailers"]
    done = subprocess.run([*command, f"http://{process.address}{CHECK}"], capture_output=True, timeout=60, check=True)
    if len(done.stdout) < 5:
        raise Refused(f"{process.name} did not answer a check:\n{done.stderr.decode(errors='replace')}")
    return int(CheckResponse.FromString(done.stdout[5:]).status.code)


def expect_checks(process: Process, granted: bytes, denied: list[bytes], place: Path) -> None:
    """The one passes, the others do not."""
    if code := check(process, granted, place):
        raise Refused(f"{process.name} denies what it should allow, with {code}")
    for message in denied:
        code = check(process, message, place)
        if code not in (PERMISSION_DENIED, UNAUTHENTICATED):
            raise Refused(f"{process.name} answers {code} to what it should deny")


def request(url: Url, headers: dict[str, str]) -> int:
    """The status of the answer to one GET; redirects are not followed."""
    connection = http.client.HTTPConnection(url.address, timeout=30)
    try:
        connection.request("GET", url.path, headers={"host": HOST, **headers})
        return connection.getresponse().status
    finally:
        connection.close()


def expect_requests(url: Url, granted: dict[str, str], denied: list[dict[str, str]], status: int) -> None:
    """The one is answered with success, the others with this status."""
    found = request(url, granted)
    if not 200 <= found < 300:
        raise Refused(f"{url} answers {found} to what it should allow")
    for headers in denied:
        if (found := request(url, headers)) != status:
            raise Refused(f"{url} answers {found} to what it should deny")


def forged(credential: str) -> str:
    """The same with its last 16 characters turned round: of the right length, and signed by nobody."""
    return credential[:-16] + credential[-16:][::-1]
