"""Secrets and keys that are rotated on many replicas while requests with old and new sessions flow.

The replicas get a changed Secret one after the other, as kubelets sync it, while the application's own replicas get
theirs likewise: during a step some are before it and some behind.
"""

import base64
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge import Way, edge, own_network, recommended
from replica import HTTP, SECRET, Fleet, Json, Replica, fleet, token
from traffic import FAILED, RIGHT, WRONG, Answer, Question, Traffic, count

REPLICAS = 3
APART = 0.7  # seconds from one replica's change to the next one's
STEP = 2.5  # seconds of load in which everything stays as it is
NEW = "fleet-new-secret-fleet-new-secret-fleet"
WAY = recommended("recommended")

GATE, APPLICATION = "gate", "application"
# Who is told of which secrets, newest first; the application signs with its first.
RIGHT_ORDER = [
    ("1. both are accepted, the old one first", GATE, (SECRET, NEW)),
    ("2. the application signs with the new one", APPLICATION, (NEW, SECRET)),
    ("3. the gate has the new one first", GATE, (NEW, SECRET)),
    ("4. after `max_age`, the application forgets the old one", APPLICATION, (NEW,)),
    ("5. and the gate", GATE, (NEW,)),
]
APPLICATION_FIRST = [
    ("the application signs with the new one", APPLICATION, (NEW, SECRET)),
    ("the gate hears of it", GATE, (NEW, SECRET)),
]
REPLACED = [("the gate gets the new one in the old one's place", GATE, (NEW,))]


@dataclass(frozen=True)
class Step:
    """What became of the requests of one step; `refused` are answers as if there were no session."""

    order: str
    name: str
    requests: int
    refused: int
    failed: int
    by_a_later_secret: int  # sessions that another secret of the list than the first opened


def question(binary: Path, secret: str, name: str) -> Question:
    return Question(name, "/orders/1", 200, token(binary, secret), "42")


def secrets(binary: Path, place: Path, rate: float = 100) -> list[Step]:
    """The right order, and two wrong ones."""
    rows = []
    for at, (order, steps) in enumerate(
        [("right", RIGHT_ORDER), ("application first", APPLICATION_FIRST), ("replaced at once", REPLACED)]
    ):
        print(f"  secrets: {order}", flush=True)
        rows += rotate(binary, place / f"rotation-{at}", order, steps, rate)
    return rows


Steps = list[tuple[str, str, tuple[str, ...]]]


def rotate(
    binary: Path,
    place: Path,
    order: str,
    steps: Steps,
    rate: float,
    *,
    way: Way = WAY,
    apart: float = APART,
    still: float = STEP,
) -> list[Step]:
    """Step by step under load, with sessions of every secret that the application signs with at the time."""
    network = own_network()
    of = {secret: question(binary, secret, name) for secret, name in ((SECRET, "old"), (NEW, "new"))}
    with fleet(binary, place / "fleet", network) as made:
        replicas = [made.start(1 + at % 3) for at in range(REPLICAS)]
        flowing = [of[SECRET]]
        with edge(place, network, [way], replicas) as proxy:
            with Traffic(proxy, [way], rate, lambda: flowing) as traffic:
                time.sleep(1.0)
                rows = []
                for name, who, newest_first in steps:
                    begun, before = traffic.now(), by_a_later_secret(replicas)
                    if who == GATE:
                        in_turn(replicas, lambda replica: replica.write_secrets(*newest_first), apart)
                    else:
                        # Sessions of before live on until they expire, which is what step 4 waits for.
                        flowing = [of[newest_first[0]]] + [of[SECRET]] * (SECRET in newest_first)
                        time.sleep(apart * REPLICAS)
                    time.sleep(still)
                    found = outcome(traffic.answers, way, begun, traffic.now())
                    rows.append(Step(order, name, *found, round(by_a_later_secret(replicas) - before)))
    return rows


def in_turn(replicas: list[Replica], change: Callable[[Replica], None], apart: float = APART) -> None:
    for replica in replicas:
        change(replica)
        time.sleep(apart)


def outcome(answers: list[Answer], way: Way, since: float, until: float) -> tuple[int, int, int]:
    of = lambda verdict: count(answers, way, verdict, since, until)  # noqa: E731
    return of(RIGHT) + of(WRONG) + of(FAILED), of(WRONG), of(FAILED)


def by_a_later_secret(replicas: list[Replica]) -> float:
    """By `sessiongate_tokens_total`, whose places count from 0."""
    tokens = 'sessiongate_tokens_total{provider="web",secret="'
    return sum(
        value
        for replica in replicas
        for name, value in replica.metrics().items()
        if name.startswith(tokens) and not name.startswith(f'{tokens}0"')
    )


KEY_STEPS = {
    "right": [
        ("1. both are published, the old one signs", ("old", "new")),
        ("2. five minutes later the new one signs", ("new", "old")),
        ("3. after `ttl` the old one is gone", ("new",)),
    ],
    "replaced at once": [("the new key in the old one's place", ("new",))],
}


def keys(binary: Path, place: Path, rate: float = 100) -> list[Step]:
    """A service behind has fetched the public keys before the step, and not since."""
    rows = []
    for order, steps in KEY_STEPS.items():
        print(f"  keys: {order}", flush=True)
        rows += rotate_keys(binary, place / f"keys-{order.split()[0]}", order, steps, rate)
    return rows


def rotate_keys(
    binary: Path, place: Path, order: str, steps: list[tuple[str, tuple[str, ...]]], rate: float
) -> list[Step]:
    place.mkdir(parents=True)
    for name in ("old", "new"):
        command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(place / f"{name}.pem")]
        subprocess.run(command, check=True, capture_output=True)

    def identity(*names: str) -> Json:
        files = [str(place / f"{name}.pem") for name in names]
        assertion = {"header": "x-auth-assertion", "key_file": files, "issuer": "gate", "audience": "orders"}
        return {"headers": {"x-auth-user-id": "sub"}, "assertion": {**assertion, "ttl": "2s"}}

    network = own_network()
    asked = [question(binary, SECRET, "old")]
    with fleet(binary, place / "fleet", network, {"identity": identity("old")}) as made:
        replicas = [made.start(1 + at % 3) for at in range(REPLICAS)]
        with edge(place, network, [WAY], replicas) as proxy:
            with Traffic(proxy, [WAY], rate, lambda: asked) as traffic:
                time.sleep(1.0)
                rows = []
                for name, files in steps:
                    begun, known = traffic.now(), published(replicas[0])
                    in_turn(replicas, lambda replica: use(made, replica, identity(*files)))
                    time.sleep(STEP)
                    answers = [answer for answer in traffic.answers if answer.at >= begun]
                    requests, wrong, failed = outcome(answers, WAY, begun, traffic.now())
                    unknown = sum(key_of(answer) not in known for answer in answers if answer.verdict == RIGHT)
                    rows.append(Step(order, name, requests, wrong + unknown, failed, 0))
    return rows


def use(made: Fleet, replica: Replica, identity: Json) -> None:
    configuration = made.configuration(replica.address, replica.secrets)
    replica.reconfigure({**configuration, "identity": identity})


def published(replica: Replica) -> set[str]:
    """The names of the keys in its JWKS."""
    command = ["curl", "-sS", "--fail", f"http://{replica.address}:{HTTP}/.well-known/jwks.json"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {key["kid"] for key in json.loads(found)["keys"]}


def key_of(answer: Answer) -> str:
    """The name of the key that signed the assertion which the service behind was told."""
    head = answer.told.get("told-assertion", "").split(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)) or "{}").get("kid", ""))
