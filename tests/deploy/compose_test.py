"""Docker Compose: the file is one that Compose reads, confines what it runs, and what it runs works together."""

import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import jsonschema
import yaml

import objects
from compose_stack import FOLDER, VARIABLES, model
from places import ROOT, TOOLS

SCHEMA = TOOLS / "compose/compose-spec.json"
HERE = Path(__file__).resolve().parent


class Written(unittest.TestCase):
    def setUp(self):
        self.model = model(VARIABLES)
        self.services = self.model["services"]

    def test_it_is_what_the_compose_specification_describes(self):
        schema = json.loads(SCHEMA.read_text())
        jsonschema.validate(self.model, schema)
        source = (SCHEMA.parent / ".installed").read_text().strip()
        objects.validated["deploy/compose", "Compose", source].append(self.model["name"])
        self.model["services"]["gate"]["read-only"] = True
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(self.model, schema)

    def test_nobody_has_a_right_of_root_or_a_disk_to_write_to(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(["ALL"], service["cap_drop"])
                self.assertEqual(["no-new-privileges:true"], service["security_opt"])
                self.assertGreater(int(service["user"].split(":")[0]), 0)
                self.assertIn("start_interval", service["healthcheck"])
                self.assertNotIn("privileged", service)
                mounted = [volume for volume in service.get("volumes", []) if not volume.endswith(":ro")]
                self.assertEqual(["revocations:/data"] if name == "redis" else [], mounted)
                self.assertRegex(service.get("image", "made-here:0.0"), r":v?\d+\.\d+")

    def test_only_envoy_is_published_and_only_sessiongate_reaches_redis(self):
        self.assertEqual({"edge"}, {name for name, service in self.services.items() if "ports" in service})
        networks = self.model["networks"]
        self.assertEqual({"edge"}, {name for name, network in networks.items() if not network.get("internal")})
        near = {}
        for name, service in self.services.items():
            for network in service["networks"]:
                near.setdefault(network, set()).add(name)
        self.assertEqual({"edge": {"edge"}, "services": {"edge", "app", "orders"}, "ask": {"edge", "gate"},
                          "revoke": {"app", "gate"}, "store": {"gate", "redis"}}, near)

    def test_every_secret_is_wanted_and_the_readme_makes_each_of_them(self):
        made = set(re.findall(r"^(\w+)=", (FOLDER / "README.md").read_text(), re.MULTILINE))
        self.assertEqual(made, set(VARIABLES))
        for name in VARIABLES:
            with self.assertRaises(KeyError):
                model({other: value for other, value in VARIABLES.items() if other != name})

    def test_envoy_is_configured_as_everywhere_but_for_the_addresses(self):
        everywhere = (ROOT / "deploy/envoy/envoy.yaml").read_text()
        for port, name in ((9191, "gate"), (3000, "app"), (3001, "orders"), (8080, "0.0.0.0")):
            everywhere = everywhere.replace(f"127.0.0.1, port_value: {port}", f"{name}, port_value: {port}")
        self.assertEqual(yaml.safe_load(everywhere), yaml.safe_load((FOLDER / "envoy.yaml").read_text()))


class Run(unittest.TestCase):
    def test_a_person_signs_in_and_out_and_a_revoked_session_is_refused_everywhere(self):
        self.assertEqual(0, os.getuid(), "root alone can run what Compose would: it takes mounts and a network")
        path = os.pathsep.join(filter(None, sys.path))
        done = subprocess.run(["unshare", "--net", sys.executable, HERE / "compose_stack.py"], capture_output=True,
                              text=True, timeout=240, env={**os.environ, "PYTHONPATH": path})
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("the revoked session is refused still", done.stdout)


if __name__ == "__main__":
    unittest.main()
