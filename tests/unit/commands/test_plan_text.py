"""What `chaos.plan` prints: everything that would be done and seen, and nothing touched."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from blackstart import controls
from blackstart.commands import plan_text
from blackstart.commands.plan_text import expected, longest_s
from blackstart.controls.kubernetes_context import Context
from blackstart.engine.planning import make
from blackstart.loads import K6, Burst, K6Pods, Operation
from blackstart.model.expect import always, eventually
from blackstart.model.experiment import Check, Traffic
from blackstart.model.flags import Flags
from blackstart.model.plan import Plan
from blackstart.model.schedule import At
from blackstart.model.step import Ask, Command, HttpCall
from blackstart.model.target import Service, Target
from blackstart.safety.processes import identity
from blackstart.suites.discovery import declare, find
from tests.unit.builders import AFTER, BEFORE, DURING, Cut, change, experiment, health

TARGET = Target(
    "trader",
    api="http://localhost:8000",
    why="file trader.toml",
    services={
        "redis": Service("redis", "localhost:6379", control={"docker": "redis"}),
        "postgres": Service("postgres", "localhost:5432"),
    },
)


@pytest.fixture(autouse=True)
def as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked which container it is."""
    monkeypatch.setattr(controls, "resolved", controls.of)


STOP = replace(
    change(),
    do=(Command(("docker", "stop", "it's redis")),),
    undo=(
        Command(("docker", "start", "redis"), host="ssh://ops@db1"),
        HttpCall("POST", "http://h/resume"),
        Ask("Plug it in."),
    ),
)


def plan(**parts: object) -> Plan:
    parts = {"baseline": (BEFORE,), "during": (DURING,), "recovery": (AFTER,)} | parts
    return make(experiment(faults=(Cut((STOP,)),), **parts), TARGET)


def show(*what: Any, **how: Any) -> str:
    return "\n".join(plan_text.show(*what, **how))


def lines(text: str, first: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip().startswith(first)]


def test_the_first_line_says_what_on_what_and_why() -> None:
    assert show(plan()).splitlines()[0] == "drill on trader (http://localhost:8000), from file trader.toml"


def test_the_hypothesis_is_told() -> None:
    assert "It comes back." in show(plan())


def test_the_blast_radius_names_every_service_and_what_happens_to_it() -> None:
    (row,) = lines(show(plan(hold_max_s=60.0)), "redis")
    for part in (
        "this machine, docker:local:redis",
        " stop redis ",
        " 90.00 s ",
        "docker start redis",
        "localhost:6379",
    ):
        assert part in row
    (untouched,) = lines(show(plan()), "postgres")
    assert untouched.split() == ["postgres", "no", "control", "nothing", "-", "-", "localhost:5432"]


def test_long_paths_are_short_in_the_table_and_whole_where_they_are_typed() -> None:
    start = Command(("/srv/drills/.venv/bin/supervisorctl", "-c", "/srv/state/labs/trader/supervisord.conf", "start"))
    made = replace(plan(), changes=(replace(STOP, undo=(start,)),))
    (row,), (undo,) = lines(show(made), "redis "), lines(show(made), "undo ")
    assert "supervisorctl -c /srv/…/supervisord.conf start" in row and " ".join(start.argv) in undo
    assert " ".join(start.argv) not in row and "…" not in show(made, full=True)


def test_the_longest_time_is_cut_by_the_changes_lifetime() -> None:
    made = plan(hold_max_s=500.0)
    (changed,) = made.changes
    assert longest_s(made, changed) == 530.0
    assert longest_s(made, replace(changed, lease_s=20.0)) == 20.0
    assert longest_s(replace(made, holds_s=0.5), changed) == 0.5


def test_what_guard_rails_would_refuse_is_said_with_the_word_that_allows_it() -> None:
    text = show(plan())
    assert 'Would not be started: "stop redis" acts on another machine (ssh://ops@db1).' in text
    assert 'To allow it in the target file: allow = ["db1", "h"]' in text
    allowed = replace(plan(), target=replace(TARGET, allow=("db1", "h")))
    assert "Would not be started" not in show(allowed)


def test_every_step_is_shown_as_shell() -> None:
    text = show(plan())
    (do,) = lines(text, "do ")
    assert "docker stop 'it'\"'\"'s redis'" in do
    undo = "\n".join(lines(text, "undo "))
    assert "ssh" in undo and "ops@db1" in undo
    assert "curl" in undo and "http://h/resume" in undo
    assert "Plug it in." in undo


def test_the_proofs_are_told() -> None:
    text = show(plan())
    assert "  bites when  redis is silent" in text
    assert "  gone when   redis is up" in text


def test_every_expectation_stands_with_its_phase_limit_and_length() -> None:
    text = show(
        plan(
            always=(always(health.is_("ok"), name="steady", for_s=2.0),),
            during=(eventually(health.is_("x"), within_s=7, name="d"),),
        )
    )
    assert lines(text, "fault ")[0].split() == ["fault", "d", "eventually", "health", "is", "x", "within", "7", "s"]
    assert lines(text, "always ")[0].split() == ["always", "steady", "always", "health", "is", "ok", "for", "2", "s"]
    assert lines(text, "baseline ")[0].split()[:2] == ["baseline", "before"]
    assert lines(text, "recovery ")[0].split()[:2] == ["recovery", "after"]


