"""/state shows `paused`, and no `is_paused`."""

from blackstart_lab.trader.desk import Desk
from blackstart_lab.variants import Variant


class OtherName(Desk):
    """The same state under the other name."""

    PAUSED = "paused"


VARIANT = Variant(summary="/state shows paused instead of is_paused", parts={"desk": OtherName})
