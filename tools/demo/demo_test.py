"""The demo keeps its promises: it works, says what is in its way, and leaves nothing behind.

SESSIONGATE_BINARY says which build to run (target/debug/sessiongate).
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from family import Family
from ports import USES
from services import environment

DEMO = Path(__file__).parent
BINARY = os.environ.get("SESSIONGATE_BINARY", str(DEMO.parents[1] / "target" / "debug" / "sessiongate"))
CHILDREN = {"orders", "app", "sessiongate", "envoy"}


class Demo(unittest.TestCase):
    def setUp(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)

    def start(self, *arguments: str, **ports: str) -> subprocess.Popen:
        """The demo on free ports, with its temporary files where we can see them."""
        chosen = {use.variable: "0" for use in USES.values()} | ports
        process = subprocess.Popen(
            [sys.executable, str(DEMO), "--binary", BINARY, *arguments],
            env=environment(**chosen, TMPDIR=self.place.name, PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def running(self) -> tuple[subprocess.Popen, dict[str, int]]:
        """A demo that is ready, and the process ids of its children by what they run."""
        process = self.start()
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            self.assertTrue(line, f"the demo ended early: {said}")
            said += line
        ids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        self.assertEqual(len(CHILDREN), len(ids))
        return process, {Path(f"/proc/{pid}/cmdline").read_text(): int(pid) for pid in ids}

    def assert_nothing_left(self, children: dict[str, int]) -> None:
        self.assertEqual([], [pid for pid in children.values() if Path(f"/proc/{pid}").exists()])
        self.assertEqual([], os.listdir(self.place.name))

    def test_a_person_can_sign_in_see_the_page_and_sign_out(self) -> None:
        process = self.start("--check")
        said, _ = process.communicate()
        self.assertEqual(0, process.returncode, said)
        self.assert_nothing_left({})

    def test_a_signal_ends_everything_and_leaves_nothing(self) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signum.name):
                process, children = self.running()
                process.send_signal(signum)
                self.assertEqual(0, process.wait())
                self.assert_nothing_left(children)

    def test_a_child_that_dies_is_named_with_the_end_of_its_log(self) -> None:
        process, children = self.running()
        gate = next(pid for command, pid in children.items() if "deploy/sessiongate.yaml" in command)
        os.kill(gate, signal.SIGKILL)
        said, _ = process.communicate()
        self.assertIn("sessiongate ended by itself, killed by SIGKILL.\nThe end of its log", said)
        self.assertEqual(1, process.returncode)
        self.assert_nothing_left(children)

    def test_a_taken_port_is_named_with_its_use_and_a_way_out(self) -> None:
        for name, use in USES.items():
            with self.subTest(name), socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
                process = self.start(**{use.variable: str(port)})
                said, _ = process.communicate()
                self.assertIn(f"Port {port}, for {use.purpose}, cannot be used: Address already", said)
                self.assertRegex(said, re.escape(use.variable) + r"=\d+ make demo")
                self.assertEqual(1, process.returncode)

    def test_a_child_that_ignores_the_request_to_end_is_killed(self) -> None:
        family = Family(logs=Path(self.place.name), end_within=0.2)
        program = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)"
        family.start("deaf", [sys.executable, "-c", f"{program}; time.sleep(600)"], environment())
        while "deaf" not in family.log("deaf").read_text():
            family.check()
        family.end()
        self.assertEqual(-signal.SIGKILL, family.children[0].process.returncode)


if __name__ == "__main__":
    unittest.main()
