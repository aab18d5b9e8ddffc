"""Requests at a constant rate, sent whether or not the earlier ones were answered, and what became of each."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from edge import Edge, Way

PATIENCE = 5.0  # seconds until a request counts as not answered
RIGHT, FAILED, WRONG = "right", "failed", "wrong"


@dataclass(frozen=True)
class Question:
    """A request, and the answer that it has to get."""

    name: str
    path: str
    status: int
    cookie: str = ""
    user: str = ""

    def text(self) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", "host: app.example.com", "accept: application/json"]
        lines += [f"cookie: authjs.session-token={self.cookie}"] if self.cookie else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True)
class Answer:
    """Seconds since the load began, the way, what was asked, how it ended, and after how many seconds."""

    at: float
    way: str
    question: str
    status: int
    verdict: str
    took: float
    told: dict[str, str]


def questions(session: str) -> list[Question]:
    """Of four requests two have a session, one needs none, one is a visitor's."""
    signed_in = Question("session", "/orders/1", 200, session, "42")
    return [signed_in, Question("public", "/public/x", 200), signed_in, Question("visitor", "/orders/1", 401)]


def verdict(question: Question, status: int, told: dict[str, str]) -> str:
    """A request that no answer came for, or an error in place of one, has failed; any other answer is wrong."""
    if status == question.status and told.get("told-user-id", "") in ("-", "", question.user):
        return RIGHT if not question.user or told.get("told-user-id") == question.user else WRONG
    # 401 to a session is a wrong answer; 403 is Envoy's own where a call to the gate failed.
    return FAILED if status in (0, 403, 500, 502, 503, 504) else WRONG


@dataclass
class Traffic:
    """A load on each way of an edge, in a thread of its own."""

    edge: Edge
    ways: list[Way]
    rate: float  # requests a second of each way
    ask: Callable[[], list[Question]]
    answers: list[Answer] = field(default_factory=list)
    begun: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Traffic":
        self.begun = time.monotonic()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        assert self._thread
        self._thread.join()

    def now(self) -> float:
        return time.monotonic() - self.begun

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as ways:
            for at, way in enumerate(self.ways):
                ways.create_task(self._load(way, at / len(self.ways) / self.rate))

    async def _load(self, way: Way, offset: float) -> None:
        idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        number = 0
        async with asyncio.TaskGroup() as requests:
            while not self._ended.is_set():
                due = offset + number / self.rate
                await asyncio.sleep(max(0.0, due - self.now()))
                asked = self.ask()
                requests.create_task(self._one(way, asked[number % len(asked)], idle))
                number += 1
        for _, writer in idle:
            writer.close()

    async def _one(self, way: Way, question: Question, idle: list) -> None:  # type: ignore[type-arg]
        at, status, told = self.now(), 0, {}
        stream = None
        try:
            async with asyncio.timeout(PATIENCE):
                # Several listeners' ports: Envoy keeps a connection open as long as we do.
                port = self.edge.port(way)
                stream = idle.pop() if idle else await asyncio.open_connection(self.edge.address, port)
                stream[1].write(question.text())
                status, told = await answer(stream[0])
            idle.append(stream)
        except (OSError, EOFError, TimeoutError, ValueError):
            if stream:
                stream[1].close()
        found = verdict(question, status, told)
        self.answers.append(Answer(at, way.name, question.name, status, found, self.now() - at, told))


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status, and the headers that tell what a service behind would hear."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
    await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split(" ")[1]), {name: value for name, value in headers.items() if name.startswith("told-")}


def count(answers: list[Answer], way: Way, verdict: str, since: float = 0.0, until: float = float("inf")) -> int:
    """How many of a way ended so in a stretch of time."""
    return sum(
        1 for answer in answers if answer.way == way.name and answer.verdict == verdict and since <= answer.at < until
    )
