"""A name server on this machine that knows a few names, and notes which ones it is asked for."""

import socket
import struct
import threading

A, NOERROR, NXDOMAIN = 1, 0, 3


class NameServer:
    """Knows addresses by whole names. It is on a loopback address of its own: resolvers ask at port 53 alone."""

    address = "127.0.77.53"

    def __init__(self, known: dict[str, str]) -> None:
        self.known = dict(known)
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, 53))

    def __enter__(self) -> "NameServer":
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        # An empty message, which is no question, ends it.
        self._socket.sendto(b"", (self.address, 53))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        """RFC 1035, section 4: the header, the question again, and an address where there is one."""
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question, (kind,) = query[12:at + 5], struct.unpack(">H", query[at + 1:at + 3])
        name = ".".join(labels).lower()
        self.asked.append(name)
        found = self.known.get(name) if kind == A else None
        code = NOERROR if name in self.known else NXDOMAIN
        header = query[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, bool(found), 0, 0)
        answer = struct.pack(">HHHIH", 0xC00C, A, 1, 0, 4) + socket.inet_aton(found) if found else b""
        return header + question + answer
