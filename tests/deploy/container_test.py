"""The container image: what its Dockerfile says, and the same image made by hand, run as strictly as an engine can."""

import fnmatch
import http.server
import json
import os
import queue
import re
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import tomllib
import unittest
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import certificates
from container import DOCKERFILE, container, make_image
from asking import asking_envoy, free_ports
from names import NameServer
from places import BINARY, ROOT, TOOLS

SECRET = "k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga"
HOST = "keys.prod.svc.cluster.local"
KEYS = {"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256",
                  "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                  "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}
CONFIGURATION = """
listen: {{ grpc: "0.0.0.0:{grpc}", admin: "127.0.0.1:{admin}", drain_delay: 0s }}
sessions:
  web: {{ kind: authjs, secret_file: auth-secret }}
  machine:
    kind: jwt
    issuer: https://issuer.example.com
    audience: [orders]
    algorithms: [ES256]
    jwks: https://keys:{keys}/keys
"""


def setUpModule() -> None:
    if os.getuid():
        raise RuntimeError("an image can be tried by root alone: it takes mounts, as a container engine does")


class Written(unittest.TestCase):
    def test_hadolint_finds_nothing_and_is_told_to_overlook_nothing(self):
        for file in sorted(ROOT.glob("deploy/**/*Dockerfile")):
            with self.subTest(file.relative_to(ROOT)):
                command = [TOOLS / "deploy/bin/hadolint", "--no-color", file]
                done = subprocess.run(command, capture_output=True, text=True)
                self.assertEqual((0, ""), (done.returncode, done.stdout + done.stderr))
                self.assertNotIn("hadolint ignore", file.read_text())

    def test_it_is_the_image_that_is_promised(self):
        self.assertEqual("gcr.io/distroless/cc-debian12:nonroot", DOCKERFILE.base(-1).partition("@")[0])
        self.assertEqual("65532:65532", DOCKERFILE.last("USER"))
        self.assertEqual(["/usr/bin/sessiongate"], DOCKERFILE.command("ENTRYPOINT"))
        self.assertEqual(["serve"], DOCKERFILE.command("CMD"))
        self.assertEqual(["/usr/bin/sessiongate", "health"], DOCKERFILE.command("HEALTHCHECK"))

    def test_it_is_built_by_the_compiler_and_named_by_the_version_of_the_manifest(self):
        package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
        self.assertRegex(DOCKERFILE.base(0), rf"^rust:{re.escape(package['rust-version'])}\.\d+-slim-bookworm")
        self.assertIn(f"VERSION={package['version']}", DOCKERFILE.all("ARG"))
        self.assertEqual(package["license"], DOCKERFILE.labels()["org.opencontainers.image.licenses"])

    def test_nothing_enters_the_build_but_what_is_copied(self):
        copied = {word for rest in DOCKERFILE.all("COPY", 0) for word in rest.split()[:-1]}
        copied |= {source for source, _, stage in DOCKERFILE.copied() if not stage}
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        files = [Path(line) for line in listed.splitlines()]
        wanted = {file for file in files if any(file.is_relative_to(path) for path in copied)}
        self.assertGreater(len(wanted), 100)
        patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
        self.assertEqual(wanted, {file for file in files if enters(file, patterns)})
        self.assertFalse(enters(Path(".env"), patterns) or enters(Path("target/release/sessiongate"), patterns))


def enters(file: Path, patterns: list[str]) -> bool:
    """Whether .dockerignore lets a file in: the last pattern that it, or a folder of it, is like decides."""
    names = [file, *list(file.parents)[:-1]]
    alike = [pattern for pattern in patterns if any(like(name, pattern.lstrip("!")) for name in names)]
    return not alike or alike[-1].startswith("!")


