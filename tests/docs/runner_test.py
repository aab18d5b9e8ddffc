"""That the runner finds what is wrong with a page: the pages' tests stand on it."""

import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import inline
import page
import snippets
from world import World


SERVICE = "{ apiVersion: v1, kind: Service, metadata: { name: a }, spec: { ports: [{ port: 1 }] } }"


def mistakes(text: str) -> list[str]:
    """What the runner has against a page of this text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "page.md")
        file.write_text(text)
        read = page.read(file, "page.md")
        found = inline.mistakes(read)
        with World() as world:
            for snippet in read.snippets:
                try:
                    snippets.do(snippet, world)
                except snippets.Wrong as wrong:
                    found.append(str(wrong))
    return found


def fence(info: str, text: str) -> str:
    return f"```{info}\n{text}\n```\n\n"


class Runner(unittest.TestCase):
    def test_a_page_that_is_right_passes(self):
        right = "".join([
            fence("sh run", "export NAME=ada; mkdir app; cd app"),
            fence("console", "$ echo $NAME; pwd\nada\n…/app\n$ cat <<'END' \\\n  -\nanything\nEND\nanything"),
            fence("console exit=3", "$ seq 9\n1\n…\n8\n9\n$ (exit 3)"),
            fence("js file=app/a.mjs", "console.log(1)"),
            fence("js append=app/a.mjs", "console.log(2)"),
            fence("sh run terminal=two", 'test -z "$NAME"; test "$(node app/a.mjs | tail -1)" = 2'),
            fence("sh run background until=http://127.0.0.1:8080/", "python3 -m http.server 8080 --bind 127.0.0.1"),
            fence("console background", "$ echo one; echo two; exec sleep 1000\none"),
            "<!-- run\ncurl -fsS http://127.0.0.1:8080/\n-->\n\n",
            fence("yaml config", "rules: [{ name: a, session: web }]\nlisten: { tls: { cert: a, key: /b } }"),
            fence("yaml envoy", "routes: [{ match: { path: /a }, route: { cluster: a } }]"),
            fence("yaml kubernetes", SERVICE),
            fence("yaml same-as=deploy/sessiongate.yaml", "rules:\n…\n- name:   home\n# …\n  strip_cookie: false"),
            fence("sh make", "make test  # all\nmake deploy-test ONLY=istio"),
            fence('text shown="a drawing of it"', "-->"),
            fence("sh cluster", "kubectl get pods -n auth\nkubectl create secret generic a --from-literal=a=b "
                  "--dry-run=client --output yaml | kubectl apply --filename -"),
            "`sessiongate check GET /a --json`, `make test`, `docs/README.md`, `login.url`, [a](page.md)\n",
        ])
        self.assertEqual(mistakes(right), [])

    def test_what_is_wrong_is_found_and_told_with_its_line(self):
        wrong = {
            fence("sh", "true"): "page.md:1: nothing runs this snippet",
            "    indented\n": "page.md:1: nothing runs this snippet",
            fence("sh runs", "true"): "the runner knows no `runs`",
            fence("text shown=why", "x"): "has to say why",
            fence("sh run", "true\nfalse\ntouch never"): "it ended with 1, not 0",
            fence("sh run exit=2", "true"): "it ended with 0, not 2",
            fence("sh run limit=0.2", "sleep 60"): "did not end within",
            fence("sh run", "exit"): "the shell ended",
            fence("console", "$ echo one\n\ntwo"): "page.md:2: $ echo one\nprinted\none\n",
            fence("console", "$ seq 3\n1\n3"): "where the page shows\n1\n3",
            fence("console", "$ echo; echo one\none"): "where the page shows",
            fence("console", "echo one"): "no command",
            fence("console background limit=0.2", "$ echo one; sleep 60\ntwo"): "where the page shows",
            fence("sh run background until=ready limit=0.2", "echo steady; sleep 60"): "`ready` did not come",
            fence("sh run background until=http://127.0.0.1:1/ limit=0.2", "sleep 60"): "did not come",
            fence("sh run limit=5", "curl -sS http://192.0.2.1/"): "Couldn't connect",
            fence("js append=a.mjs", "1"): "there is no a.mjs",
            fence("yaml config", "rules: [{ nmae: a }]"): "nmae",
            fence("yaml config", "sessions: { web: { kind: authjs, secret: short } }"): "secret",
            fence("yaml envoy", "routes: [{ match: { path: /a }, rout: { cluster: a } }]"): "rout",
            fence("yaml envoy", "nowhere: {}"): "does not know where `nowhere` belongs",
            fence("yaml kubernetes", SERVICE.replace("ports", "prots")): "prots",
            fence("yaml same-as=deploy/sessiongate.yaml", "kind: nextauth"): "no part of deploy/sessiongate.yaml",
            fence("yaml same-as=deploy/sessiongate.yaml", "identity:\n…\nrules:"): "no part of deploy/sessiongate.yaml",
            fence("yaml same-as=deploy/none.yaml", "a: 1"): "there is no deploy/none.yaml",
            fence("sh make", "make everything"): "the Makefile has no",
            fence("sh cluster", "kubectl get pods --nmaespace a"): "`kubectl get` has no `--nmaespace`",
            fence("sh cluster", "docker compose -f none.yaml up"): "there is no none.yaml",
            "`sessiongate chekc GET /`": "page.md:1: `sessiongate` has no command `chekc`",
            "`sessiongate check GET / --jsno`": "`sessiongate check` has no `--jsno`",
            "a\n\n`make everything`": "page.md:3: the Makefile has no target `everything`",
            "`docs/none.md`": "there is no `docs/none.md`",
            "`login.urls`": "the configuration has no key `login.urls`",
            "`sessions.web.kin`": "the configuration has no key `sessions.web.kin`",
            "[a](none.md)": "there is no none.md",
        }
        with ThreadPoolExecutor(4) as pool:
            for (text, told), found in zip(wrong.items(), pool.map(mistakes, wrong)):
                with self.subTest(text=text):
                    self.assertEqual(len(found), 1, found)
                    self.assertIn(told, found[0])

    def test_whatever_a_page_starts_ends_with_it(self):
        with World() as world:
            terminal = world.terminal()
            _, printed = terminal.run("setsid sleep 1000 & sleep 1000 & readlink /proc/self/ns/pid")
            mine = Path(world.folder.name)
        for process in Path("/proc").glob("[0-9]*/ns/pid"):
            try:
                self.assertNotEqual(str(process.readlink()), printed.strip())
            except OSError:
                continue
        self.assertFalse(mine.exists())
