"""Istio's mesh configuration, which has no CustomResourceDefinition: held against Istio's own protobuf messages."""

from functools import cache

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

import objects
from places import TOOLS

DESCRIPTORS = TOOLS / "istio/mesh.binpb"


class InvalidMesh(AssertionError):
    """A mesh configuration that Istio would not read; the message tells whence it is, and where and why."""


def validate(origin: str, values: dict) -> None:
    """Holds the values of the chart istiod against istio.mesh.v1alpha1.MeshConfig; unknown keys are refused."""
    try:
        json_format.ParseDict(values["meshConfig"], _mesh_config()())
    except (json_format.ParseError, KeyError) as error:
        raise InvalidMesh(f"{origin}: {error}") from None
    module = (TOOLS / "crds/istio.yaml").read_text().partition("\n")[0].removeprefix("# ")
    objects.validated[origin, "MeshConfig", f"{module}, its protobuf"].append("istiod.yaml")


@cache
def _mesh_config() -> type:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("istio.mesh.v1alpha1.MeshConfig"))