def like(name: Path, pattern: str) -> bool:
    parts = pattern.split("/")
    return len(parts) == len(name.parts) and all(map(fnmatch.fnmatch, name.parts, parts))


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory(prefix="sessiongate-image-")
        cls.addClassCleanup(place.cleanup)
        cls.place = Path(place.name)
        cls.image = cls.place / "image"
        cls.image.mkdir()
        make_image(cls.image)
        say_what_is_in(cls.image)
        cls.authority, certificate, key = certificates.authority_and_server("keys")
        (cls.place / "keys.pem").write_bytes(certificate + key)

    def test_no_other_program_is_in_the_image(self):
        programs = {path for path in self.image.rglob("*") if path.is_file() and os.access(path, os.X_OK)}
        # Scripts are nothing without a shell.
        binaries = {path.name for path in programs if path.read_bytes()[:4] == b"\x7fELF" and ".so" not in path.name}
        self.assertEqual({"sessiongate"}, binaries)

    def setUp(self):
        self.ports = dict(zip(("grpc", "admin", "keys", "edge"), free_ports(4)))
        self.mounts = {}
        self.mount("/etc/sessiongate/sessiongate.yaml", CONFIGURATION.format(**self.ports))
        self.mount("/etc/sessiongate/auth-secret", SECRET)
        self.mount("/etc/hosts", "127.0.0.1 localhost\n")
        self.names = self.enterContext(NameServer({HOST: "127.0.0.1"}))
        self.mount("/etc/resolv.conf", f"nameserver {self.names.address}\n"
                   "search prod.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5 timeout:1\n")

    def mount(self, place: str, content: str) -> None:
        file = self.place / place.replace("/", "_")
        file.write_text(content)
        self.mounts[place] = file

    def start(self, command: list[str] | None = None):
        started = container(self.image, self.mounts, command)
        self.addCleanup(started.close)
        return started

    def health(self) -> tuple[int, str]:
        return self.start(DOCKERFILE.command("HEALTHCHECK")).wait()

    def serve(self):
        server = self.start()
        server.hear('"serving"')
        return server

    def test_it_serves_without_rights_and_without_a_disk_to_write_to_until_it_is_told_to_stop(self):
        before = state(self.image)
        self.assertEqual(1, self.health()[0], "nothing runs yet")
        server = self.serve()
        status = Path(f"/proc/{server.pid()}/status").read_text()
        for expected in ("Uid:\t65532\t65532\t65532\t65532", "Gid:\t65532\t65532\t65532\t65532", "Groups:\t \n",
                         "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"):
            self.assertIn(expected, status)
        roots = [line.split() for line in Path(f"/proc/{server.pid()}/mountinfo").read_text().splitlines()]
        self.assertEqual([True], [row[5].startswith("ro") for row in roots if row[4] == "/"])

        edge = self.enterContext(asking_envoy(self.ports["edge"], self.ports["grpc"]))
        self.assertEqual(401, edge.get("/orders"))
        token = subprocess.run([BINARY, "token", "encode", '{"sub": "42"}'], env={"AUTH_SECRET": SECRET},
                               capture_output=True, text=True, check=True).stdout.strip()
        self.assertEqual(200, edge.get("/orders", cookie=f"authjs.session-token={token}"))
        self.assertEqual((0, "serving\n"), self.health())

        server.send(signal.SIGTERM)
        code, log = server.wait()
        self.assertEqual(0, code, log)
        code, told = self.health()
        self.assertEqual((1, True), (code, "cannot connect" in told), told)
        self.assertEqual(before, state(self.image))

    def test_names_are_found_as_in_kubernetes_and_servers_trusted_by_the_certificates_of_the_image(self):
        keys = self.enterContext(KeyServer(self.ports["keys"], self.place / "keys.pem"))
        bundle = (self.image / "etc/ssl/certs/ca-certificates.crt").read_text()
        self.assertGreater(bundle.count("BEGIN CERTIFICATE"), 100)
        server = self.serve()
        keys.await_word("TLSV1_ALERT_UNKNOWN_CA")
        self.assertEqual(503, self.readiness())
        self.assertIn(HOST, self.names.asked)
        server.close()

        self.mount("/etc/ssl/certs/ca-certificates.crt", bundle + self.authority.decode())
        server = self.serve()
        keys.await_word("/keys")
        polled = time.monotonic() + 20
        while (found := self.readiness()) != 200 and time.monotonic() < polled:
            time.sleep(0.1)
        self.assertEqual(200, found, "\n".join(server.lines))

    def readiness(self) -> int:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.ports['admin']}/readyz", timeout=20).status
        except urllib.error.HTTPError as error:
            return error.code


def say_what_is_in(image: Path) -> None:
    """How much, by kind; a debug build is several times as large as what is released."""
    sizes = Counter()
    for path in image.rglob("*"):
        if path.is_file() and not path.is_symlink():
            sizes[kind(path.relative_to(image))] += path.stat().st_size
    build = "debug" if "debug" in BINARY.parts else "release"
    print(f"\nThe image, with a {build} build of the binary:")
    for name, size in [*sizes.most_common(), ("all", sizes.total())]:
        print(f"  {name:<28}{size / 2**20:8.2f} MiB")


def kind(path: Path) -> str:
    return next((name for start, name in {
        "usr/bin/sessiongate": "the binary",
        "usr/share/zoneinfo": "time zones",
        "usr/share/ca-certificates": "certificates of authorities",
        "etc/ssl": "certificates of authorities",
        "usr/share": "licences and descriptions",
        "lib": "libraries",
        "usr/lib": "libraries",
    }.items() if path.is_relative_to(start)), "other")


def state(root: Path) -> dict[str, tuple]:
    """Every file, with what would tell of a change."""
    found = {}
    for path in [root, *root.rglob("*")]:
        stat = path.lstat()
        found[str(path)] = stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
    return found


class KeyServer:
    """Answers every GET over TLS with the keys, and tells of each what came: its path, or why there was none."""

    def __init__(self, port: int, pem: Path) -> None:
        came = self._came = queue.SimpleQueue()

        class Listening(http.server.ThreadingHTTPServer):
            def get_request(self):
                try:
                    return super().get_request()
                except ssl.SSLError as error:
                    came.put(error.reason)
                    raise

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self._server = Listening(("127.0.0.1", port), _Keys)
        self._server.came = came
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def await_word(self, word: str) -> None:
        """Waits until this came; queue.Empty where nothing does for 20 s."""
        while self._came.get(timeout=20) != word:
            pass

    def __enter__(self) -> "KeyServer":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Keys(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.came.put(self.path)
        body = json.dumps(KEYS).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    unittest.main()
