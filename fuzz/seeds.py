"""Writes what each target starts from, made of the conformance cases and of a few by hand: fuzz/seeds.py [PLACE]

A folder for each target, below fuzz/corpus where no other place is named.

A token that is sealed for this program's configuration cannot be written here; `{{web}}` and its like stand for one,
see src/world.rs.
"""

import hashlib
import json
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
CONFORMANCE = HERE.parent / "tests" / "conformance"

PATHS = """/ /admin /admin/users /public/a /api/auth/signin /_next/static/x.js /_next/data/b1/admin.json /admin.rsc
/a/../admin /a/..;/admin /%61dmin /%2561dmin /admin%2fusers /x%252f..%252fadmin //admin /\\admin /x\\..\\admin
/admin;v=1 /.%2e/admin /admin%3fx /admin%23x /admin.segments/_tree.segment.rsc /fr/admin /docs/a/admin /docs/a-12.b
/%c3%a9 /%ff
/é /admin/. /%5cadmin /%00 /index.json /_next/data/b1 /public/%2e%2e/admin /a%20b /%zz""".split()

HEADERS = json.loads(r"""[
  {"cookie": "theme=dark; authjs.session-token={{web}}", "accept": "text/html"},
  {"cookie":
    "authjs.session-token.0={{admin.0}}; authjs.session-token.1={{admin.1}}; authjs.session-token.2={{admin.2}}"},
  {"cookie": "authjs.session-token={{due}}; authjs.session-token.7=x"},
  {"cookie": "authjs.session-token={{odd}}; b=\"c;d\"", "x-auth-user-id": "1", "X_Auth-User_Id": "1"},
  {"cookie": "next-auth.session-token={{old}}"},
  {"cookie": "authjs.session-token={{over}}", "sec-fetch-mode": "navigate"},
  {"cookie": "a=1,authjs.session-token={{web}}"},
  {"cookie": "token={{jwt}}; authjs.session-token={{signing-in}}"},
  {"authorization": "Bearer {{web}}", "x-middleware-subrequest": "middleware"},
  {"authorization": "Bearer {{jwt}}", "x-ops": "on-call-7", "cookie": "ops=1"},
  {"authorization": "Bearer {{other}}", "x-auth-session": "e30"},
  {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "content-type": "application/grpc"},
  {}
]""")

CONFIGURATIONS = [
    "sessions: { web: { kind: authjs, secret: hunter2-hunter2-hunter2-hunter2 } }\n",
    "sessions:\n  web: { kind: nextauth, secret: [\"${SECRET}\", short], cookie: a, max_age: 30d, refresh: true }\n",
    "sessions:\n  m: { kind: jwt, issuer: https://i.example.com, audience: [a], algorithms: [RS256],"
    " jwks: https://i.example.com/keys, from: [{ header: authorization, prefix: \"Bearer \" }, { cookie: t }] }\n",
    "sessions:\n  d: { kind: database, url: \"postgres://app@127.0.0.1:9/app\", schema: pg-adapter, cache: 10s }\n"
    "  r: { kind: redis, url: \"redis://127.0.0.1:9\", schema: upstash }\n"
    "  e: { kind: endpoint, url: \"http://127.0.0.1:9/api/auth/session\" }\n"
    "  b: { kind: better-auth, secret: \"${SECRET}\", cookie_cache: compact }\n",
    "sessions: { web: { kind: authjs, secret: \"${SECRET}\" } }\n"
    "rules:\n  - { name: a, matcher: \"/a/:path*\", access: public }\n"
    "  - matcher: [{ source: \"/b/:x(\\\\d+)\", has: [{ type: header, key: k, value: v }], methods: [GET] },"
    " \"/((?!c).*)\"]\n"
    "    hosts: [\"*.example.com\"]\n    condition: '\"admin\" in auth.user.roles && params.x != \"1\"'\n"
    "    on_deny: { status: 403, headers: { a: b }, body: \"${EMPTY}\" }\n    login: { url: /signin }\n"
    "default: { access: deny, on_deny: redirect }\n",
    "sessions: { web: { kind: authjs, secret: \"${SECRET:-x}\" } }\n"
    "login: { url: /login, callback_param: next, origin: \"https://a.example.com\", trusted_hosts: [a] }\n"
    "next: { base_path: /docs, i18n: { locales: [en, fr], default_locale: en }, trailing_slash: true, build_id: b }\n"
    "identity: { headers: { x-a: sub, x-b: { cel: \"auth.user.name\" } }, session_header: x-s, strip_cookie: true,"
    " dynamic_metadata: [sub], assertion: { audience: u, ttl: 60s, claims: [email] } }\n"
    "listen: { grpc: \"127.0.0.1:0\", http: \"unix:/tmp/x\", admin: \"[::1]:1\", limits: { checks: 1 } }\n"
    "forward_auth: { trusted_proxies: [10.0.0.0/8] }\n"
    "telemetry: { log: \"info,sessiongate=debug\", format: text, decisions: { to: stdout, which: all, sample: 0.5 },"
    " otlp: { endpoint: \"http://127.0.0.1:9\", headers: { a: b } }, redact: { sub: hash, secret: \"${SECRET}\" } }\n"
    "revocation: { redis: \"redis://127.0.0.1:9\", secret: \"${SECRET}\" }\n",
]

