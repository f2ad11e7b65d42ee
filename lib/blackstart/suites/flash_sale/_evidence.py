"""What stands in the evidence of the flash sale's experiments besides: figures, and the check list of a test."""

from collections.abc import Iterator

from blackstart.model.experiment import EvidenceRow
from blackstart.suites.flash_sale.readings import LAG

BEFORE, DURING, AFTER = "Pre-test", "During test", "Post-test"


def rows(broke: str, mended: str, few: int, by: str = "") -> tuple[EvidenceRow, ...]:
    """`broke` and `mended` say what the fault and its undo are (Worker killed, Worker restarted); `few` is the stock of
    the product that runs out; `by` the expectation that tells of what came back by itself."""
    return (*_figures(broke, mended, few, by), *_checklist(broke, mended, by))


def _figures(broke: str, mended: str, few: int, by: str) -> Iterator[EvidenceRow]:
    yield EvidenceRow(f"{broke} at", "moment", {"side": "do"})
    yield EvidenceRow(f"{mended} at", "moment", {"side": "undo", "by": by})
    for text, figure, unit in (
        ("Backlog when it took effect", "at_bite", "orders"),
        ("Backlog at its highest", "highest", "orders"),
        ("Backlog when it was undone", "at_undo", "orders"),
        ("Backlog processed in", "drained_s", ""),
        ("Drain rate, less what came meanwhile", "per_s", "orders/s"),
    ):
        yield EvidenceRow(text, "backlog", {"probe": LAG, "figure": figure, "unit": unit, "by": by})
    yield EvidenceRow("Recovery time", "recovery", {"by": by})
    yield EvidenceRow("API availability", "availability")
    for phase in ("baseline", "fault", "recovery"):
        yield EvidenceRow(f"API latencies ({phase})", "latencies", {"phase": phase})
    yield EvidenceRow("Answers while it was in force", "answers", {"phase": "fault"})
    yield EvidenceRow("Total orders in DB", "total", {"source": "keys"})
    yield EvidenceRow("Overselling", "beyond", {"source": "last_keys", "initial": few})
    for text, product in (("Gap between Redis and DB", "stock"), ("Gap of the product that runs out", "last")):
        yield EvidenceRow(text, "gap", {"one": f"redis_{product}", "other": f"database_{product}"})


def _checklist(broke: str, mended: str, by: str) -> Iterator[EvidenceRow]:
    running = ("up_before", "orders_accepted_before", "orders_placed_before")
    cleared = {"probe": "strangers", "wanted": 0, "unit": "orders of somebody else"}
    yield EvidenceRow("Initialize stock to known value", "prepared", part=BEFORE)
    yield EvidenceRow("Verify all services running", "found", {"names": running}, BEFORE)
    yield EvidenceRow("Clear previous orders from DB", "reading", cleared, BEFORE)
    yield EvidenceRow("Monitor Kafka consumer lag", "followed", {"probe": LAG}, DURING)
    yield EvidenceRow("Watch API response codes", "answers", part=DURING)
    for text, side in ((broke, "do"), (mended, "undo")):
        yield EvidenceRow(f"Log timing: {text}", "moment", {"side": side, "by": by if side == "undo" else ""}, DURING)
    for text, *names in (
        ("Verify order count matches expectations", "acknowledged_exactly_once", "no_phantom_orders"),
        ("Check for overselling (stock < 0)", "no_oversell"),
        ("Verify data consistency (Redis vs DB)", "stock_conserved", "last_ones_conserved"),
    ):
        yield EvidenceRow(text, "found", {"names": tuple(names)}, AFTER)
    yield EvidenceRow("Document any anomalies", "anomalies", part=AFTER)
