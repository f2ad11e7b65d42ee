"""The tasks as Invoke shows them: their options, help, and what arrives of what was given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest
from invoke import Exit, Program
from invoke.context import Context
from invoke.parser import Parser

from blackstart.commands import run, suite
from blackstart.model.flags import Flags, option_name
from blackstart.tasks import namespace
from blackstart.tasks._options import OPTIONS, experiment_task, finish
from tests.environment import ROOT

FLAGS = {item.name: item for item in fields(Flags) if item.metadata}


HEAVY = (
    "requests", "plumbum", "psycopg", "kafka", "redis", "aiohttp", "tenacity", "tabulate", "prometheus_api_client",
    "prometheus_client", "httptools", "supervisor", "psutil", "pgserver", "lightkube", "httpx2",
    "blackstart_lab.trader.app",
)  # fmt: skip


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_an_option_and_a_switch_where_it_is_one(name: str) -> None:
    switch, text = OPTIONS[option_name(name).replace("-", "_")]
    assert switch is isinstance(FLAGS[name].default, bool) and text.endswith(f"[{FLAGS[name].metadata['env']}]")


def test_listing_imports_no_heavy_library() -> None:
    program = (
        "import json, sys\nimport tasks\nassert tasks.namespace.collections\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'lib'}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_what_one_command_line_gave_an_option_is_nothing_to_the_next() -> None:
    parser = Parser(contexts=namespace().to_contexts(), initial=Program().initial_context)
    lines = ["chaos.leader-lock", "--hold", "3"], ["chaos.leader-lock", "--hold", "4"], ["chaos.leader-lock"]
    parsed = [parser.parse_argv(line)[1].args["hold"] for line in lines]
    assert [(option.value, option.got_value) for option in parsed] == [("3", True), ("4", True), (None, False)]


@pytest.mark.parametrize(
    "words", ["chaos.leader-lock --hold 3", "--help=chaos.leader-lock", "--complete -- invoke,chaos.leader-lock,--h"]
)
def test_only_the_tasks_that_a_command_line_names_have_options(words: str) -> None:
    made = {context.name: context.args for context in namespace(words.split()).to_contexts()}
    options = {name.replace("_", "-") for name in OPTIONS}
    assert options <= set(made["chaos.leader-lock"])
    assert not made["shop.suite"] and not made["lab.up"]
    every = {context.name: context.args for context in namespace().to_contexts()}
    assert options <= set(every["shop.suite"]) and "mutant" in every["lab.up"]
    assert made.keys() == every.keys()


def tasks_of(name: str) -> dict[str, Any]:
    return dict(namespace().collections[name].tasks)


def test_the_trader_suite_has_its_tasks() -> None:
    assert {"leader-lock", "suite", "list", "plan", "run", "heal", "status"} <= set(tasks_of("chaos"))


def test_every_task_says_what_it_does() -> None:
    for collection in namespace().collections.values():
        for name, made in collection.tasks.items():
            assert (made.__doc__ or "").strip(), name


def test_every_experiment_task_takes_every_option() -> None:
    arguments = {argument.name for argument in tasks_of("chaos")["leader-lock"].get_arguments()}
    assert set(OPTIONS) <= arguments


def called(task: Any, monkeypatch: pytest.MonkeyPatch, verb: str, *args: Any, **options: Any) -> tuple[Any, ...]:
    seen: list[tuple[Any, ...]] = []

    def act(*given: Any, **more: Any) -> int:
        seen.append((*given, more))
        return 0

    monkeypatch.setattr({"run": run, "suite": suite}[verb], verb, act)
    task.body(Context(), *args, **options)
    return seen[0]


def test_options_arrive_under_the_names_that_flags_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    name, options, _, _ = called(
        tasks_of("chaos")["leader-lock"], monkeypatch, "run", heartbeat_max="3", noninteractive=True
    )
    assert name == "trader/leader-lock"
    assert options["heartbeat_max"] == "3" and options["noninteractive"] is True


def test_a_variant_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    _, options, variants, _ = called(tasks_of("chaos")["leader-lock"], monkeypatch, "run", bounce=True)
    assert "bounce" in variants and options["bounce"] is True


@pytest.mark.parametrize("given", [True, False])
def test_keep_going_arrives(monkeypatch: pytest.MonkeyPatch, given: bool) -> None:
    *_, more = called(tasks_of("chaos")["suite"], monkeypatch, "suite", keep_going=given)
    assert more["keep_going"] is given


def test_the_name_of_an_experiment_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    name, options, variants, *_ = called(
        tasks_of("chaos")["run"], monkeypatch, "run", experiment="mine.py", plan_count="2"
    )
    assert {"bounce", "freeze-leader", "freeze"} <= set(variants)
    assert name == "mine.py" and options["plan_count"] == "2" and "experiment" not in options


def test_an_exit_code_leaves_invoke_as_it_is() -> None:
    with pytest.raises(Exit) as caught:
        finish(20)
    assert caught.value.code == 20
    finish(0)


def test_a_task_passes_on_the_exit_code_of_what_it_did() -> None:
    task = experiment_task("demo", "Does it.", lambda options: 50)
    with pytest.raises(Exit) as caught:
        task.body(Context())
    assert caught.value.code == 50
