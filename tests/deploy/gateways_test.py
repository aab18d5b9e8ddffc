"""The files for Envoy Gateway, Gateway API, Traefik, nginx and Caddy: valid by their schemas, or by the programs
themselves, fitting each other and the chart, and telling sessiongate all that it has to know."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

import objects
from charts import render
from crds import validator
from objects import documents, validate
from places import ROOT

DEPLOY = ROOT / "deploy"
ENVOY = ROOT / "tests/envoy/envoy_gateway/envoy.yaml"
FOLDERS = ("envoy-gateway", "gateway-api", "traefik", "nginx")
# What is no Kubernetes object.
OTHERS = {"traefik/dynamic.yaml", "traefik/traefik.yaml"}
CHART = documents(render("smallest", "listen.http.enabled=true"))
IDENTITY = [*yaml.safe_load((DEPLOY / "sessiongate.yaml").read_text())["identity"]["headers"]]


def files(folder: str) -> dict[str, list[dict]]:
    found = {f"{folder}/{file.name}": file for file in sorted((DEPLOY / folder).glob("*.yaml"))}
    return {name: documents(file) for name, file in found.items() if name not in OTHERS}


def every() -> list[tuple[str, dict]]:
    return [(name, item) for folder in FOLDERS for name, items in files(folder).items() for item in items]


def external_auths() -> list[tuple[str, dict]]:
    """What asks sessiongate: each `extAuth`, and each filter ExternalAuth."""
    found = []
    for name, item in every():
        if item["kind"] == "SecurityPolicy":
            found.append((name, item["spec"]["extAuth"]))
        if item["kind"] == "HTTPRoute":
            filters = [each for rule in item["spec"]["rules"] for each in rule.get("filters", [])]
            found += [(name, each["externalAuth"]) for each in filters if each["type"] == "ExternalAuth"]
    return found


class Gateways(unittest.TestCase):
    def test_every_object_is_valid_by_its_own_schema(self):
        for folder in FOLDERS:
            for name, items in files(folder).items():
                with self.subTest(name):
                    validate(f"deploy/{folder}", items)

    def test_sessiongate_is_asked_where_the_chart_serves(self):
        [service] = [item for item in CHART if objects.name(item) == "Service/sessiongate"]
        ports = {port["port"]: port["name"] for port in service["spec"]["ports"]}
        asked = external_auths()
        self.assertEqual(len(asked), 5)
        for name, auth in asked:
            protocol = auth.get("protocol", "GRPC" if "grpc" in auth else "HTTP").lower()
            [backend] = [auth["backendRef"]] if "backendRef" in auth else auth[protocol]["backendRefs"]
            with self.subTest(name):
                self.assertEqual((backend["name"], backend["namespace"]), ("sessiongate", "sessiongate"))
                self.assertIn(protocol, ports[backend["port"]])
        for name, item in every():
            if item["kind"] == "BackendTLSPolicy":
                self.assertIn(item["spec"]["targetRefs"][0]["sectionName"], ports.values(), name)

    def test_what_a_file_refers_to_is_there(self):
        for folder in ("envoy-gateway", "gateway-api"):
            items = [item for name, item in every() if name.startswith(f"{folder}/")]
            there = {(item["kind"], item["metadata"]["name"]) for item in items}
            for item in items:
                spec = item["spec"]
                references = [*spec.get("targetRefs", []), *spec.get("parentRefs", [])]
                references += [spec[key] for key in ("parametersRef",) if key in spec]
                for reference in references:
                    if reference.get("group") != "":
                        self.assertIn((reference.get("kind", "Gateway"), reference["name"]), there, objects.name(item))
        policies = {(item["kind"], item["metadata"].get("namespace")) for _, item in every()}
        for name, item in every():
            if item["kind"] == "ReferenceGrant":
                [source] = item["spec"]["from"]
                self.assertIn((source["kind"], source["namespace"]), policies, name)
                self.assertEqual(item["spec"]["to"], [{"group": "", "kind": "Service", "name": "sessiongate"}], name)
        middlewares, routes = [], []
        for item in files("traefik")["traefik/kubernetes.yaml"]:
            (middlewares if item["kind"] == "Middleware" else routes).append(item)
        for route in routes:
            self.assertEqual(route["spec"]["routes"][0]["middlewares"], [{"name": middlewares[0]["metadata"]["name"]}])

    def test_nothing_passes_without_an_answer_and_the_gate_is_asked_below_its_path(self):
        for name, auth in external_auths():
            with self.subTest(name):
                if "protocol" not in auth:
                    # A rule of the schema in CEL, which nothing here evaluates.
                    self.assertEqual(len({"grpc", "http"} & auth.keys()), 1)
                # A policy that is merged into the gateway's has what that one says.
                if "protocol" not in auth and "contextExtensions" not in auth:
                    chosen = (auth["failOpen"], auth["recomputeRoute"], auth["statusOnError"])
                    self.assertEqual(chosen, (False, False, 503))
                    self.assertNotIn("bodyToExtAuth", auth)
                if "http" in auth:
                    self.assertEqual(auth["http"]["path"], "/auth")

    def test_the_gate_is_told_what_the_documentation_says_and_every_identity_header_is_taken(self):
        text = (ROOT / "docs/forward-auth.md").read_text()
        [allowed] = re.findall(r"^allowed_headers:.*?^```", text, re.M | re.S)
        told = re.findall(r"exact: ([a-z0-9-]+)", allowed)
        self.assertGreater(len(told), 5)
        for name, auth in external_auths():
            if "http" not in auth:
                # All are told.
                self.assertNotIn("headersToExtAuth", auth, name)
                self.assertNotIn("allowedHeaders", auth.get("grpc", {}), name)
                continue
            http = auth["http"]
            self.assertEqual(auth.get("headersToExtAuth") or http.get("allowedHeaders"), told, name)
            taken = http.get("headersToBackend") or http.get("allowedResponseHeaders")
            self.assertEqual(taken, [*IDENTITY, "cookie"], name)

    def test_every_other_proxy_takes_the_same_identity(self):
        expected = [*IDENTITY, "x-middleware-subrequest"]
        for item in files("traefik")["traefik/kubernetes.yaml"]:
            if item["kind"] == "Middleware":
                self.assertEqual(item["spec"]["forwardAuth"]["authResponseHeaders"], expected)
        for item in files("nginx")["nginx/ingress.yaml"]:
            notes = {key.rpartition("/")[2]: value for key, value in item["metadata"]["annotations"].items()}
            self.assertEqual(notes["auth-response-headers"].split(","), expected)
            self.assertTrue(notes["auth-url"].endswith(".sessiongate.svc.cluster.local:9192/auth"))
            self.assertNotIn("auth-cache-key", notes)

    def test_traefiks_file_says_what_its_kubernetes_resources_say(self):
        dynamic = yaml.safe_load((DEPLOY / "traefik/dynamic.yaml").read_text())["http"]
        in_file = dynamic["middlewares"]["sessiongate"]["forwardAuth"]
        [middleware, _] = files("traefik")["traefik/kubernetes.yaml"]
        in_cluster = middleware["spec"]["forwardAuth"]
        self.assertEqual({**in_file, "address": None}, {**in_cluster, "address": None})
        # The middleware of the file has the same schema as the one of the resource.
        schema, source = validator("traefik.io/v1alpha1", "Middleware")
        schema.validate({**middleware, "spec": dynamic["middlewares"]["sessiongate"]})
        objects.validated["deploy/traefik", "forwardAuth", source].append("dynamic.yaml")


class Reproduced(unittest.TestCase):
    """The Envoy that tests/envoy runs is configured as Envoy Gateway would with these files."""

    def setUp(self):
        listeners = yaml.safe_load(ENVOY.read_text())["static_resources"]["listeners"]
        managers = {each["name"]: each["filter_chains"][0]["filters"][0]["typed_config"] for each in listeners}
        self.filters = {
            (name, each["name"].rpartition("/")[2]): each for name, manager in managers.items()
            for each in manager["http_filters"] if "ext_authz" in each["name"]
        }
        self.routes = {
            each["name"].split("/")[2]: each for each in managers["grpc"]["route_config"]["virtual_hosts"][0]["routes"]
        }
        policies = documents(DEPLOY / "envoy-gateway/security-policy.yaml")
        self.policies = {item["metadata"]["name"]: item["spec"] for item in policies if "extAuth" in item["spec"]}
        [policy] = documents(DEPLOY / "envoy-gateway/security-policy-http.yaml")
        self.http = policy["spec"]["extAuth"]

    def test_each_filter_is_off_and_a_route_turns_on_the_one_of_its_policy(self):
        for each in self.filters.values():
            self.assertIs(each["disabled"], True)
        for route, policy in {"app": "sessiongate", "reports": "reports"}.items():
            [(name, setting)] = self.routes[route]["typed_per_filter_config"].items()
            self.assertEqual(name, self.filters["grpc", policy]["name"])
            extensions = self.policies[policy]["extAuth"].get("contextExtensions", [])
            told = setting["check_settings"].get("context_extensions", {})
            self.assertEqual(told, {each["name"]: each["value"] for each in extensions})

    def test_the_filters_ask_as_the_policies_say(self):
        over_grpc = self.policies["sessiongate"]["extAuth"]
        self.assertEqual(over_grpc["timeout"], "250ms")
        for name in ("sessiongate", "reports"):
            asks = self.filters["grpc", name]["typed_config"]
            self.assertEqual(asks["grpc_service"]["timeout"], "0.250s")
            self.assertEqual(asks["grpc_service"]["envoy_grpc"]["authority"], "sessiongate.sessiongate:9191")
            self.assertEqual(asks["status_on_error"], {"code": "ServiceUnavailable"})
            self.assertNotIn("allowed_headers", asks)
        asks, http = self.filters["http", "sessiongate"]["typed_config"], self.http["http"]
        self.assertEqual(asks["http_service"]["path_prefix"], http["path"])
        upstream = asks["http_service"]["authorization_response"]["allowed_upstream_headers"]
        self.assertEqual(upstream, patterns(http["headersToBackend"]))
        self.assertEqual(asks["allowed_headers"], patterns(self.http["headersToExtAuth"]))


def patterns(names: list[str]) -> dict:
    return {"patterns": [{"exact": name, "ignore_case": True} for name in names]}


class Programs(unittest.TestCase):
    """nginx and Caddy judge their files themselves; tests/envoy sends requests through them."""

    def test_nginx_reads_its_configuration(self):
        with tempfile.TemporaryDirectory() as folder:
            for file in (DEPLOY / "nginx").glob("*.conf"):
                shutil.copy(file, folder)
            main = Path(folder) / "nginx.conf"
            main.write_text(f"pid {folder}/pid;\nevents {{}}\nhttp {{ access_log off; include sessiongate.conf; }}\n")
            nginx = "/usr/sbin/nginx"
            command = [nginx, "-t", "-p", folder, "-c", str(main), "-e", "stderr"]
            self.judge("nginx/sessiongate.conf", command, [nginx, "-v"])

    def test_caddy_reads_its_configuration(self):
        command = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "caddy/Caddyfile")]
        self.judge("caddy/Caddyfile", command, ["caddy", "version"])

    def judge(self, file: str, command: list[str], version: list[str]) -> None:
        program, _, name = file.partition("/")
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = subprocess.run(version, capture_output=True, text=True)
        [number] = re.findall(r"\d+\.\d+\.\d+", said.stdout + said.stderr)[:1]
        objects.validated[f"deploy/{program}", "configuration", f"{program} {number}"].append(name)


if __name__ == "__main__":
    unittest.main()
