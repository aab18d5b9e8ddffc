"""The Pod Security Standard "restricted", as far as a pod of ours can break it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ is what it follows, field by field.
"""

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
}
SECCOMP = ("RuntimeDefault", "Localhost")
HOST = ("hostNetwork", "hostPID", "hostIPC")


def broken(spec: dict) -> list[str]:
    """What of a pod's specification breaks it; nothing where it keeps to it."""
    of_pod = spec.get("securityContext", {})
    found = [f"{key} is on" for key in HOST if spec.get(key)]
    found += [
        f"volume {volume['name']} is of the kind {kind}"
        for volume in spec.get("volumes", [])
        for kind in volume.keys() - {"name"} - VOLUMES
    ]
    for container in containers(spec):
        of_it = container.get("securityContext", {})
        effective = {**of_pod, **of_it}
        capabilities = of_it.get("capabilities", {})
        wrong = {
            "runs as root": effective.get("runAsNonRoot") is not True or effective.get("runAsUser") == 0,
            "is privileged": of_it.get("privileged", False),
            "may gain privileges": of_it.get("allowPrivilegeEscalation") is not False,
            "keeps capabilities": "ALL" not in capabilities.get("drop", []),
            "adds capabilities": not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
            "has no seccomp profile": effective.get("seccompProfile", {}).get("type") not in SECCOMP,
            "unmasks /proc": of_it.get("procMount", "Default") != "Default",
            "has SELinux options": bool(effective.get("seLinuxOptions", {}).keys() & {"user", "role"}),
            "has an AppArmor profile of none": effective.get("appArmorProfile", {}).get("type") == "Unconfined",
            "has a port of the node": any(port.get("hostPort") for port in container.get("ports", [])),
        }
        found += [f"{container['name']} {what}" for what, is_so in wrong.items() if is_so]
    return found


def containers(spec: dict) -> list[dict]:
    """All of them, in the order in which they start."""
    return [*spec.get("initContainers", []), *spec["containers"]]
