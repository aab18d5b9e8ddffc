"""Whether objects fit together: what refers to something finds it, and nothing else.

Every object is right by itself where its schema says so; these are the mistakes that no schema sees.
"""

import pod_security

WORKLOADS = ("Deployment", "StatefulSet")


def loose_ends(objects: list[dict], elsewhere: set[tuple[str, str]] = frozenset()) -> list[str]:
    """What does not fit. `elsewhere` are objects that the namespace has besides, as ("Secret", "app")."""
    there = {(item["kind"], item["metadata"]["name"]) for item in objects} | elsewhere
    pods = list(templates(objects))
    found = []
    for name, labels, spec in pods:
        found += [f"{name}: {wrong}" for wrong in [*_of_pod(spec, there), *pod_security.broken(spec)]]
    for item in objects:
        for wrong in CHECKS.get(item["kind"], _of_another)(item, pods, objects):
            found.append(f"{item['kind']}/{item['metadata']['name']}: {wrong}")
        if item["kind"] in WORKLOADS:
            wanted = item["spec"]["selector"]["matchLabels"]
            if not wanted.items() <= item["spec"]["template"]["metadata"]["labels"].items():
                found.append(f"{item['metadata']['name']}: its selector does not match its pods")
    return found


def templates(objects: list[dict]):
    """Each pod: its name, its labels, its specification."""
    for item in objects:
        if item["kind"] in WORKLOADS:
            pod = item["spec"]["template"]
            claimed = [{"name": claim["metadata"]["name"]} for claim in item["spec"].get("volumeClaimTemplates", [])]
            spec = {**pod["spec"], "volumes": pod["spec"].get("volumes", []) + claimed}
            yield item["metadata"]["name"], pod["metadata"]["labels"], spec
        elif item["kind"] == "Pod":
            yield item["metadata"]["name"], item["metadata"]["labels"], item["spec"]


def _of_pod(spec: dict, there: set[tuple[str, str]]):
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    used = set()
    for container in pod_security.containers(spec):
        name = container["name"]
        tag = container["image"].rpartition("/")[2].partition("@")[0].partition(":")[2]
        if "@sha256:" not in container["image"] and tag in ("", "latest"):
            yield f"{name}: the image has no version"
        for mount in container.get("volumeMounts", []):
            used.add(mount["name"])
            if mount["name"] not in volumes:
                yield f"{name}: there is no volume {mount['name']}"
        ports = [port["containerPort"] for port in container.get("ports", [])]
        ports += [port["name"] for port in container.get("ports", [])]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container.get(probe, {})
            for kind in ("grpc", "httpGet", "tcpSocket"):
                if kind in asked and asked[kind]["port"] not in ports:
                    yield f"{name}: {probe} asks at a port that is not there"
    yield from (f"nobody mounts the volume {name}" for name in volumes.keys() - used)
    for reference in _references(spec):
        if reference not in there:
            yield f"there is no {reference[0]} {reference[1]}"


def _references(spec: dict):
    for volume in spec.get("volumes", []):
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
    for container in pod_security.containers(spec):
        for variable in container.get("env", []):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield "Secret", reference["name"]
    name = spec.get("serviceAccountName", "default")
    if name != "default":
        yield "ServiceAccount", name


def _matching(selector: dict, pods: list) -> list:
    return [pod for pod in pods if selector.items() <= pod[1].items()]


def _ports(spec: dict) -> set:
    ports = [port for container in pod_security.containers(spec) for port in container.get("ports", [])]
    return {port["containerPort"] for port in ports} | {port["name"] for port in ports}


def _of_service(item: dict, pods: list, _):
    found = _matching(item["spec"]["selector"], pods)
    if len(found) != 1:
        yield f"it leads to {[name for name, *_ in found]}"
    for _, _, spec in found:
        for port in item["spec"]["ports"]:
            if port.get("targetPort", port["port"]) not in _ports(spec):
                yield f"there is no port {port.get('targetPort', port['port'])}"


def _of_policy(item: dict, pods: list, _):
    found = _matching(item["spec"]["podSelector"]["matchLabels"], pods)
    if not found:
        yield "it is about no pod"
    for rule in item["spec"].get("ingress", []):
        if not rule.get("from"):
            yield "a rule is for everybody"
        for port in rule["ports"]:
            if any(port["port"] not in _ports(spec) for *_, spec in found):
                yield f"there is no port {port['port']}"


def _of_autoscaler(item: dict, _, objects: list[dict]):
    target = item["spec"]["scaleTargetRef"]
    wanted = target["kind"], target["name"]
    scaled = [other for other in objects if (other["kind"], other["metadata"]["name"]) == wanted]
    if not scaled:
        yield "its target is not there"
    elif "replicas" in scaled[0]["spec"]:
        yield "its target has replicas of its own"


def _of_another(*_):
    return ()


def _of_budget(item: dict, pods: list, objects: list[dict]):
    if not _matching(item["spec"]["selector"]["matchLabels"], pods):
        yield "it is about no pod"
    replicas = [other["spec"]["minReplicas"] for other in objects if other["kind"] == "HorizontalPodAutoscaler"]
    replicas += [other["spec"].get("replicas") for other in objects if other["kind"] == "Deployment"]
    least = replicas[0]
    unavailable, available = (_count(item["spec"].get(key), least) for key in ("maxUnavailable", "minAvailable"))
    if (unavailable if available is None else least - available) < 1:
        yield f"of {least} pods none may be evicted"


def _count(text: object, replicas: int) -> int | None:
    if text is None:
        return None
    share = str(text)
    return -(-replicas * int(share[:-1]) // 100) if share.endswith("%") else int(share)


CHECKS = {
    "HorizontalPodAutoscaler": _of_autoscaler,
    "NetworkPolicy": _of_policy,
    "PodDisruptionBudget": _of_budget,
    "Service": _of_service,
}