JWE_HEADERS = [
    '{"alg":"dir","enc":"A256CBC-HS512","kid":"KID"}', '{"alg":"dir","enc":"A256GCM","kid":"KID"}',
    '{"alg":"dir","enc":"A256CBC-HS512"}', '{"alg":"dir","enc":"A256GCM","zip":"DEF"}',
    '{"alg":"dir","enc":"A256GCM","crit":["exp"]}', '{"enc":"A256GCM","alg":"A256KW","kid":"KID","sub":"42"}', "[]",
]  # fmt: skip
JWT_HEADERS = [
    '{"alg":"HS256"}', '{"alg":"ES256","kid":"a"}', '{"alg":"none"}', '{"alg":"HS384","crit":["b64"],"b64":false}',
    '{"typ":"JWT","alg":"HS256","jwk":{"kty":"oct","k":"AA"}}',
]  # fmt: skip
PAYLOADS = [
    '{"sub":"42","exp":4102444800,"iat":1767225600,"iss":"https://issuer.example.com","aud":"orders"}',
    '{"sub":"42","exp":4102444800,"nbf":1767225600,"iss":"https://issuer.example.com","aud":["orders","x"]}',
    '{"exp":"4102444800"}', '{"exp":1e400}', '{"sub":7,"exp":4102444800,"aud":{"orders":true}}',
    # All right but for one claim, and by one second.
    '{"sub":"42","exp":4102444800,"iat":1767221985,"iss":"https://issuer.example.com","aud":["x"]}',
    '{"sub":"42","exp":4102444800,"iat":1767221986,"iss":"https://issuer.example.co","aud":"orders"}',
    '{"sub":"42","exp":1767225585,"iat":1767225600,"iss":"https://issuer.example.com","aud":"orders"}',
    '{"sub":"","exp":4102444800,"nbf":1767225616,"iss":"https://issuer.example.com","aud":"orders"}',
    '{"state":"x","exp":4102444800}', "\ufeff{\"exp\":4102444800}", '"text"', "",
]  # fmt: skip


