"""The files of deploy/istio: valid by Istio's own schemas, fitting each other and the chart, and run by tests/envoy."""

import copy
import re
import unittest

import yaml

import mesh
import objects
from charts import render
from objects import documents, validate
from places import ROOT

FOLDER = ROOT / "deploy/istio"
ENVOY = ROOT / "tests/envoy/istio/envoy.yaml"
FILES = {file.name: documents(file) for file in sorted(FOLDER.glob("*.yaml"))}
[VALUES] = FILES.pop("istiod.yaml")
PROVIDERS = {provider["name"]: provider for provider in VALUES["meshConfig"]["extensionProviders"]}
OVER_GRPC = PROVIDERS["sessiongate"]["envoyExtAuthzGrpc"]
OVER_HTTP = PROVIDERS["sessiongate-http"]["envoyExtAuthzHttp"]
# The chart as these files expect it: in a namespace of its own name.
CHART = documents(render("smallest", "listen.http.enabled=true"))


def policies() -> list[dict]:
    every = [item for items in FILES.values() for item in items]
    return [item for item in every if item["kind"] == "AuthorizationPolicy"]


class Istio(unittest.TestCase):
    def test_every_object_is_valid_by_istios_own_schemas(self):
        for name, items in FILES.items():
            with self.subTest(name):
                validate("deploy/istio", items)

    def test_the_mesh_configuration_is_one_that_istio_reads(self):
        mesh.validate("deploy/istio", VALUES)

    def test_a_mesh_configuration_with_a_mistake_is_refused(self):
        for written, meant in {
            "failOpen": "failopen",
            "includeRequestHeadersInCheck": "includeHeadersInChecks",
            "extensionProviders": "extensionProvider",
            "port: 9191": "port: grpc",
            "timeout: 0.25s": "timeout: soon",
        }.items():
            text = (FOLDER / "istiod.yaml").read_text()
            self.assertIn(written, text)
            with self.subTest(meant), self.assertRaises(mesh.InvalidMesh):
                mesh.validate("tests/deploy", yaml.safe_load(text.replace(written, meant)))

    def test_nothing_passes_without_an_answer_and_nobody_waits_for_long(self):
        for provider in (OVER_GRPC, OVER_HTTP):
            self.assertIs(provider["failOpen"], False)
            self.assertEqual((provider["statusOnError"], provider["timeout"]), ("503", "0.25s"))
            self.assertNotIn("includeRequestBodyInCheck", provider)
        self.assertEqual(OVER_HTTP["pathPrefix"], "/auth")

    def test_providers_are_asked_where_the_chart_serves(self):
        [service] = [item for item in CHART if objects.name(item) == "Service/sessiongate"]
        ports = {port["port"]: port for port in service["spec"]["ports"]}
        for provider in (OVER_GRPC, OVER_HTTP):
            self.assertEqual(provider["service"], "sessiongate/sessiongate.sessiongate.svc.cluster.local")
            self.assertIn(provider["port"], ports)
        # By the beginning of a port's name Istio knows what is spoken there.
        self.assertRegex(ports[OVER_GRPC["port"]]["name"], r"^(grpc|http2)(-|$)")
        self.assertRegex(ports[OVER_HTTP["port"]]["name"], r"^http(-|$)")
        # A headless service has no cluster with endpoints of its own in a sidecar.
        self.assertNotEqual(service["spec"].get("clusterIP"), "None")

    def test_policies_name_providers_that_the_mesh_knows_and_select_what_is_there(self):
        custom = [policy for policy in policies() if policy["spec"]["action"] == "CUSTOM"]
        self.assertEqual(len(custom), 3)
        for policy in custom:
            spec = policy["spec"]
            self.assertIn(spec["provider"]["name"], PROVIDERS)
            self.assertTrue(spec["rules"], "without a rule nobody would be asked")
            self.assertTrue(spec.keys() & {"selector", "targetRefs"}, "it would be about sessiongate itself too")

    def test_what_a_file_refers_to_is_there(self):
        [waypoint] = [item for item in FILES["ambient.yaml"] if item["kind"] == "Gateway"]
        [namespace] = [item for item in FILES["ambient.yaml"] if item["kind"] == "Namespace"]
        asks, only = [item for item in FILES["ambient.yaml"] if item["kind"] == "AuthorizationPolicy"]
        name = waypoint["metadata"]["name"]
        self.assertEqual(namespace["metadata"]["labels"]["istio.io/use-waypoint"], name)
        target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name}
        self.assertEqual(asks["spec"]["targetRefs"], [target])
        places = {item["metadata"]["namespace"] for item in (waypoint, asks, only)} | {namespace["metadata"]["name"]}
        self.assertEqual(places, {"shop"})
        [principal] = only["spec"]["rules"][0]["from"][0]["source"]["principals"]
        self.assertEqual(principal, f"cluster.local/ns/shop/sa/{name}")

        gateway, routes, policy = FILES["ingress.yaml"]
        self.assertEqual(routes["spec"]["gateways"], [gateway["metadata"]["name"]])
        self.assertEqual(policy["spec"]["selector"]["matchLabels"], gateway["spec"]["selector"])

        certificate, rule = FILES["own-tls.yaml"]
        self.assertEqual(rule["spec"]["trafficPolicy"]["tls"]["credentialName"], certificate["spec"]["secretName"])
        self.assertEqual(rule["spec"]["host"], OVER_GRPC["service"].partition("/")[2])
        entry, rule = FILES["outside.yaml"]
        self.assertEqual([rule["spec"]["host"]], entry["spec"]["hosts"])
        self.assertEqual({port["number"] for port in entry["spec"]["ports"]}, {OVER_GRPC["port"], OVER_HTTP["port"]})

    def test_who_may_ask_is_let_in_at_sessiongates_own_pods_and_ports(self):
        [pods] = [item["spec"]["template"] for item in CHART if item["kind"] == "Deployment"]
        serving = {str(port["containerPort"]) for port in pods["spec"]["containers"][0]["ports"]}
        strict, who = FILES["sessiongate.yaml"]
        for item in (strict, who):
            self.assertEqual(item["metadata"]["namespace"], "sessiongate")
            self.assertLessEqual(
                item["spec"]["selector"]["matchLabels"].items(), pods["metadata"]["labels"].items()
            )
        self.assertEqual(strict["spec"]["mtls"]["mode"], "STRICT")
        ports = {port for rule in who["spec"]["rules"] for port in rule["to"][0]["operation"]["ports"]}
        self.assertEqual(ports, serving)
        # The comment in own-tls.yaml names the gateway as its certificate does.
        comment = (FOLDER / "own-tls.yaml").read_text().partition("apiVersion")[0]
        self.assertIn(FILES["own-tls.yaml"][0]["spec"]["uris"][0], comment)

    def test_the_gate_is_told_what_the_documentation_says(self):
        text = (ROOT / "docs/forward-auth.md").read_text()
        [allowed] = re.findall(r"^allowed_headers:.*?^```", text, re.M | re.S)
        self.assertEqual(OVER_HTTP["includeRequestHeadersInCheck"], re.findall(r"exact: ([a-z0-9-]+)", allowed))

    def test_every_identity_header_is_taken_from_the_answer(self):
        configured = yaml.safe_load((ROOT / "deploy/sessiongate.yaml").read_text())["identity"]
        names = [*configured["headers"], configured["session_header"], "x-auth-assertion"]
        taken = tuple(entry.rstrip("*") for entry in OVER_HTTP["headersToUpstreamOnAllow"])
        for name in names:
            self.assertTrue(name.startswith(taken), name)


