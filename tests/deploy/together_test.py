"""That objects which do not fit together are found: the tests of the chart and of the overlays stand on it."""

import copy
import unittest

import together
from objects import documents

OBJECTS = documents("""
apiVersion: apps/v1
kind: Deployment
metadata: { name: gate }
spec:
  replicas: 2
  selector: { matchLabels: { app: gate } }
  template:
    metadata: { labels: { app: gate } }
    spec:
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: RuntimeDefault } }
      containers:
        - name: gate
          image: registry.example.com:5000/gate:1.0.0
          ports: [{ name: grpc, containerPort: 9191 }]
          env: [{ name: A, valueFrom: { secretKeyRef: { name: app, key: A } } }]
          livenessProbe: { grpc: { port: 9191 } }
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
          volumeMounts: [{ name: config, mountPath: /etc/gate }]
      volumes: [{ name: config, configMap: { name: gate } }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: gate }
---
apiVersion: v1
kind: Service
metadata: { name: gate }
spec: { selector: { app: gate }, ports: [{ port: 80, targetPort: grpc }] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: gate }
spec: { maxUnavailable: 50%, selector: { matchLabels: { app: gate } } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: gate }
spec:
  podSelector: { matchLabels: { app: gate } }
  ingress: [{ from: [{ podSelector: { matchLabels: { app: envoy } } }], ports: [{ port: grpc }] }]
""")
GATE = "spec.template.spec.containers.0"


class Together(unittest.TestCase):
    def test_what_fits_together_has_no_loose_ends(self):
        self.assertEqual(together.loose_ends(OBJECTS, {("Secret", "app")}), [])

    def test_each_loose_end_is_told(self):
        for at, path, value, told in [
            (0, "spec.selector.matchLabels.app", "other", "selector does not match"),
            (0, "spec.template.metadata.labels.app", "other", "it leads to []"),
            (3, "spec.minAvailable", 2, "none may be evicted"),
            (0, f"{GATE}.image", "registry.example.com:5000/gate", "no version"),
            (0, f"{GATE}.image", "gate:latest", "no version"),
            (0, f"{GATE}.livenessProbe.grpc.port", 9192, "livenessProbe asks at a port"),
            (0, f"{GATE}.volumeMounts.0.name", "configuration", "there is no volume configuration"),
            (0, f"{GATE}.volumeMounts", [], "nobody mounts the volume config"),
            (0, f"{GATE}.env.0.valueFrom.secretKeyRef.name", "another", "there is no Secret another"),
            (0, f"{GATE}.securityContext.capabilities.drop", [], "keeps capabilities"),
            (0, f"{GATE}.securityContext.capabilities.add", ["SYS_ADMIN"], "adds capabilities"),
            (0, f"{GATE}.securityContext.allowPrivilegeEscalation", True, "may gain privileges"),
            (0, f"{GATE}.securityContext.privileged", True, "is privileged"),
            (0, f"{GATE}.securityContext.runAsUser", 0, "runs as root"),
            (0, "spec.template.spec.securityContext.runAsNonRoot", False, "runs as root"),
            (0, "spec.template.spec.securityContext.seccompProfile.type", "Unconfined", "no seccomp profile"),
            (0, "spec.template.spec.hostNetwork", True, "hostNetwork is on"),
            (0, "spec.template.spec.volumes.0", {"name": "config", "hostPath": {"path": "/"}}, "kind hostPath"),
            (1, "metadata.name", "other", "there is no ConfigMap gate"),
            (2, "spec.ports.0.targetPort", "http", "there is no port http"),
            (2, "spec.selector.app", "other", "it leads to []"),
            (3, "spec.selector.matchLabels.app", "other", "it is about no pod"),
            (3, "spec.maxUnavailable", 0, "none may be evicted"),
            (4, "spec.podSelector.matchLabels.app", "other", "it is about no pod"),
            (4, "spec.ingress.0.ports.0.port", 9192, "there is no port 9192"),
            (4, "spec.ingress.0.from", [], "a rule is for everybody"),
        ]:
            with self.subTest(path=path, value=value):
                objects = copy.deepcopy(OBJECTS)
                *above, last = path.split(".")
                place = objects[at]
                for key in above:
                    place = place[int(key)] if isinstance(place, list) else place[key]
                place[int(last) if isinstance(place, list) else last] = value
                self.assertIn(told, "; ".join(together.loose_ends(objects, {("Secret", "app")})))


if __name__ == "__main__":
    unittest.main()
