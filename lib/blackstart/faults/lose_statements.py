"""Lose the statements of one operation on their way to PostgreSQL: every insert, say, while selects are answered."""

from typing import Literal

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._proxied import proxy_route_to
from blackstart.faults._wire import share_of
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.proxy.postgres_statements import OPERATIONS


@plain("fault.lose_statements")
class LoseStatements:
    """The toxic `lose_statements`, on the statements that are a select, insert, update, delete or commit; with a
    `share`, on that part of them. Their connection is reset, or goes silent.

    The proxy reads them on the wire, prepared ones too. For that, connections that are open when it begins are ended
    once. It bites when a statement was lost; under TLS none is seen, so that it never does.
    """

    service: str
    operation: str
    share: float = 1.0
    how: Literal["reset", "silent"] = "reset"

    def __post_init__(self) -> None:
        share_of(self.share)
        if self.operation not in OPERATIONS:
            raise ValueError(f"operation must be one of {', '.join(OPERATIONS)}, not {self.operation}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where PostgreSQL is not spoken, or no proxy of Blackstart's carries it."""
        proxied = proxy_route_to(target, self.service)
        if proxied.route.speaks != "postgres":
            raise Refused(f"what is asked of {self.service} can't be told by operation: that needs PostgreSQL, and its "
                          "dsn, as in postgresql://…")  # fmt: skip
        proxied.route.normal()
        toxic, lost = proxied.statements(self.share, self.how, self.operation)
        return (proxied.toxic_change(self.describe(), toxic, lost, proxied.route.answers()),)

    def describe(self) -> str:
        """As in "reset the inserts of postgres", "let 30 % of the selects of postgres be lost"."""
        what = f"{share_of(self.share)}the {self.operation}s of {self.service}"
        return f"reset {what}" if self.how == "reset" else f"let {what} be lost"
