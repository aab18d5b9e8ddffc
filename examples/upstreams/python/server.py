"""A service behind sessiongate: who is calling is what the assertion says, a signed JWT in x-auth-assertion.

It answers with the claims that it verified, or with 401. The README.md one folder up says how to run it.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

HEADER = "x-auth-assertion"
LONGEST = 8192

# What a key may sign with: public-key algorithms only, and each with its own type of key.
ALGORITHMS = {"EdDSA": Ed25519PublicKey, "ES256": EllipticCurvePublicKey, "RS256": RSAPublicKey}


def required(name: str) -> str:
    return os.environ.get(name) or sys.exit(f"{name} is not set")


PORT = int(required("PORT"))
ISSUER = os.environ.get("ISSUER") or "sessiongate"
AUDIENCE = required("AUDIENCE")

# Fetched with the first assertion, and again for a key ID that it does not hold, as after a rotation. The
# cooldown is what keeps a sender of made-up key IDs from making this service fetch all the time.
JWKS = jwt.PyJWKClient(required("JWKS_URL"), lifespan=300, cooldown_duration=10, timeout=5)


class KeysUnavailable(Exception):
    """The JWKS could not be fetched, which is not the caller's fault."""


def verify(token: str) -> dict:
    """The claims of an assertion that is signed, for this service, and of now. Raises for any other."""
    key = public_key(jwt.get_unverified_header(token).get("kid"))
    claims = jwt.decode(
        token,
        key,
        # What the key says, never what the token says: the token must name the same.
        algorithms=[key.algorithm_name],
        issuer=ISSUER,
        audience=AUDIENCE,  # without it, an assertion made for another service would do here
        leeway=5,
        options={"require": ["exp", "nbf", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
    )
    for name in ("exp", "nbf"):
        # PyJWT takes "123" for a number. A bool is an int to Python.
        if type(claims[name]) not in (int, float):
            raise jwt.InvalidTokenError(f"{name} is not a number")
    return claims


def public_key(kid: str | None) -> jwt.PyJWK:
    if kid is None:
        raise jwt.InvalidTokenError("no key ID")
    try:
        key = JWKS.get_signing_key(kid)
    except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, OSError, ValueError) as error:
        print("JWKS:", error, file=sys.stderr)
        raise KeysUnavailable from error
    except jwt.PyJWKClientError as error:
        raise jwt.InvalidTokenError("unknown key") from error
    if not isinstance(key.key, ALGORITHMS.get(key.algorithm_name, ())):
        raise jwt.InvalidTokenError("unknown key")
    return key


class Upstream(BaseHTTPRequestHandler):
    # As BaseHTTPRequestHandler has it: a connection for each request. With HTTP/1.1, a body that nobody
    # reads would be taken for the next request.
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        # Every line of that name: get() would return the first of several. Some proxies join them.
        tokens = self.headers.get_all(HEADER, [])
        if not tokens or not tokens[0]:
            self.answer(401, {"message": "no assertion"})
        elif len(tokens) > 1 or "," in tokens[0]:
            self.answer(401, {"message": "more than one assertion"})
        elif len(tokens[0]) > LONGEST:
            self.answer(401, {"message": "assertion too long"})
        else:
            self.identified(tokens[0])

    def identified(self, token: str) -> None:
        try:
            claims = verify(token)
        except KeysUnavailable:
            self.answer(503, {"message": "keys unavailable"})
        except jwt.PyJWTError as error:
            self.answer(401, {"message": str(error)})
        else:
            self.answer(200, {name: claims.get(name) for name in ("sub", "sid", "rule")})

    def answer(self, status: int, content: dict) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("cache-control", "no-store")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # of connections not yet accepted: with 5, a burst of them meets refusals


if __name__ == "__main__":
    server = Server(("127.0.0.1", PORT), Upstream)
    print(f"listening on 127.0.0.1:{PORT}", flush=True)
    server.serve_forever()
