"""Checks sent at moments given beforehand, over many connections, as many Envoys send them.

`h2load` sends what is due in bursts of ten milliseconds, in which every request waits for those before it. This sends
each one in its moment, and writes down when it was sent and how long its answer took."""

import select
import socket
import struct
import time
from dataclasses import dataclass, field

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
LATE = 0.001  # seconds that the sender itself woke too late, past which what it sees then does not count

UNANSWERED = 40  # checks on a connection at once: more would not fit into its window


@dataclass
class Trace:
    """Of each check: seconds from the begin until it was sent, and until its answer; `held_up` did not count."""

    sent: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    held_up: int = 0


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload) << 8 | kind)[:4] + struct.pack(">BI", flags, stream) + payload


def literal(name: str, value: str) -> bytes:
    """A header that is not indexed (RFC 7541, section 6.2.2), of less than 127 bytes."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


@dataclass
class Connection:
    """Its next stream, and when each one that is open was sent."""

    socket: socket.socket
    rest: bytes = b""
    stream: int = 1
    open: dict[int, float] = field(default_factory=dict)

    def send(self, block: bytes, body: bytes) -> None:
        """One call."""
        self.open[self.stream] = time.perf_counter()
        self.socket.sendall(
            frame(HEADERS, END_HEADERS, self.stream, block) + frame(DATA, END_STREAM, self.stream, body)
        )
        self.stream += 2

    def answered(self) -> list[float]:
        """When those streams were sent whose answers have come."""
        try:
            data = self.rest + self.socket.recv(1 << 20)
        except BlockingIOError:
            return []
        at, ended = 0, []
        while len(data) - at >= 9:
            length = int.from_bytes(data[at : at + 3], "big")
            if len(data) - at < 9 + length:
                break
            kind, flags = data[at + 3], data[at + 4]
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                ended.append(self.open.pop(int.from_bytes(data[at + 5 : at + 9], "big")))
            elif kind in (SETTINGS, PING) and not flags & ACK:
                payload = data[at + 9 : at + 9 + length] if kind == PING else b""
                self.socket.sendall(frame(kind, ACK, 0, payload))
            elif kind == GOAWAY:
                why = data[at + 13 : at + 9 + length]
                raise ConnectionError(f"the replica ends the connection: {int.from_bytes(why[:4], 'big')} {why[4:]!r}")
            at += 9 + length
        self.rest = data[at:]
        return ended


def connect(address: str, port: int) -> Connection:
    """With a window that is never used up."""
    made = socket.create_connection((address, port))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") + frame(8, 0, 0, struct.pack(">I", (1 << 31) - 1 - 65_535)))
    made.setblocking(False)
    return Connection(made)


def paced(address: str, port: int, path: str, messages: list[bytes], due: list[float], connections: int) -> Trace:
    """Sends these framed messages in turn, one at each of these moments, on the connections in turn."""
    headers = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "sessiongate"}
    headers |= {"content-type": "application/grpc", "te": "trailers"}
    block = b"".join(literal(name, value) for name, value in headers.items())
    open_ = [connect(address, port) for _ in range(connections)]
    by_socket = {connection.socket: connection for connection in open_}
    trace, next_, answers = Trace(), 0, 0
    begun = time.perf_counter()
    while answers < len(due):
        while next_ < len(due) and begun + due[next_] <= time.perf_counter():
            connection = open_[next_ % connections]
            if len(connection.open) >= UNANSWERED:
                break
            connection.send(block, messages[next_ % len(messages)])
            next_ += 1
        now = time.perf_counter()
        wake = begun + due[next_] if next_ < len(due) and begun + due[next_] > now else now + 1
        # Unlike epoll it can wait for less than a millisecond.
        readable, _, _ = select.select(list(by_socket), [], [], max(0.0, wake - time.perf_counter()))
        found = [sent for each in readable for sent in by_socket[each].answered()]
        now = time.perf_counter()
        answers += len(found)
        if now - wake > LATE:
            trace.held_up += len(found)
        else:
            trace.sent += [sent - begun for sent in found]
            trace.took += [now - sent for sent in found]
        if now - begun > due[-1] + 20:
            raise RuntimeError(f"{len(due) - answers} checks were not answered")
    for connection in open_:
        connection.socket.close()
    return trace
