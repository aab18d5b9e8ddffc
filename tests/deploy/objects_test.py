"""That objects which no cluster would take are found: the other tests stand on it."""

import unittest

from objects import InvalidObject, documents, validate

ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: app }
spec: { hostnames: [app.example.com], rules: [{ backendRefs: [{ name: app, port: 80 }] }] }
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: { name: app }
spec: { ports: [{ port: 80 }] }
"""


class Objects(unittest.TestCase):
    def test_a_right_object_is_taken(self):
        validate("tests/deploy", documents(ROUTE + "---" + SERVICE))

    def test_what_no_cluster_would_take_is_refused_and_told(self):
        for text, told in {
            SERVICE.replace("80", "eighty"): "$.spec.ports[0].port",
            SERVICE.replace("ports", "prots"): "prots",
            SERVICE.replace("v1", "v7"): "schema",
            ROUTE.replace("hostnames", "hostname"): "hostname",
            ROUTE.replace("[app.example.com]", "app.example.com"): "$.spec.hostnames",
            ROUTE.replace("HTTPRoute", "HTTPRoot"): "no schema",
        }.items():
            with self.subTest(text=text), self.assertRaises(InvalidObject) as refused:
                validate("tests/deploy", documents(text))
            self.assertIn(told, str(refused.exception))

    def test_a_key_that_is_there_twice_is_refused(self):
        with self.assertRaisesRegex(ValueError, "'kind' is there twice"):
            documents(SERVICE + "kind: Pod\n")


if __name__ == "__main__":
    unittest.main()
