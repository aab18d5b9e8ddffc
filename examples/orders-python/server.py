"""A service that knows nothing of Auth.js: who is calling is what the identity headers say.

Only the proxy may reach it, which is why it listens on 127.0.0.1: whoever can talk to it directly can
write these headers too. PORT and HOST say where (3001 of 127.0.0.1; another HOST is for a network of
containers that holds the proxy and the services alone). Python's standard library is all it needs.
"""

import base64
import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORDERS = {
    "u-1815": [
        {"id": "A-1842", "item": "Punched cards, 10,000", "total": "£ 31.50"},
        {"id": "A-1843", "item": "Brass gears, assorted", "total": "£ 118.00"},
        {"id": "A-1851", "item": "Notes on the Analytical Engine", "total": "£ 0.00"},
    ]
}


class Orders(BaseHTTPRequestHandler):
    """GET /orders/me: the caller, and the caller's orders."""

    # A connection for each request: over a kept one, a body that nobody reads would be taken for the next request.
    protocol_version = "HTTP/1.0"
    server_version = "orders"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/healthz":
            self.answer(200, {"status": "ok"})
        elif path in ("/orders", "/orders/me"):
            self.orders()
        else:
            self.answer(404, {"message": "Not found"})

    def orders(self) -> None:
        user_id = self.headers.get("x-auth-user-id")
        if user_id is None:
            self.answer(403, {"message": "No identity header: this request did not come through the gate"})
            return
        user = {"id": user_id, "email": self.headers.get("x-auth-user-email")}
        session = decoded(self.headers.get("x-auth-session"))
        self.answer(200, {"user": user, "orders": ORDERS.get(user_id, []), "session": session})

    def answer(self, status: int, content: dict) -> None:
        body = json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("cache-control", "no-store")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def decoded(header: str | None) -> dict | None:
    """The session behind base64url JSON without padding, or None where there is none."""
    if header is None:
        return None
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))


def main() -> None:
    port = int(os.environ.get("PORT", "3001"))
    host = os.environ.get("HOST", "127.0.0.1")
    server = ThreadingHTTPServer((host, port), Orders)
    server.daemon_threads = True  # an idle keep-alive connection must not hold up the end
    for signum in (signal.SIGINT, signal.SIGTERM):
        # shutdown() waits for the loop below, so it cannot be called from this very thread.
        signal.signal(signum, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on {host}:{port}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
