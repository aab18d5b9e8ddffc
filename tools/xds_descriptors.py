"""Writes Envoy's published protobuf descriptors, and all that they import, as a FileDescriptorSet.

    python3 tools/xds_descriptors.py OUTPUT PROTO...    PROTO as in envoy/service/auth/v3/external_auth.proto

Reads the packages that `tools/install.sh xds` puts into .tools/xds.
"""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".tools" / "xds"))

from google.protobuf import descriptor_pb2  # noqa: E402 (found by the line above)


def main(output: str, *protos: str) -> None:
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    for proto in protos:
        module = importlib.import_module(proto.removesuffix(".proto").replace("/", ".") + "_pb2")
        collect(module.DESCRIPTOR, files)
    Path(output).write_bytes(descriptor_pb2.FileDescriptorSet(file=files.values()).SerializeToString())


def collect(file, files: dict) -> None:
    """Adds `file` after everything that it imports, as protoc orders a set."""
    if file.name in files:
        return
    for imported in file.dependencies:
        collect(imported, files)
    files[file.name] = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(files[file.name])


if __name__ == "__main__":
    main(*sys.argv[1:])
