"""What only a target's file can say, and criteria of experiments are told by."""

from dataclasses import dataclass

FACTS = "facts"
SERVICES = "services."


@dataclass(frozen=True)
class Declaration:
    """`means` what it is, in words; `line` is how it is written, below the heading `[table]` of the target's file.

    Of a table of a suite it is the whole, of [facts] the one fact that has its name, of [services.NAME] the dsn.
    Where it is only asked for `beside` another table, a target without that one lacks nothing.
    """

    means: str
    table: str
    line: str
    beside: str = ""

    @property
    def service(self) -> str:
        """The service whose dsn it is; "" where it is none."""
        return self.table.removeprefix(SERVICES) if self.table.startswith(SERVICES) else ""