def test_checks_are_listed() -> None:
    assert lines(show(plan(checks=(Check("exactly_once", "orders_once"),))), "check ")[0].split() == [
        "check",
        "orders_once",
        *["acknowledged", "once,", "unknown", "at", "most", "once,", "rejected", "never"],
    ]


def test_the_last_line_says_that_nothing_was_touched() -> None:
    assert show(plan()).splitlines()[-1] == "Nothing was touched."


def test_a_plan_without_a_fault_is_shown_too() -> None:
    load = Traffic(Burst(3, Operation("plan", url="http://localhost/plans"), name="plans"), "fault")
    made = experiment(faults=(), recovery=(AFTER,), traffic=load)
    text = show(make(made, Target("bare", why="the defaults")))
    assert text.splitlines()[0] == "drill on bare (no api), from the defaults"


def test_a_load_is_told_like_a_change_since_it_leaves_its_mark_too() -> None:
    load = Burst(3, Operation("plan", url="/plans"), name="plans")
    planned = replace(plan(), experiment=replace(plan().experiment, traffic=Traffic(load, "fault")))
    assert (
        "send the load plans (3 requests at once, each of a key of its own) to http://localhost:8000"
        in show(planned).splitlines()
    )
    assert not lines(show(plan()), "send the load")


LONG = Command(("sh", "-c", "true; " * 200, "kill", "/state/frozen/redis.pid", "--", "x" * 150, "last"))


def test_shell_that_is_too_long_to_be_read_is_told_in_short_and_in_full_when_asked_for() -> None:
    made = replace(plan(), changes=(replace(STOP, undo=(LONG,)),))
    (undo,) = lines(show(made), "undo ")
    assert len(undo) < 300 and "kill /state/frozen/redis.pid -- ..." in undo and "--full" in undo
    (undo,) = lines(show(made, full=True), "undo ")
    assert "true; " * 200 in undo and undo.endswith("last")


def test_a_path_in_the_table_is_never_broken() -> None:
    path = f"/home/somebody/{'a-rather-long-folder/' * 4}redis-server.pid"
    made = replace(plan(), changes=(replace(STOP, undo=(Command(("start-it", "--with", path)),)),))
    assert any(
        path in line for line in show(made, full=True).splitlines() if "redis" in line and not line.startswith("  undo")
    )


def test_a_lease_names_the_run_and_not_the_process_that_plans() -> None:
    lease = {"lease": {"pid": os.getpid(), "started": identity.started(os.getpid())}}
    made = replace(plan(), changes=(replace(STOP, do=(HttpCall("POST", "http://h/toxics", lease),)),))
    (do,) = lines(show(made), "do ")
    assert '"pid": PID-OF-THE-RUN, "started": "START-OF-THE-RUN"' in do


def test_a_check_says_what_must_be_seen_and_not_its_functions_name() -> None:
    params = {"counter": "kills", "backoff_s": (1, 2), "jitter_s": 0.5, "refresh_s": 1}
    (row,) = lines(show(plan(checks=(Check("gaps_grow", "backoff_grows", params),))), "check ")
    assert row.split(None, 2)[2] == "gaps between rises of kills grow, as 1, 2 s do"


def test_every_shipped_check_can_say_what_must_be_seen() -> None:
    found = [find(name) for name in ("leader-lock", "postgres-blip", "rate-limit-spike")]
    checks = [check for one in found for check in declare(one, TARGET, Flags(), "").checks]
    assert checks and [check.name for check in checks if expected(check) == check.check] == []


def test_a_schedule_is_shown_with_its_times_and_each_change_lasts_as_long_as_its_stretch() -> None:
    later = replace(STOP, what="stop it again", service="postgres")
    faults = (At(None, 0, 1, "before"), At(Cut((STOP,)), 1, 5, "once"), At(Cut((later,)), 3, 20, "again"))
    made = make(experiment(faults=faults, recovery=(AFTER,)), TARGET)
    assert [longest_s(made, each) for each in made.changes] == [5.0, 20.0]
    rows = [" ".join(line.split()) for line in show(made).splitlines()]
    for row in ("before from T+0 s to T+1 s", "once from T+1 s to T+6 s", "again from T+3 s to T+23 s"):
        assert row in rows


def test_a_load_from_pods_says_where_they_are_made_and_what_they_are_sent_to() -> None:
    load = K6Pods(K6("s.js"), 3, "k6:1", Context("shop", "kind-shop"), "http://api.shop.svc")
    made = replace(plan(), experiment=replace(plan().experiment, traffic=Traffic(load)))
    told = (
        "make 3 pods of k6:1 in the namespace shop of kind-shop, and send the load k6 from them to http://api.shop.svc"
    )
    assert told in show(made)
