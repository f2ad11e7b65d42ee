"""A fault's own means, and how they show that they are of no use: a fault proxy that dies in the middle of a run, or
that the target does not use at all.

What a system does after the one says nothing about it: the run ends as by an abort condition, and is inconclusive. The
other is looked for before anything is touched, while the load flows (`blackstart.engine.planning.proved_in_use`).
"""

from collections.abc import Iterable, Sequence

from blackstart.model.change import Change
from blackstart.model.expect import Condition


def lost_means(changes: Sequence[Change]) -> tuple[Condition, ...]:
    """The conditions that say it: those of every proof's probe that has `lost()`."""
    probes = [condition.probe for change in changes for condition in (*change.bites, *change.gone)]
    return tuple(dict.fromkeys(probe.lost() for probe in probes if hasattr(probe, "lost")))


def without_user(url: str) -> str:
    """The URL without user and password: the words of a process can be read by everybody on the machine."""
    scheme, there, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{there}{place.rpartition('@')[2]}{slash}{path}"


def reasons(changes: Sequence[Change], messages: Iterable[str]) -> tuple[str, ...]:
    """Those of an aborted run's messages that tell of lost means."""
    told = tuple(str(condition) for condition in lost_means(changes))
    return tuple(f"the fault's own means failed: {message}" for message in messages if message.startswith(told))