class Reproduced(unittest.TestCase):
    """The Envoy that tests/envoy runs is configured as Istio would with these files."""

    def setUp(self):
        self.listeners = {}
        for listener in yaml.safe_load(ENVOY.read_text())["static_resources"]["listeners"]:
            manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
            filters = {each["name"]: each["typed_config"] for each in manager.get("http_filters", [])}
            self.listeners[listener["name"]] = {name.rpartition(".")[2]: filters[name] for name in filters}

    def test_the_filters_ask_as_the_providers_say(self):
        for name, kind, provider in (
            ("ingress", "grpc_service", OVER_GRPC),
            ("sidecar", "grpc_service", OVER_GRPC),
            ("ingress-http", "http_service", OVER_HTTP),
        ):
            with self.subTest(name):
                asks = copy.deepcopy(self.listeners[name]["ext_authz"])
                host = provider["service"].partition("/")[2]
                cluster = f"outbound|{provider['port']}||{host}"
                self.assertEqual(asks["status_on_error"], {"code": "ServiceUnavailable"})
                self.assertFalse(asks.get("failure_mode_allow", False))
                service = asks[kind]
                if kind == "grpc_service":
                    expected = {"envoy_grpc": {"cluster_name": cluster, "authority": host}, "timeout": "0.250s"}
                    self.assertEqual(service, expected)
                    continue
                expected = {"uri": f"http://{host}", "cluster": cluster, "timeout": "0.250s"}
                self.assertEqual(service["server_uri"], expected)
                self.assertEqual(service["path_prefix"], provider["pathPrefix"])
                answer = service["authorization_response"]
                for key, listed in (
                    ("allowed_upstream_headers", "headersToUpstreamOnAllow"),
                    ("allowed_client_headers", "headersToDownstreamOnDeny"),
                    ("allowed_client_headers_on_success", "headersToDownstreamOnAllow"),
                ):
                    self.assertEqual(answer[key], patterns(provider[listed]), listed)
                self.assertEqual(asks["allowed_headers"], patterns(provider["includeRequestHeadersInCheck"]))

    def test_the_policies_select_as_they_are_written(self):
        for name, file, selected in (
            ("ingress", "ingress.yaml", {"any": True}),
            ("sidecar", "sidecar.yaml", None),
        ):
            with self.subTest(name):
                [policy] = [item for item in FILES[file] if item["kind"] == "AuthorizationPolicy"]
                provider, meta = policy["spec"]["provider"]["name"], policy["metadata"]
                written = f"istio-ext-authz-{provider}-ns[{meta['namespace']}]-policy[{meta['name']}]-rule[0]"
                [(named, rules)] = self.listeners[name]["rbac"]["shadow_rules"]["policies"].items()
                self.assertEqual(named, written)
                if selected is None:
                    [operation] = policy["spec"]["rules"][0]["to"]
                    paths = [{"url_path": {"path": {"exact": path}}} for path in operation["operation"]["notPaths"]]
                    selected = {"not_rule": {"or_rules": {"rules": paths}}}
                self.assertEqual(rules["permissions"], [{"and_rules": {"rules": [selected]}}])
                enabled = self.listeners[name]["ext_authz"]["filter_enabled_metadata"]
                self.assertTrue(named.startswith(enabled["value"]["string_match"]["prefix"]))


def patterns(entries: list[str]) -> dict:
    """As Istio writes a list of headers: with a `*` at the end a prefix."""
    kind = {True: "prefix", False: "exact"}
    return {"patterns": [{kind[entry.endswith("*")]: entry.rstrip("*"), "ignore_case": True} for entry in entries]}


if __name__ == "__main__":
    unittest.main()
