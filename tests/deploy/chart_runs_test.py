"""The pods of the Helm chart really run: the server, asked as its probes do, changed and ended, and `helm test`."""

import unittest

import certificates
import charts
from objects import documents
from pod import Container, Pod

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
SECRETS = {"AUTH_SECRET": "hQ2vN8xKzR5tYbW1mLpJcDgFsAeU7i3o", "ADMIN_SECRET": "wB6nTqXe0ZrVu4yHkMj8SfPdLaC2oGi9"}
NEWER = "Zr4yHkMj8SfPdLaC2oGi9wB6nTqXe0Vu"
QUICKLY = ("config.listen.drain_delay=100ms", "config.listen.drain_timeout=5s")


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        authority, certificate, key = certificates.authority_and_server("sessiongate", "sessiongate.sessiongate.svc")
        tls = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority}
        # What the namespace has before the chart, and what cert-manager makes.
        cls.given = [
            certificates.secret("app", SECRETS),
            certificates.secret("gate-certificate", tls),
            certificates.secret("sessiongate-tls", tls),
            certificates.secret("proxies-authority", {"ca.crt": authority}),
            certificates.secret("more", {"NEXTAUTH_SECRET": NEWER, "JWT_SECRET": NEWER[::-1]}),
        ]

    def rendered(self, name: str, *settings: str) -> tuple[list[dict], Pod, dict]:
        """The objects, the pod of the Deployment, and its container."""
        objects = documents(charts.render(name, *settings))
        deployment = next(item for item in objects if item["kind"] == "Deployment")
        spec = deployment["spec"]["template"]["spec"]
        pod = self.enterContext(Pod(spec, objects + self.given))
        return objects, pod, next(one for one in spec["containers"] if one["name"] == "sessiongate")

    def test_the_configuration_of_every_combination_is_right_with_its_environment_and_its_files(self):
        for name in charts.MATRIX:
            with self.subTest(name):
                objects, pod, _ = self.rendered(name)
                if "vault" in pod.volumes:
                    (pod.volumes["vault"] / "secret").write_text(SECRETS["AUTH_SECRET"])
                checks = next(item for item in objects if item["kind"] == "Pod")["spec"]["initContainers"][0]
                code, printed = pod.run(checks)
                self.assertEqual((code, printed), (0, "The configuration is valid."))

    def test_it_starts_is_found_well_and_ends_in_time(self):
        for name in ("smallest", "certificate-of-ours", "tls-for-any-client", "everything"):
            with self.subTest(name):
                objects, pod, container = self.rendered(name, *QUICKLY)
                server = self.started(pod, container)
                for probe in PROBES:
                    self.assertTrue(pod.answers(container[probe], container), probe)
                self.assert_admin_is_closed_but_to_who_knows(pod, container, name == "everything")
                asks = next(item for item in objects if item["kind"] == "Pod")["spec"]["containers"][0]
                self.assertEqual(pod.run(asks), (0, "serving"))
                server.terminate()
                self.assertEqual(server.wait(pod.spec["terminationGracePeriodSeconds"]), 0)
                self.assertNotEqual(pod.run(asks)[0], 0, "`helm test` would pass without a server")

    def test_another_configuration_and_another_secret_are_at_work_without_a_restart(self):
        objects, pod, container = self.rendered("smallest", *QUICKLY)
        server = self.started(pod, container)
        changed = documents(charts.render("smallest", *QUICKLY, "config.login.url=/elsewhere"))
        pod.replace(next(item for item in changed if item["kind"] == "ConfigMap"))
        server.hear("the configuration was loaded")
        self.assertIn("/elsewhere", self.configuration(pod))
        server.lines.clear()
        pod.replace(certificates.secret("app", {"AUTH_SECRET": f"{NEWER}\n{SECRETS['AUTH_SECRET']}"}))
        server.hear("the configuration was loaded")
        server.lines.clear()
        pod.replace(certificates.secret("app", {"AUTH_SECRET": "short"}))
        server.hear("under 16 it can be guessed")
        self.assertIn("/elsewhere", self.configuration(pod))

    def started(self, pod: Pod, container: dict) -> Container:
        server = pod.start(container)
        server.hear("serving")
        return server

    def configuration(self, pod: Pod) -> str:
        return pod.get("http://127.0.0.1:9193/config", authorization=f"Bearer {pod.uid}")[1]

    def assert_admin_is_closed_but_to_who_knows(self, pod: Pod, container: dict, has_secret: bool) -> None:
        port = next(port["containerPort"] for port in container["ports"] if port["name"] == "admin")
        password = SECRETS["ADMIN_SECRET"] if has_secret else pod.uid
        for path in ("config", "explain"):
            url = f"http://127.0.0.1:{port}/{path}"
            self.assertEqual(pod.get(url)[0], 401)
            self.assertEqual(pod.get(url, authorization=f"Bearer {password}")[0], 200)
        self.assertEqual(pod.get(f"http://127.0.0.1:{port}/metrics")[0], 200)


if __name__ == "__main__":
    unittest.main()
