"""What a target can't show is listed as not observed, and *held* needs every criterion observed."""

from __future__ import annotations

import pytest

from blackstart.model.expect import Expectation, always, eventually, never
from blackstart.reports.words import result
from tests.unit.builders import AFTER, DURING, HEALTH, Seen, fault, finding, recovered, story

NEEDS = "trader_gauge at /metrics"
gauge = Seen("gauge")
FORMS = {
    "eventually": eventually(gauge.is_(0), within_s=2, name="gauge_0", requires=NEEDS),
    "always": always(gauge.is_(1), name="gauge_1", requires=NEEDS),
    "never": never(gauge.above(1), name="gauge_above_1", requires=NEEDS),
    "against the baseline": always(gauge.not_fallen(), name="gauge_not_fallen", requires=NEEDS),
}


def judged(expectation: Expectation, seen: object):  # type: ignore[no-untyped-def]
    phases = {"during": (DURING,), "recovery": (AFTER,), "always": (HEALTH,)}
    where = "during" if expectation.when == "eventually" else "always"
    told = story(**{**phases, where: (*phases[where], expectation)})
    return recovered(fault(told, gauge=seen), gauge=seen).phase(9.1, "end").judged()


@pytest.mark.parametrize("form", FORMS)
def test_a_criterion_that_the_target_cant_show_is_inconclusive_and_says_what_it_needs(form: str) -> None:
    judgement = judged(FORMS[form], "absent")
    told = finding(judgement, FORMS[form].name)
    assert (judgement.verdict, result(told)) == ("inconclusive", "inconclusive")
    assert told.message == "not observable: gauge was absent; the target must show trader_gauge at /metrics"
    assert judgement.reasons == (f"{FORMS[form].name}: {told.message}",)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_criterion_is_listed_as_not_observed_and_the_rest_holds(form: str) -> None:
    wanted = FORMS[form]
    extra = Expectation(wanted.when, wanted.condition, wanted.name, wanted.within_s, requires=NEEDS, criterion=False)
    judgement = judged(extra, "absent")
    assert judgement.verdict == "held"
    assert result(finding(judgement, wanted.name)) == "not observed"


def test_what_is_shown_and_wrong_breaks_whether_it_is_a_criterion_or_not() -> None:
    for criterion in (True, False):
        extra = always(gauge.is_(1), name="gauge_1", requires=NEEDS, criterion=criterion)
        judgement = judged(extra, 0)
        assert judgement.verdict == "broke"
        assert NEEDS not in finding(judgement, "gauge_1").message
