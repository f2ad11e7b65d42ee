"""A process control as a target that describes one gets it."""

from blackstart import controls
from blackstart.model.control import Control
from blackstart.model.target import Service

Table = dict[str, object]


def of(table: Table) -> Control:
    return controls.of(Service("redis", control=table)).resolve()
