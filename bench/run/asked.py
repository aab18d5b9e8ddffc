"""What is asked: configurations, sessions, and Envoy's message about a browser's request."""

import struct
import sys
from pathlib import Path

from world import ROOT, output

sys.path.insert(0, str(ROOT / ".tools/xds"))
from envoy.service.auth.v3.external_auth_pb2 import CheckRequest  # noqa: E402

SECRET = "bench-secret-bench-secret-bench-secret"
COOKIE = "authjs.session-token"
HOST = "app.example.com"
CHECK = "/envoy.service.auth.v3.Authorization/Check"
CLAIMS = '{"name":"Ada Lovelace","email":"ada@example.com","picture":null,"sub":"42","role":"admin"}'
BROWSER = {
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-GB,en;q=0.9",
    "sec-ch-ua": '"Chromium";v="140", "Not=A?Brand";v="24"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
    "sec-fetch-site": "same-origin",
    "upgrade-insecure-requests": "1",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
}


def configuration(place: Path, port: int, rules: int = 20, secrets: int = 1, name: str = "gate") -> Path:
    """An ordinary application's configuration: so many rules, so many secrets of which the last one is in use."""
    older = [f"{SECRET}-newer-{at}" for at in range(secrets - 1)]
    text = [f"listen: {{ grpc: '127.0.0.1:{port}' }}", "telemetry: { log: warn }"]
    text += ["sessions:", "  web:", "    kind: authjs", f"    secret: [{', '.join([*older, SECRET])}]", "rules:"]
    text += [f"  - matcher: /section-{at}/:path*" for at in range(max(0, rules - 3))]
    text += ["  - { matcher: '/api/auth/:path*', access: public }"]
    text += ["  - { matcher: '/_next/static/:path*', access: public }"]
    text += ["  - matcher: '/((?!favicon.ico|robots.txt).*)'"]
    # A folder of its own: the one with the configuration is watched, and logs are written beside it.
    folder = place / f"{name}-configuration"
    folder.mkdir(exist_ok=True)
    file = folder / "sessiongate.yaml"
    file.write_text("\n".join(text) + "\n")
    return file


def token(binary: Path, padding: int = 0) -> str:
    """A session's token that Auth.js reads; `padding` more bytes in a claim."""
    claims = CLAIMS if not padding else CLAIMS[:-1] + ',"note":"' + 'n' * padding + '"}'
    return output(str(binary), "token", "encode", "--cookie", COOKIE, claims, AUTH_SECRET=SECRET)


def cookie(value: str, chunks: int = 1) -> str:
    """The Cookie header with this token, whole or in so many parts of one size."""
    if chunks == 1:
        return f"theme=dark; {COOKIE}={value}"
    size = -(-len(value) // chunks)
    parts = [f"{COOKIE}.{at}={value[at * size : (at + 1) * size]}" for at in range(chunks)]
    return "; ".join(["theme=dark", *parts])


def message(path: str, cookies: str) -> bytes:
    """Envoy's `CheckRequest` for a page, framed for gRPC."""
    request = CheckRequest()
    attributes = request.attributes
    attributes.source.address.socket_address.address = "203.0.113.7"
    attributes.source.address.socket_address.port_value = 51234
    attributes.destination.address.socket_address.address = "192.0.2.10"
    attributes.destination.address.socket_address.port_value = 443
    attributes.request.time.seconds = 1_700_000_000
    http = attributes.request.http
    http.id = "9135170432174893823"
    http.method, http.scheme, http.host, http.path = "GET", "https", HOST, path
    http.protocol = "HTTP/2"
    http.headers.update(BROWSER)
    http.headers.update({":authority": HOST, ":method": "GET", ":path": path, ":scheme": "https"})
    http.headers.update({"x-forwarded-proto": "https", "x-request-id": "a7b0c1de-3a5f-4f2e-9a51-0d8f6c2b4e11"})
    if cookies:
        http.headers["cookie"] = cookies
    body = request.SerializeToString()
    return struct.pack(">BI", 0, len(body)) + body
