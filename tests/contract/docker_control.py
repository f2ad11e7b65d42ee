"""A docker control as a target that describes one gets it."""

from blackstart import controls
from blackstart.controls.docker import Docker
from blackstart.model.target import Service

Table = dict[str, object]


def of(**table: str) -> Docker:
    found = controls.of(Service("redis", control=table)).resolve()
    assert isinstance(found, Docker)
    return found
