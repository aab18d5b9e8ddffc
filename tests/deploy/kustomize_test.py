"""The overlays of deploy/kubernetes: built, valid, whole, and running, Envoy beside sessiongate in one pod."""

import base64
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import golden
import pod_security
import together
from objects import documents, validate
from places import BINARY, KUBECTL, ROOT
from pod import Pod

AUTH_SECRET = "hQ2vN8xKzR5tYbW1mLpJcDgFsAeU7i3o"
REVOCATION_SECRET = "wB6nTqXe0ZrVu4yHkMj8SfPdLaC2oGi9"
# The files that a user makes of the examples beside them.
SECRETS = {
    "shared-service/secret.env": f"AUTH_SECRET={AUTH_SECRET}\n",
    "sidecar/secret.env": f"AUTH_SECRET={AUTH_SECRET}\n",
    "with-redis/redis.env": f"REDIS_PASSWORD=5f4dcc3b5aa765d6\nREVOCATION_SECRET={REVOCATION_SECRET}\n",
}
OVERLAYS = ("shared-service", "sidecar", "with-redis")
# An application that says who the gate says is calling.
APPLICATION = """
import http.server
class Application(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello {self.headers['x-auth-user-id']}".encode())
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 3000), Application)
print("ready", flush=True)
server.serve_forever()
"""


class Kustomize(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "kubernetes"
        shutil.copytree(ROOT / "deploy/kubernetes", cls.folder, ignore=shutil.ignore_patterns("*.env"))
        cls.refused = {overlay: cls.build(overlay) for overlay in OVERLAYS}
        for name, content in SECRETS.items():
            (cls.folder / "overlays" / name).write_text(content)
        cls.built = {}
        for overlay in OVERLAYS:
            done = cls.build(overlay)
            assert done.returncode == 0, done.stderr
            cls.built[overlay] = documents(done.stdout), done.stdout

    @classmethod
    def build(cls, overlay: str) -> subprocess.CompletedProcess:
        return subprocess.run([KUBECTL, "kustomize", cls.folder / "overlays" / overlay], capture_output=True, text=True)

    def test_nothing_is_built_without_secrets_and_none_is_in_the_tree(self):
        for overlay, done in self.refused.items():
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, r"(secret|redis)\.env: no such file", overlay)
        kept = subprocess.run(["git", "ls-files", "deploy/kubernetes"], cwd=ROOT, capture_output=True, text=True).stdout
        self.assertNotRegex(kept, r"\.env\n")
        for name in SECRETS:
            example = (ROOT / "deploy/kubernetes/overlays" / f"{name}.example").read_text()
            keys = [line.partition("=") for line in example.splitlines() if not line.startswith("#")]
            self.assertEqual([key for key, *_ in keys], [line.partition("=")[0] for line in SECRETS[name].splitlines()])
            self.assertEqual({value for *_, value in keys}, {""})

    def test_each_overlay_builds_what_it_built(self):
        for overlay, (_, text) in self.built.items():
            with self.subTest(overlay):
                parts = [part for part in text.split("---\n") if "\nkind: Secret\n" not in part]
                golden.compare(f"kubernetes/{overlay}.yaml", "---\n".join(parts))

    def test_every_supported_kubernetes_takes_it_and_its_parts_fit_together(self):
        for overlay, (objects, _) in self.built.items():
            with self.subTest(overlay):
                validate(f"deploy/kubernetes/overlays/{overlay}", objects)
                self.assertEqual(together.loose_ends(objects), [])

    def test_each_configuration_is_right_and_the_server_well_and_ends_in_time(self):
        for overlay in ("shared-service", "sidecar"):
            with self.subTest(overlay):
                pod, container = self.pod(overlay)
                validates = {**container, "args": ["validate", *container["args"][1:]]}
                self.assertEqual(pod.run(validates), (0, "The configuration is valid."))
                server = pod.start(container)
                server.hear("serving")
                for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                    if probe in container:
                        self.assertTrue(pod.answers(container[probe], container), probe)
                server.terminate()
                # Who asks again does not want to wait.
                server.hear("draining")
                server.terminate()
                self.assertEqual(server.wait(pod.spec["terminationGracePeriodSeconds"]), 0)
                self.assertFalse(pod.answers(container["startupProbe"], container))

    def test_in_the_sidecar_envoy_asks_sessiongate_over_the_socket(self):
        pod, gate = self.pod("sidecar")
        envoy = next(one for one in pod.spec["containers"] if one["name"] == "envoy")
        code, printed = pod.run({**envoy, "args": [*envoy["args"], "--mode", "validate"]})
        self.assertEqual(code, 0, printed)
        self.assertIn("OK", printed)
        pod.start(gate).hear("serving")
        command = pod.inside(sys.executable, "-c", APPLICATION)
        application = self.enterContext(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        self.addCleanup(application.kill)
        self.assertEqual(application.stdout.readline(), "ready\n")
        pod.start({**envoy, "args": [*envoy["args"][:-1], "info"]}).hear("starting main dispatch loop")
        self.assertTrue(pod.answers(envoy["readinessProbe"], envoy))
        page = "http://127.0.0.1:8080/orders"
        self.assertEqual(pod.get(page)[0], 401)
        self.assertEqual(pod.get(page, accept="text/html")[0], 307)
        cookie = f"authjs.session-token={self.token()}"
        self.assertEqual(pod.get(page, cookie=cookie), (200, "hello 42\n"))
        self.assertEqual(pod.get(page, cookie=cookie[:-9] + "tampered-")[0], 401)
        sign_in = "http://127.0.0.1:8080/api/auth/signin"
        self.assertEqual(pod.get(sign_in, x_auth_user_id="1"), (200, "hello None\n"))

    def test_with_redis_sessions_are_ended(self):
        objects = self.built["with-redis"][0]
        redis = next(item for item in objects if item["kind"] == "StatefulSet")["spec"]["template"]["spec"]
        spec, gate = self.container("with-redis")
        # One network for both pods, in which each finds the other by the name of its Service.
        volumes = [*spec["volumes"], {"name": "data", "emptyDir": {}}]
        pod = self.enterContext(Pod({**spec, "volumes": volumes}, objects))
        pod.start(redis["containers"][0]).hear("Ready to accept connections")
        server = pod.start(gate)
        server.hear("serving")
        configuration = gate["args"][1:]
        token = self.token()
        code, printed = pod.run({**gate, "args": ["revoke", "--sub", "42", *configuration]})
        self.assertEqual(code, 0, printed)
        self.assertTrue(pod.answers({"httpGet": {"path": "/readyz", "port": "admin"}}, gate))
        asks = ["check", "GET", "https://app.example.com/x", "--cookie", f"authjs.session-token={token}"]
        code, printed = pod.run({**gate, "args": [*asks, *configuration]})
        self.assertEqual(code, 3, printed)
        self.assertIn("revoked", printed)

    def pod(self, overlay: str) -> tuple[Pod, dict]:
        spec, container = self.container(overlay)
        return self.enterContext(Pod(spec, self.built[overlay][0])), container

    def container(self, overlay: str) -> tuple[dict, dict]:
        """The specification of the pod with sessiongate, and its container."""
        for item in self.built[overlay][0]:
            if item["kind"] == "Deployment":
                spec = item["spec"]["template"]["spec"]
                return spec, next(one for one in pod_security.containers(spec) if one["name"] == "sessiongate")
        raise LookupError(overlay)

    def token(self) -> str:
        environment = {"AUTH_SECRET": AUTH_SECRET}
        command = [BINARY, "token", "encode", '{"sub": "42"}']
        done = subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()


if __name__ == "__main__":
    unittest.main()
