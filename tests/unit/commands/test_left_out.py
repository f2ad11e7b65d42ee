"""What a drill must be told and its target does not say: refused beforehand with the lines to write, or left out."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.errors import BadFlag, NotDeclared, NotShown
from blackstart.base.secrets.redact import Redactor
from blackstart.commands import left_out, plan, run, suite
from blackstart.commands.target_file import from_table
from blackstart.model import flags
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Service, Target
from blackstart.suites import discovery, systems
from blackstart.suites.trader.system import SYSTEM

POSTGRES = Service("postgres", address="127.0.0.1:1", dsn="postgresql://t@127.0.0.1:1/t", control={"manual": "it"})
TRADER = Target("mine", "trader", "http://127.0.0.1:1", services={"postgres": POSTGRES}, system=SYSTEM)
WHOLE = replace(TRADER, routes={"orders": {"route": "/orders"}}, facts={"db_timeout_s": 1.0})
OF_ORDERS = (
    "orders_affected",
    "order_refused_in_time",
    "acknowledged_exactly_once",
    "retry_not_doubled",
    "orders_stay_accepted",
)


def blip(target: Target, without: str = "") -> Experiment:
    return run.declared(discovery.find("trader/postgres-blip"), target, Flags(without=without))


def refusal(target: Target, without: str = "", experiment: str = "postgres-blip") -> NotDeclared:
    made = run.declared(discovery.find(f"trader/{experiment}"), target, Flags(without=without))
    with pytest.raises(NotDeclared) as refused:
        left_out.refuse([(made, left_out.lacking(made, target))], target)
    return refused.value


def test_what_is_missing_is_named_with_the_lines_to_write_and_how_the_rest_is_run() -> None:
    refused = refusal(TRADER)
    assert tomllib.loads("\n".join(refused.lines)) == {"orders": {"route": "/orders"}, "facts": {"db_timeout_s": 2.0}}
    told = str(refused)
    assert told.startswith("Not started: postgres-blip must be told how orders are placed (orders)")
    assert "targets/mine.toml" in told and "invoke chaos.init" in told
    # What limits the calls of orders says nothing where none is placed.
    assert told.endswith(f"({', '.join(OF_ORDERS)}): --without orders")


def test_the_file_there_is_is_named_and_a_heading_that_it_has_is_not_written_twice(tmp_path: Path) -> None:
    refused = refusal(replace(WHOLE, facts={"lock_ttl_s": 3.0}, file=str(tmp_path / "mine.toml")))
    assert f"{tmp_path}/mine.toml" in str(refused) and "chaos.init" not in str(refused)
    assert refused.lines[0] == "[facts] # it is there already: write below it"
    assert str(refused).endswith("(order_refused_in_time): --without db_timeout_s")


def test_a_file_that_is_there_and_was_not_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("targets").mkdir()
    Path("targets/mine.toml").touch()
    told = str(refusal(replace(TRADER, why="the flags api; redis is the container redis")))
    assert "targets/mine.toml (it is there, and was not read, since the target is made of the flags api" in told
    assert "--target mine reads it)" in told and "chaos.init" not in told


def test_a_database_that_nobody_can_ask_is_missing_too() -> None:
    refused = refusal(replace(WHOLE, services={"postgres": replace(POSTGRES, dsn="")}))
    assert refused.lines == ("[services.postgres]", 'dsn = "env:DATABASE_URL"')
    assert str(refused).endswith("(acknowledged_exactly_once, retry_not_doubled): --without database")


def test_who_says_all_of_it_lacks_nothing() -> None:
    made = blip(WHOLE)
    left_out.refuse([(made, left_out.lacking(made, WHOLE))], WHOLE)
    assert made.traffic and not made.left_out


@pytest.mark.parametrize("target", [TRADER, WHOLE])
def test_what_is_left_out_is_not_done_even_where_the_target_says_how(target: Target) -> None:
    made = blip(target, "plans,orders")
    assert not left_out.lacking(made, target)
    assert (made.traffic, dict(made.left_out)) == (None, {"orders": OF_ORDERS})
    assert not {check.name for check in made.checks} & set(OF_ORDERS)


def test_where_nothing_would_be_left_it_is_not_run_and_no_way_to_run_the_rest_is_told() -> None:
    assert "--without" not in str(refusal(TRADER, experiment="rate-limit-spike"))
    with pytest.raises(NotShown, match="nothing of rate-limit-spike is left without plans, which WITHOUT=plans"):
        run.declared(discovery.find("trader/rate-limit-spike"), WHOLE, Flags(without="plans"))


def test_a_name_that_means_nothing_is_refused_with_the_nearest_one_of_another_system_is_not() -> None:
    with pytest.raises(BadFlag, match='nothing is called "ordres". Did you mean "orders"'):
        blip(TRADER, "ordres")
    assert not blip(TRADER, "queue_bound").left_out


@pytest.mark.parametrize("kind", systems.kinds())
def test_the_lines_of_every_declaration_are_what_its_target_is_told_by(kind: str) -> None:
    for name, one in systems.of(kind).declarations.items():
        services = "" if not one.table.startswith("services.") else 'control = { manual = "it" }'
        table = tomllib.loads(f"[{one.table}]\n{one.line}\n{services}")
        told = from_table({"name": "mine", "kind": kind, **table}, "here")
        assert left_out.says(told, name, one) and not left_out.says(left_out.without(told, [name]), name, one)


def test_a_suite_tells_of_all_its_drills_before_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nkind = "trader"\napi = "http://127.0.0.1:1"\n[services.postgres]\n'
                    'dsn = "postgresql://t@127.0.0.1:1/t"\ncontrol = { manual = "it" }\n')  # fmt: skip
    ran: list[str] = []
    monkeypatch.setattr(suite, "run_one", lambda found, *_: ran.append(found.name))
    assert suite.suite("trader", {"target": str(file), "noninteractive": True}, keep_going=True) == 40
    told = capsys.readouterr().err
    assert not ran and told.startswith(
        "Not started: rate-limit-spike, postgres-blip, postgres-blip-freeze must be told"
    )
    assert '[plans]\nroute = "/plans"' in told and "all of rate-limit-spike" in told
    assert told.splitlines()[0].endswith("--without plans,orders")
    # The same is told by the plan, which shows the rest all the same.
    assert plan.plan("trader/postgres-blip", {"target": str(file)}) == 0
    told = capsys.readouterr().out
    assert "Would not be started: postgres-blip must be told how orders are placed" in told
    assert '\n[orders]\nroute = "/orders"' in told


def test_a_suite_that_is_told_what_to_leave_out_leaves_a_drill_out_that_is_nothing_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = suite._with_variants(suite.in_order("trader"), Flags())
    given = flags.read({"without": "orders,plans", "noninteractive": True})
    monkeypatch.setattr(suite, "choose", lambda *_: (TRADER, given))
    suite._refuse_undeclared(Redactor(), jobs, given)
