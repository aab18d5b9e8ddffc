"""The Helm chart: what it makes of a matrix of values, and what it refuses."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import charts  # noqa: I001  (knows where tools/ is)
import chart_readme
import chart_schema
import jsonschema
import yaml

import golden
import together
from objects import documents, validate
from places import BINARY, ROOT

# Objects that a namespace has before; the values of the matrix name them.
ELSEWHERE = {("Secret", name) for name in ("app", "gate-certificate", "proxies-authority", "registry")}
# What cert-manager will make.
ELSEWHERE |= {("Secret", "sessiongate-tls")}
SECRET = "secret.data.AUTH_SECRET=hQ2vN8xKzR5tYbW1mLpJcDgFsAeU7i3o"


class Chart(unittest.TestCase):
    def test_the_matrix_of_values_makes_what_it_made(self):
        for name in charts.MATRIX:
            with self.subTest(name):
                golden.compare(f"chart/{name}.yaml", charts.render(name))

    def test_every_supported_kubernetes_takes_it_and_its_parts_fit_together(self):
        for name in charts.MATRIX:
            with self.subTest(name):
                objects = documents(charts.render(name))
                validate("deploy/helm", objects)
                self.assertEqual(together.loose_ends(objects, ELSEWHERE), [])

    def test_names_that_yaml_reads_as_something_else_stay_names(self):
        settings = [
            "secret.existing=1234", "secret.keys={yes,AUTH_SECRET}", "fullnameOverride=no", "priorityClassName=1e3",
            "commonLabels.a=on",
        ]
        words = [word for setting in settings for word in ("--set-string", setting)]
        done = charts.helm("template", "on", charts.CHART, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        objects = documents(done.stdout)
        validate("deploy/helm", objects)
        self.assertEqual(together.loose_ends(objects, {("Secret", "1234")}), [])

    def test_lint_finds_nothing(self):
        for name in charts.MATRIX:
            with self.subTest(name):
                done = charts.helm("lint", "--strict", charts.CHART, "--values", charts.values(name))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_pod_of_helm_test_is_not_found_by_the_service(self):
        objects = documents(charts.render("smallest"))
        service = next(item for item in objects if item["kind"] == "Service")
        pod = next(item for item in objects if item["kind"] == "Pod")
        self.assertFalse(service["spec"]["selector"].items() <= pod["metadata"]["labels"].items())

    def test_a_change_of_what_is_followed_keeps_the_pods_and_one_of_listen_replaces_them(self):
        def template(*settings: str) -> dict:
            objects = documents(charts.render("own-secret", *settings))
            return next(item for item in objects if item["kind"] == "Deployment")["spec"]["template"]

        before = template()
        for setting, is_replaced in {
            "config.login.url=/other": False,
            "config.listen.drain_timeout=12s": True,
            "config.listen.limits.checks=7": True,
            "listen.http.enabled=true": True,
            "secret.data.REDIS_PASSWORD=another": True,
        }.items():
            with self.subTest(setting):
                self.assertEqual(before != template(setting), is_replaced)

    def test_it_has_as_long_to_end_as_draining_takes(self):
        for settings, seconds in [
            ([], 25),
            (["config.listen.drain_delay=1m 500ms", "config.listen.drain_timeout=2min"], 246),
            (["config.listen.drain_delay=null", "config.listen.drain_timeout=null", "preStopSeconds=4"], 21),
            (["terminationGracePeriodSeconds=600", "config.listen.drain_delay=2 days"], 600),
        ]:
            with self.subTest(settings):
                objects = documents(charts.render("smallest", *settings))
                pod = next(item for item in objects if item["kind"] == "Deployment")["spec"]["template"]["spec"]
                self.assertEqual(pod["terminationGracePeriodSeconds"], seconds)

    def test_the_notes_say_how_a_proxy_is_told_to_ask(self):
        for name in ("smallest", "everything"):
            done = charts.helm(
                "install", "sessiongate", charts.CHART, "--dry-run=client", "--namespace", "sessiongate",
                "--values", charts.values(name), "--set", "config.forward_auth.trusted_proxies=null",
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            golden.compare(f"chart/{name}.notes.txt", done.stdout.partition("\nNOTES:\n")[2])

    def test_providers_are_asked_in_the_order_that_was_said(self):
        objects = documents(charts.render("everything"))
        text = next(item for item in objects if item["kind"] == "ConfigMap")["data"]["sessiongate.yaml"]
        self.assertEqual(list(yaml.safe_load(text)["sessions"]), ["web", "machine", "legacy"])


class Refused(unittest.TestCase):
    def test_what_would_not_work_is_refused_with_a_word_on_what_to_change(self):
        for settings, told in [
            ([], "secret: set secret.existing, the Secret with the AUTH_SECRET of your application"),
            (["secret.data.AUTH_SECRET="], "secret.data.AUTH_SECRET is empty"),
            (["secret.data.AUTH_SECRET=short"], "under 16 bytes"),
            (["secret.data.AUTH_SECRET=hQ2vN8xKzR5tYbW1mLpJcDgFsAeU7i3o\nshort"], "under 16 bytes"),
            ([SECRET, "secret.existing=app"], "secret.existing stands beside secret.data"),
            ([SECRET, "listen.admin.secretKey=ADMIN"], "secret.data.ADMIN"),
            (["secret.existing=app", "secret.keys={OTHER}"], "secret.keys: AUTH_SECRET is not among them"),
            ([SECRET, "config.login.url=${LOGIN}"], "${LOGIN} comes from nowhere"),
            ([SECRET, "image.repository="], "image.repository: say where the image of sessiongate is"),
            ([SECRET, "config.lisen.grpc=x"], "at '/config': additional properties 'lisen' not allowed"),
            ([SECRET, "config.rules[0].acces=public"], "at '/config/rules/0': additional properties 'acces'"),
            ([SECRET, "config.rules[0].access=everyone"], "at '/config/rules/0/access'"),
            ([SECRET, "config.listen.limits.checks=many"], "at '/config/listen/limits/checks'"),
            ([SECRET, "config.listen.grpc=0.0.0.0:1"], "config.listen.grpc is set by this chart"),
            ([SECRET, "config.listen.drain_delay=2 days"], "cannot be made of config.listen.drain_delay"),
            ([SECRET, "config.sessions.a.kind=jwt", "config.sessions.b.kind=jwt"], "sessionOrder: name each"),
            ([SECRET, "sessionOrder={web}"], "sessionOrder: name each"),
            ([SECRET, "config=null"], "missing property 'config'"),
            ([SECRET, "replicas=0"], "at '/replicas': minimum"),
            ([SECRET, "replica=3"], "additional properties 'replica' not allowed"),
            ([SECRET, "image.tga=1.0.0"], "at '/image': additional properties 'tga' not allowed"),
            ([SECRET, "image.digest=sha256:abc"], "at '/image/digest'"),
            ([SECRET, "autoscaling.enabled=true", "autoscaling.maxReplicas=1"], "autoscaling.maxReplicas is less"),
            ([SECRET, "podDisruptionBudget.minAvailable=2"], "no node could ever be drained"),
            ([SECRET, "podDisruptionBudget.maxUnavailable=0"], "no node could ever be drained"),
            ([SECRET, "terminationGracePeriodSeconds=10"], "ending takes up to 20 seconds"),
            ([SECRET, "networkPolicy.enabled=true"], "networkPolicy.proxies: name the proxies"),
            ([SECRET, "tls.enabled=true"], "tls: set tls.existingSecret"),
            ([SECRET, "tls.existingSecret=x"], "tls.enabled is false"),
            ([SECRET, "tls.enabled=true", "tls.certManager.enabled=true"], "issuerRef: name the issuer"),
            (
                [SECRET, "tls.enabled=true", "tls.existingSecret=x", "tls.certManager.enabled=true"],
                "tls.existingSecret stands beside",
            ),
            (
                [SECRET, "tls.enabled=true", "tls.existingSecret=x", "listen.admin.enabled=false"],
                "listen.admin.enabled: with TLS",
            ),
            ([SECRET, "probes.readiness=readyz", "listen.admin.enabled=false"], "listen.admin.enabled"),
            ([SECRET, "probes.readiness=always"], "at '/probes/readiness'"),
        ]:
            with self.subTest(settings):
                done = charts.template(None, *settings)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(told, done.stderr)
                self.assertNotIn("hQ2vN8xKzR5t", done.stderr)


class Made(unittest.TestCase):
    def test_the_schema_is_made_of_the_values_and_of_the_schema_of_the_configuration(self):
        printed = subprocess.run([BINARY, "schema"], check=True, capture_output=True, text=True).stdout
        made = chart_schema.made(json.loads(printed))
        again = "run python3 tools/chart_schema.py target/debug/sessiongate"
        self.assertEqual(chart_schema.SCHEMA.read_text(), made, again)

    def test_the_schema_is_one_that_helm_3_can_read(self):
        schema = json.loads(chart_schema.SCHEMA.read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        validator = jsonschema.Draft7Validator(schema)
        defaults = yaml.safe_load((charts.CHART / "values.yaml").read_text())
        for name in charts.MATRIX:
            validator.validate(merged(defaults, yaml.safe_load(charts.values(name).read_text())))

    def test_the_readme_is_made_of_the_values(self):
        readme = chart_readme.README.read_text()
        self.assertEqual(readme, chart_readme.made(readme), "run python3 tools/chart_readme.py")

    def test_alerts_and_dashboard_are_those_of_the_repository(self):
        alerts = (ROOT / "deploy/prometheus/sessiongate.rules.yaml").read_text()
        dashboard = (ROOT / "deploy/grafana/sessiongate.json").read_text()
        for copy, original in {"sessiongate.rules.yaml": alerts, "sessiongate.json": dashboard}.items():
            self.assertEqual((charts.CHART / "files" / copy).read_text(), original, f"copy {copy} anew")
        rendered = documents(charts.render("everything"))
        rules = next(item for item in rendered if item["kind"] == "PrometheusRule")
        self.assertEqual(rules["spec"], yaml.safe_load(alerts))
        board = next(item for item in rendered if item["metadata"]["name"].endswith("-dashboard"))
        self.assertEqual(json.loads(board["data"]["sessiongate.json"]), json.loads(dashboard))

    def test_it_runs_the_version_of_the_crate_and_its_package_makes_the_same_objects(self):
        version = yaml.safe_load((charts.CHART / "Chart.yaml").read_text())["appVersion"]
        self.assertIn(f'\nversion = "{version}"\n', (ROOT / "Cargo.toml").read_text())
        with tempfile.TemporaryDirectory() as folder:
            charts.helm("package", charts.CHART, "--destination", folder)
            (package,) = Path(folder).iterdir()
            self.assertEqual(charts.template("everything", chart=package).stdout, charts.render("everything"))

def merged(defaults: object, given: object) -> object:
    """As Helm does it."""
    if not isinstance(defaults, dict) or not isinstance(given, dict):
        return given
    return defaults | {key: merged(defaults.get(key), value) for key, value in given.items()}


if __name__ == "__main__":
    unittest.main()
