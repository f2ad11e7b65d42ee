"""What was broken in another place than this one: told with the command that mends it there, never mended from here."""

import shlex
from collections.abc import Sequence

from blackstart.base.codec import sources, to_data
from blackstart.base.state import invoke, to_type, typed_before
from blackstart.model.change import Change
from blackstart.safety.ledger.ledger import Entry
from blackstart.safety.processes.namespaces import Apart


def heal_command(*options: str) -> str:
    """What to type to mend: the last line of everything that ends not restored."""
    return to_type("chaos.heal", *options)


def heal_command_of(changes: Sequence[Change], file: str) -> str:
    """The same for these: where they hold classes of the user's own, it names the `file` that these are in."""
    own = sources(to_data(tuple(changes)))
    return heal_command(*(("--experiment", shlex.quote(file)) if own and file else ()))


def status_command() -> str:
    """What to type to see what is still broken, and who mends it."""
    return to_type("chaos.status")


def is_far(entry: Entry) -> bool:
    """Whether it can't be mended from here, nor closed because its network is gone."""
    return entry.apart() is not None and not gone_with_its_network(entry)


def gone_with_its_network(entry: Entry) -> bool:
    """Whether it was a rule or a queue of a network namespace that is no longer there."""
    between = entry.apart()
    return between is not None and between.ended and entry.change.ends_with_network


def line(entry: Entry) -> str:
    """What it is, where, and what mends it there."""
    between = entry.apart()
    where = between.where if between else "here"
    told = f"NOT MENDED FROM HERE: {entry.change.what} (run {entry.run}), made {where}"
    known = between and not between.ended and entry.by_hand
    return f"{told}; by hand: {between.told(entry.by_hand)}" if between and known else told


def last_lines(far: Sequence[Entry]) -> list[str]:
    """The commands that mend them, each once."""
    found = [between for entry in far if (between := entry.apart())]
    return list(dict.fromkeys(_command(between) for between in found))


def _command(between: Apart) -> str:
    if between.ended:
        return heal_command("--here")
    # A variable is set by the shell, before the way, which would take it for a program.
    return f"{between.hint}{typed_before()}{' '.join(filter(None, (between.way, invoke(), 'chaos.heal')))}"
