"""The systemd unit: what systemd says of it, and the binary under its restrictions, made without systemd."""

import errno
import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.request
from collections import defaultdict
from pathlib import Path

from container import Confined
from asking import asking_envoy, free_ports
from places import BINARY, ROOT
from seccomp_filter import allowed_calls

FOLDER = ROOT / "deploy/systemd"
UNIT = FOLDER / "sessiongate.service"
# systemd's own measure, from 0 to 10. What is left is the network, which it is there for.
EXPOSURE_LIMIT = 1.2
SECRET = "k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga"
# One of those that systemd gives to DynamicUser=yes.
USER = 61234
KILLED_BY_THE_FILTER = -signal.SIGSYS


def settings() -> dict[str, list[str]]:
    """The lines of the unit by key, in their order."""
    found = defaultdict(list)
    for line in UNIT.read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


SETTINGS = settings()
[COMMAND] = SETTINGS["ExecStart"]
CONFIGURATION = Path(COMMAND.split()[-1])
CREDENTIAL, SOURCE = SETTINGS["LoadCredential"][0].split(":")


def setUpModule() -> None:
    if os.getuid():
        raise RuntimeError("the unit's restrictions can be tried by root alone: they take mounts, as systemd does")


class Unit(unittest.TestCase):
    def setUp(self):
        self.place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        said = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
        self.version = int(said.split()[1])
        self.unit = self.place / UNIT.name
        self.unit.write_text(UNIT.read_text().replace("/usr/bin/sessiongate", str(BINARY)))
        if self.version < 253:
            (self.place / f"{UNIT.name}.d").mkdir()
            (self.place / f"{UNIT.name}.d/before-253.conf").write_text((FOLDER / "before-253.conf").read_text())

    def analyze(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(["systemd-analyze", *arguments, self.unit], capture_output=True, text=True)
        said = (done.stdout + done.stderr).splitlines()
        known = [line for line in said if self.version < 253 and line.endswith("service type, ignoring: notify-reload")]
        return done.returncode, "\n".join(line for line in said if line not in known)

    def test_systemd_reads_all_of_it_and_has_nothing_to_say(self):
        self.assertEqual((0, ""), self.analyze("verify", "--man=no"))
        self.unit.write_text(self.unit.read_text().replace("ProtectHome", "ProtectHouse"))
        self.assertIn("ProtectHouse", self.analyze("verify", "--man=no")[1])

    def test_it_is_as_little_exposed_as_a_server_can_be(self):
        code, said = self.analyze("security", "--offline=true", f"--threshold={EXPOSURE_LIMIT * 10:.0f}", "--no-pager")
        [line] = [line for line in said.splitlines() if "Overall exposure level" in line]
        print(f"\n{line.strip('→ ')}")
        self.assertEqual(0, code, said)
        self.assertLessEqual(float(re.search(r": (\d+\.\d+) ", line)[1]), EXPOSURE_LIMIT)

    def test_it_runs_the_configuration_beside_it_with_the_secret_that_it_hands_over(self):
        self.assertEqual(Path("/etc") / SETTINGS["ConfigurationDirectory"][0], CONFIGURATION.parent)
        self.assertEqual(CONFIGURATION.parent, Path(SOURCE).parent)
        (self.place / CREDENTIAL).write_text(SECRET)
        done = subprocess.run([BINARY, "validate", "--config", FOLDER / CONFIGURATION.name], capture_output=True,
                              text=True, env={"CREDENTIALS_DIRECTORY": str(self.place)})
        self.assertEqual((0, "The configuration is valid.\n", ""), (done.returncode, done.stdout, done.stderr))


class Run(unittest.TestCase):
    def setUp(self):
        self.place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.place.chmod(0o755)
        self.grpc, self.admin, self.edge = free_ports(3)
        for folder in ("configuration", "credentials", "notify"):
            (self.place / folder).mkdir()
        (self.place / "configuration" / CONFIGURATION.name).write_bytes((FOLDER / CONFIGURATION.name).read_bytes())
        (self.place / "credentials" / CREDENTIAL).write_text(SECRET)
        self.manager = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.manager.bind(str(self.place / "notify/socket"))
        (self.place / "notify/socket").chmod(0o666)
        self.manager.settimeout(20)

    def confined(self, command: list[str], calls: set[str]) -> Confined:
        credentials = f"/run/credentials/{UNIT.name}"
        started = Confined(
            command=command,
            user=USER,
            mounts={
                "/usr/bin/sessiongate": str(BINARY),
                str(CONFIGURATION.parent): str(self.place / "configuration"),
                credentials: str(self.place / "credentials"),
                "/run/notify": str(self.place / "notify"),
            },
            environment={
                "CREDENTIALS_DIRECTORY": credentials,
                "NOTIFY_SOCKET": "/run/notify/socket",
                "SESSIONGATE__LISTEN__GRPC": f"127.0.0.1:{self.grpc}",
                # A name: looking one up asks for a kind of socket that the unit refuses.
                "SESSIONGATE__LISTEN__ADMIN": f"localhost:{self.admin}",
                "SESSIONGATE__LISTEN__DRAIN_DELAY": "0s",
            },
            proc=f"hidepid={SETTINGS['ProtectProc'][0]},subset={SETTINGS['ProcSubset'][0]}",
            filters={
                "calls": sorted(calls),
                "families": SETTINGS["RestrictAddressFamilies"][0].split(),
                "memory": SETTINGS["MemoryDenyWriteExecute"] == ["yes"],
            },
        )
        self.addCleanup(started.close)
        return started

    def heard(self, server: Confined) -> str:
        """The first line of what the service manager hears next."""
        try:
            return self.manager.recv(1024).decode().splitlines()[0]
        except TimeoutError:
            return "\n".join(server.lines)

    def test_it_serves_reloads_and_ends_with_the_calls_and_the_memory_that_the_unit_allows(self):
        calls = allowed_calls(SETTINGS["SystemCallFilter"])
        server = self.confined(COMMAND.split(), calls)
        self.assertEqual("READY=1", self.heard(server))
        status = Path(f"/proc/{server.pid()}/status").read_text()
        for expected in (f"Uid:\t{USER}", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            self.assertIn(expected, status)

        edge = self.enterContext(asking_envoy(self.edge, self.grpc))
        # The origin is https, where Auth.js gives its cookie this name.
        name = "__Secure-authjs.session-token"
        token = subprocess.run([BINARY, "token", "encode", "--cookie", name, '{"sub": "42"}'], capture_output=True,
                               env={"AUTH_SECRET": SECRET}, text=True, check=True).stdout.strip()
        self.assertEqual(401, edge.get("/orders"))
        self.assertEqual(200, edge.get("/orders", cookie=f"{name}={token}"))
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=20).read().decode()
        self.assertIn("process_resident_memory_bytes", metrics)
        asking = self.confined(["/usr/bin/sessiongate", "health", "--config", str(CONFIGURATION)], calls)
        self.assertEqual((0, "serving\n"), asking.wait())

        server.send(signal.SIGHUP)
        self.assertEqual(("RELOADING=1", "READY=1"), (self.heard(server), self.heard(server)))
        self.assertEqual(200, edge.get("/orders", cookie=f"{name}={token}"))
        server.send(signal.SIGTERM)
        self.assertEqual("STOPPING=1", self.heard(server))
        code, log = server.wait()
        self.assertEqual(0, code, log)

    def test_what_is_not_allowed_would_have_been_seen(self):
        allowed = allowed_calls(SETTINGS["SystemCallFilter"])
        writable_code = "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)"
        netlink = "import errno, socket\ntry: socket.socket(socket.AF_NETLINK)\nexcept OSError as e: exit(e.errno)"
        for command, calls, code in (
            (COMMAND.split(), allowed - {"listen"}, KILLED_BY_THE_FILTER),
            (["/usr/bin/python3", "-c", "import os; os.chroot('/')"], allowed, KILLED_BY_THE_FILTER),
            (["/usr/bin/python3", "-c", writable_code], allowed, KILLED_BY_THE_FILTER),
            (["/usr/bin/python3", "-c", netlink], allowed, errno.EAFNOSUPPORT),
        ):
            with self.subTest(command):
                self.assertEqual((code, ""), self.confined(command, calls).wait())


if __name__ == "__main__":
    unittest.main()
