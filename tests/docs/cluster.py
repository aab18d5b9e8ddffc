"""Stand-ins for what talks to a cluster or an engine, which there is none of here."""

from world import World


def stand_ins(world: World) -> str:
    raise NotImplementedError
