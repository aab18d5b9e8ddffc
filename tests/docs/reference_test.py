"""What docs/observability.md says of metrics, log fields and reasons, held against a running server and the source."""

import json
import re
import unittest

from places import ROOT
from world import World

OBSERVABILITY = (ROOT / "docs/observability.md").read_text()
PROVIDERS = (ROOT / "docs/providers/README.md").read_text()

# One of each kind of provider that has figures of its own, and checks that go well and badly with each.
SERVER = """
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -keyout tls.key -out tls.crt
python3 -c "import sqlite3; sqlite3.connect('sessions.db').executescript(
  'create table user (id text, name text); create table session (sessionToken text, userId text, expires integer)')"
export AUTH_SECRET=$(openssl rand -hex 32)
cat >sessiongate.yaml <<'END'
listen:
  http: { address: 127.0.0.1:9192, tls: { cert: tls.crt, key: tls.key } }
  admin: 127.0.0.1:9193
sessions:
  web: { kind: authjs, secret: "${AUTH_SECRET}" }
  stored: { kind: database, url: "sqlite:sessions.db", schema: drizzle, cookie: stored }
  away: { kind: endpoint, url: "http://127.0.0.1:1/session", cookie: away }
END
"""
DECISIONS = "echo 'telemetry: { decisions: { to: decisions.jsonl, which: all } }' >>sessiongate.yaml"
ASKED = """
TOKEN=$(sessiongate token encode '{"sub": "42"}')
for cookie in authjs.session-token=$TOKEN authjs.session-token=x stored=x away=x; do
  curl -sk https://127.0.0.1:9192/auth -H 'x-forwarded-uri: /a' -H 'x-forwarded-method: GET' \
    -H 'x-forwarded-host: app.example.com' -H 'x-forwarded-proto: https' -H "cookie: $cookie"
done
"""


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    below = page.partition(f"\n{heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", below, re.M)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


class Reference(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with World() as world:
            terminal = world.terminal()
            terminal.run(SERVER)
            log = cls.serve(world, terminal)
            terminal.run(ASKED + "kill %1; wait %1 || true")
            cls.log = log.read_text()
            terminal.run(DECISIONS)
            cls.serve(world, terminal)
            terminal.run(ASKED)
            _, cls.metrics = terminal.run("curl -s http://127.0.0.1:9193/metrics")
            cls.decisions = (world.page / "decisions.jsonl").read_text()

    @staticmethod
    def serve(world: World, terminal):
        log = terminal.start("exec sessiongate serve")
        assert terminal.answers("http://127.0.0.1:9193/healthz", 30), log.read_text()
        return log

    def test_the_metrics_are_those_that_a_server_shows_with_their_labels(self):
        shown: dict[str, set[str]] = {}
        for name, labels in re.findall(r"^([a-z]\w*?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$", self.metrics, re.M):
            shown.setdefault(name, set()).update(set(re.findall(r'(\w+)="', labels)) - {"le"})
        told = {name: words(labels) for names, labels, _ in rows(OBSERVABILITY, "## Metrics") for name in words(names)}
        self.assertEqual(told, shown)
        source = set(re.findall(r'"(sessiongate_\w+)"', (ROOT / "src/metrics.rs").read_text()))
        self.assertEqual(source - told.keys(), set())

    def test_the_fields_are_those_of_a_line(self):
        told = set().union(*(words(names) for names, _ in rows(OBSERVABILITY, "## Decisions")))
        for line in self.decisions.splitlines():
            self.assertEqual(set(json.loads(line)), told)
        lines = [json.loads(line) for line in self.log.splitlines() if '"message":"check"' in line]
        self.assertEqual(len(lines), 3, self.log)  # those that did not pass
        for line in lines:
            self.assertEqual(set(line), told | {"level", "message", "target"})

    def test_the_reasons_are_those_of_the_source(self):
        source = set()
        for file in (ROOT / "src").rglob("*.rs"):
            text = file.read_text().partition("#[cfg(test)]")[0]
            source |= set(re.findall(r'(?:malformed|refused|Refused)\((?:"", |rule, )?"(\w+)"', text))
            if "src/telemetry" in str(file) or file.name == "expression.rs":
                continue
            for body in re.findall(r"fn (?:label|reason)\(.*?-> &'static str \{\n(.*?)^    \}", text, re.M | re.S):
                source |= set(re.findall(r'=> "(\w+)"', body))
        decisions = {"allow", "deny", "redirect", "unavailable"}
        told = set().union(*(words(reasons) for _, reasons, _ in rows(OBSERVABILITY, "## Reasons")))
        of_providers = rows(PROVIDERS, "`sessiongate_session_failures_total{provider,reason}`:")
        told |= set().union(*(words(reasons) for reasons, _ in of_providers))
        self.assertEqual(told, source - decisions)
