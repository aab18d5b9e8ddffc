"""A pod's containers, run on this machine as its specification says.

Each has a root of its own with nothing but its program and the volumes, mounted where they are to be and laid out as
the kubelet does it; its user, its arguments and its environment; and one network with the others, where the names of
Services lead to the pod itself.
"""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from places import BINARY, ENVOY
from printed import Printed

# By the name of the container: what its image starts, and where that is.
PROGRAMS = {
    "envoy": (ENVOY, "usr/local/bin/envoy"),
    "sessiongate": (BINARY, "usr/bin/sessiongate"),
}
IS_ROOT = os.getuid() == 0
NETWORK = """
import fcntl, signal, socket, struct
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))
print("ready", flush=True)
signal.pause()
"""
ASK = """
import json, sys, urllib.error, urllib.request
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_): return None
try:
    asked = urllib.request.Request(sys.argv[1], headers=json.loads(sys.argv[2]))
    answer = urllib.request.build_opener(Stay).open(asked, timeout=5)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status)
print(answer.read().decode())
"""


class Pod:
    """`objects` are those of the namespace: the ConfigMaps and Secrets that the pod refers to, and the Services."""

    def __init__(self, spec: dict, objects: list[dict]) -> None:
        self.spec = spec
        self.uid = str(uuid.uuid4())
        self.folder = Path(tempfile.mkdtemp(prefix="sessiongate-pod-"))
        self._objects = {(item["kind"], item["metadata"]["name"]): item for item in objects}
        self._writes = itertools.count()
        self._running: list[Container] = []
        self.volumes = {volume["name"]: self._volume(volume) for volume in spec.get("volumes", [])}
        names = " ".join(name for kind, name in self._objects if kind == "Service")
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost {names}\n")
        own = [] if IS_ROOT else ["--map-root-user"]
        command = ["unshare", "--net", *own, sys.executable, "-c", NETWORK]
        self._network = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if self._network.stdout.readline() != "ready\n":
            raise RuntimeError("there are no namespaces here: unshare(1) failed")

    def __enter__(self) -> "Pod":
        return self

    def __exit__(self, *_) -> None:
        for container in self._running:
            container.kill()
        self._network.kill()
        self._network.wait()
        self._network.stdout.close()
        shutil.rmtree(self.folder)

    def start(self, container: dict) -> "Container":
        started = Container(self, container)
        self._running.append(started)
        return started

    def run(self, container: dict) -> tuple[int, str]:
        """Runs a container to its end: its exit code, and what it printed."""
        started = self.start(container)
        return started.wait(30), "\n".join(started.lines)

    def replace(self, item: dict) -> None:
        """Another content of a ConfigMap or Secret reaches the volumes, all at once."""
        self._objects[item["kind"], item["metadata"]["name"]] = item
        for volume in self.spec["volumes"]:
            if "emptyDir" not in volume and self._source(volume) is item:
                self._write(volume, self.volumes[volume["name"]])

    def inside(self, *command: str | Path) -> list[str | Path]:
        """The command line that runs this in the pod's network."""
        own = [] if IS_ROOT else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self._network.pid}", "--net", *own, *command]

    def get(self, url: str, **headers: str) -> tuple[int, str]:
        """Status and body, asked for from within the pod; a redirect is not followed."""
        named = json.dumps({name.replace("_", "-"): value for name, value in headers.items()})
        asked = subprocess.run(self.inside(sys.executable, "-c", ASK, url, named), capture_output=True, text=True)
        status, _, body = asked.stdout.partition("\n")
        return int(status or 0), body

    def answers(self, probe: dict, container: dict) -> bool:
        """Asks as the kubelet does."""
        if "exec" in probe:
            program, *arguments = probe["exec"]["command"]
            assert program == f"/{PROGRAMS['sessiongate'][1]}"
            return self.run({**container, "args": arguments})[0] == 0
        if "grpc" in probe:
            environment = {"SESSIONGATE__LISTEN__GRPC": f"127.0.0.1:{probe['grpc']['port']}"}
            return subprocess.run(self.inside(BINARY, "health"), env=environment, capture_output=True).returncode == 0
        asked = probe["httpGet"]
        named = {port["name"]: port["containerPort"] for port in container["ports"]}
        port = named.get(asked["port"], asked["port"])
        return self.get(f"http://127.0.0.1:{port}{asked['path']}")[0] == 200

    def environment(self, container: dict) -> dict[str, str]:
        found = {}
        for source in container.get("envFrom", []):
            for kind, key in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
                if key in source:
                    data = self._data(kind, source[key]["name"])
                    found |= {name: value.decode() for name, value in data.items()}
        for variable in container.get("env", []):
            value = variable.get("value")
            source = variable.get("valueFrom", {})
            if "fieldRef" in source:
                value = {"metadata.uid": self.uid, "status.podIP": "127.0.0.1"}[source["fieldRef"]["fieldPath"]]
            for kind, key in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
                if key in source:
                    data = self._data(kind, source[key]["name"])
                    if source[key].get("optional") and source[key]["key"] not in data:
                        break
                    value = data[source[key]["key"]].decode()
            if value is not None:
                found[variable["name"]] = value
        return found

    def _volume(self, volume: dict) -> Path:
        place = self.folder / "volumes" / volume["name"]
        place.mkdir(parents=True)
        if "emptyDir" in volume:
            self._give_to_group(place, 0o2777)
        else:
            self._write(volume, place)
        return place

    def _source(self, volume: dict) -> dict:
        if "secret" in volume:
            return self._objects["Secret", volume["secret"]["secretName"]]
        return self._objects["ConfigMap", volume["configMap"]["name"]]

    def _data(self, kind: str, name: str) -> dict[str, bytes]:
        data = self._objects[kind, name]["data"]
        return {key: base64.b64decode(value) if kind == "Secret" else value.encode() for key, value in data.items()}

    def _write(self, volume: dict, place: Path) -> None:
        """As the kubelet: a new folder, then the link `..data` that every file goes through is turned to it."""
        source = self._source(volume)
        of_volume = volume.get("secret") or volume["configMap"]
        data = self._data(source["kind"], source["metadata"]["name"])
        items = {item["path"]: data[item["key"]] for item in of_volume.get("items", [])} or data
        written = place / f"..{next(self._writes)}"
        written.mkdir()
        for name, content in items.items():
            (written / name).write_bytes(content)
            self._give_to_group(written / name, of_volume.get("defaultMode", 0o644))
            if not (place / name).is_symlink():
                (place / name).symlink_to(f"..data/{name}")
        self._give_to_group(written, 0o2755)
        before = place / "..data"
        old = before.resolve() if before.exists() else None
        (place / "..data_tmp").symlink_to(written.name)
        (place / "..data_tmp").rename(before)
        if old:
            shutil.rmtree(old)

    def _give_to_group(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if IS_ROOT:
            os.chown(path, 0, self.spec["securityContext"]["fsGroup"])


class Container:
    """A running one. What it prints is kept, line by line."""

    def __init__(self, pod: Pod, container: dict) -> None:
        root = Path(tempfile.mkdtemp(dir=pod.folder, prefix="root-"))
        script = pod.folder / f"{root.name}.sh"
        script.write_text(_mounts(pod, container, root))
        command = pod.inside("unshare", "--mount", "sh", "-eu", script, *_words(container))
        self._process = subprocess.Popen(
            command, env={"PATH": os.environ["PATH"], **pod.environment(container)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self._printed = Printed(self._process.stdout)
        self.lines = self._printed.lines

    def hear(self, words: str, seconds: float = 15) -> str:
        """Waits for a line with these words, as Printed does."""
        return self._printed.hear(words, seconds)

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, seconds: float) -> int:
        """Its exit code. subprocess.TimeoutExpired where it takes longer."""
        code = self._process.wait(seconds)
        self._printed.join()
        return code

    def kill(self) -> None:
        self._process.kill()
        self.wait(10)


def _program(container: dict) -> tuple[Path, str]:
    return PROGRAMS.get(container["name"], PROGRAMS["sessiongate"])


def _words(container: dict) -> list[str]:
    return [*container.get("command", [f"/{_program(container)[1]}"]), *container.get("args", [])]


def _mounts(pod: Pod, container: dict, root: Path) -> str:
    """A script that makes the root and becomes the program in it."""
    lines = [f"mount -t tmpfs tmpfs {root}", f"cd {root}", "mkdir -p dev etc proc tmp usr/bin usr/local/bin"]
    binds = {"/dev": "dev", "/proc": "proc", str(pod.folder / "hosts"): "etc/hosts"}
    if "command" in container:
        # An image of somebody else, with a shell: this machine's programs stand in for its own.
        binds["/usr"] = "usr"
        lines.append("ln -s usr/bin bin")
    else:
        program, place = _program(container)
        binds |= {str(program): place, "/usr/lib": "usr/lib"}
        lines.append(f"mkdir usr/lib; touch {place}")
    for folder in ("lib", "lib64"):
        if Path("/", folder).is_symlink():
            lines.append(f"ln -s {os.readlink(Path('/', folder))} {folder}")
        else:
            lines.append(f"mkdir {folder}")
            binds[f"/{folder}"] = folder
    if Path("/usr/lib64").is_dir() and "command" not in container:
        lines.append("mkdir usr/lib64")
        binds["/usr/lib64"] = "usr/lib64"
    lines += ["touch etc/hosts", *(f"mount --rbind {source} {place}" for source, place in binds.items())]
    for mount in container.get("volumeMounts", []):
        place = mount["mountPath"].lstrip("/")
        lines += [f"mkdir -p {place}", f"mount --bind {pod.volumes[mount['name']]} {place}"]
        if mount.get("readOnly"):
            lines.append(f"mount -o remount,bind,ro {place}")
    security = {**pod.spec["securityContext"], **container["securityContext"]}
    if security["readOnlyRootFilesystem"]:
        lines.append(f"mount -o remount,bind,ro {root}")
    user = [f"--userspec={security['runAsUser']}:{security['runAsGroup']}", f"--groups={security['fsGroup']}"]
    return "\n".join([*lines, f'exec chroot {" ".join(user) if IS_ROOT else ""} . "$@"', ""])