def write(corpus: Path) -> None:
    """Writes every seed under the digest of what it is, as the fuzzer names its own."""
    makers = {
        "check": check, "configuration": configuration, "cookies": cookies, "forward_auth": forward_auth,
        "jwe": jwe, "jwt": jwt, "matcher": matcher, "paths": paths,
    }  # fmt: skip
    for target, make in makers.items():
        place = corpus / target
        place.mkdir(parents=True, exist_ok=True)
        for seed in make():
            (place / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def cases(name: str) -> list[dict]:
    """The cases of a conformance file."""
    return json.loads((CONFORMANCE / f"{name}.json").read_text())["cases"]


def text_request(method: str, target: str, headers: dict[str, str], host: str = "app.example.com") -> str:
    """A request as src/written.rs reads it."""
    lines = [f"{method} https {host} {target}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(lines)


def check() -> Iterator[bytes]:
    """Requests as text and as messages, with real and with made-up sessions."""
    for target in [f"{path}?q=1" for path in PATHS]:
        yield text_request("GET", target, HEADERS[0]).encode()
    for path in ("/dashboard", "/admin/users", "/api/x", "/ops/x", "/", "/internal", "/custom/x"):
        for headers in HEADERS:
            text = text_request("GET", path, headers)
            yield text.encode()
            yield f"{text}\n!raw".encode()
            yield b"\0" + message("GET", "app.example.com", path, headers)
    for extension in ("sessiongate.rule: public", "sessiongate.access: session", "sessiongate.access: nonsense"):
        yield f"{text_request('POST', '/x', HEADERS[1])}\n@{extension}".encode()
    for case in session_cases():
        yield text_request("GET", "/dashboard", case["headers"]).encode()
    for case in cases("middleware"):
        url = urlsplit(case["request"]["url"])
        target = url.path + (f"?{url.query}" if url.query else "")
        headers = {name: value.replace("\n", " ") for name, value in case["request"]["headers"].items()}
        yield text_request(case["request"]["method"], target, headers, url.netloc).encode()


def session_cases() -> list[dict]:
    """Those whose headers are one line each."""
    return [case for case in cases("sessions") if not any("\n" in value for value in case["headers"].values())]


def message(method: str, host: str, path: str, headers: dict[str, str]) -> bytes:
    """An encoded CheckRequest (proto/envoy/service/auth/v3)."""
    http = field(2, method.encode()) + field(4, path.encode()) + field(5, host.encode()) + field(6, b"https")
    for name, value in headers.items():
        http += field(3, field(1, name.lower().encode()) + field(2, value.encode()))
    return field(1, field(4, field(2, http)))


def field(number: int, content: bytes) -> bytes:
    """A field of bytes in protobuf's wire format."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    encoded = b""
    while number > 127:
        encoded += struct.pack("B", number & 127 | 128)
        number >>= 7
    return encoded + struct.pack("B", number)


def cookies() -> Iterator[bytes]:
    """Cookie headers, alone and several, as they are and joined."""
    lines = [headers["cookie"] for headers in HEADERS if "cookie" in headers]
    lines += [case["headers"]["cookie"] for case in session_cases() if "cookie" in case["headers"]]
    for line in lines:
        yield f"separate\n{line}".encode()
        yield f"joined\n{line}".encode()
    yield f"separate\n{lines[0]}\n{lines[1]}".encode()
    odd = "a=%41; b = \" c\"; flag; =; authjs.session-token.0=a%; authjs.session-token.0=; authjs.session-token.01=x"
    yield f"separate\n{odd}".encode()


def paths() -> Iterator[bytes]:
    """Paths in odd spellings, and those that Next.js was asked for."""
    asked = {request["path"].split("?")[0] for case in cases("matchers") for request in case["requests"]}
    for path in [*PATHS, *sorted(asked)]:
        yield path.encode()
    yield b"fr.example.com /admin"


def matcher() -> Iterator[bytes]:
    """Each source of the conformance file with the paths that it was asked, and the same as regular expressions."""
    for case in cases("matchers"):
        config = case["nextConfig"]
        flags = ("b" if config.get("basePath") else "") + ("i" if config.get("i18n") else "")
        asked = list(dict.fromkeys(request["path"].split("?")[0] for request in case["requests"]))[:16]
        for source in sources(case["matcher"]):
            yield "\n".join([flags or "-", source, *asked]).encode()
        for regexp in case["compiled"]:
            yield "\n".join(["r", regexp, *asked[:8]]).encode()
    for case in json.loads((CONFORMANCE / "matchers.json").read_text())["invalid"]:
        for source in sources(case["matcher"]):
            yield f"-\n{source}\n/a".encode()
    for regexp in ecma_patterns():
        yield f"r\n{regexp}\na\nab\n/a/b\n".encode()
    for at in range(48):
        yield b"\0" + hashlib.sha512(bytes([at])).digest() * 2


def sources(written: object) -> list[str]:
    """The sources in `config.matcher`."""
    entries = written if isinstance(written, list) else [written]
    found = [entry.get("source") if isinstance(entry, dict) else entry for entry in entries]
    return [source for source in found if isinstance(source, str) and "\n" not in source]


def ecma_patterns() -> list[str]:
    """The patterns of the unit tests."""
    text = (HERE.parent / "src/rule/matcher/ecma/tests.rs").read_text()
    return re.findall(r'\(r"(.+?)", ', text)


def jwe() -> Iterator[bytes]:
    """Real tokens, and parts to be sealed."""
    for case in session_cases():
        for value in re.findall(r"=([\w-]+\.[\w-]*\.[\w.-]+)", case["headers"].get("cookie", "")):
            yield value.encode()
    for name in ("web", "odd", "over", "signing-in", "other"):
        yield f"{{{{{name}}}}}".encode()
    yield from with_payloads(JWE_HEADERS)


def jwt() -> Iterator[bytes]:
    """Signed tokens, and parts to be signed."""
    yield b"{{jwt}}"
    yield b"eyJhbGciOiJub25lIn0.e30."
    yield from with_payloads(JWT_HEADERS)


def with_payloads(headers: list[str]) -> Iterator[bytes]:
    for header in headers:
        for payload in PAYLOADS:
            yield b"\0" + f"{header}\n{payload}".encode()


def configuration() -> Iterator[bytes]:
    """One for each section, and the ones that are shipped."""
    for text in CONFIGURATIONS:
        yield text.encode()
    for file in (HERE.parent / "deploy").glob("**/sessiongate*.yaml"):
        yield file.read_bytes()


def forward_auth() -> Iterator[bytes]:
    """Each kind of proxy, with the headers of another kind beside its own."""
    for path in ("/dashboard", "/public/a", "/admin/users?x=1", "/a/..;/admin", "/"):
        for headers in HEADERS:
            nginx = {"x-original-url": f"https://app.example.com{path}", "x-original-method": "GET"}
            traefik = {"x-forwarded-uri": path, "x-forwarded-method": "GET", "x-forwarded-host": "app.example.com"}
            yield text_request("GET", "/auth", {**nginx, **headers}).encode()
            yield text_request("GET", "/auth?answer=full", {**nginx, **headers, "x-forwarded-uri": "/"}).encode()
            yield text_request("GET", "/auth", {**traefik, "x-forwarded-proto": "https", **headers}).encode()
            yield text_request("GET", f"/auth{path}", {"host": "app.example.com", **headers}).encode()
    request = text_request("GET", "/auth/", {"host": "a", "x-forwarded-for": "1.1.1.1, 127.0.0.1"})
    yield f"{request}\n@peer: 192.0.2.1:80".encode()
    yield f"{request}\n!raw\ncookie: a=1\ncookie: authjs.session-token={{{{web}}}}".encode()


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "corpus")
