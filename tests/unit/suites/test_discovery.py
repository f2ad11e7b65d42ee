"""Experiments are found by looking: the user's own, those on the path, the shipped ones; and mistakes are named."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from blackstart.base.errors import BadExperiment, BadTarget, Refused
from blackstart.base.user_files import load_file
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites import discovery
from blackstart.suites.discovery import declare, everything, find, kind_of, shipped

TARGET, FLAGS = Target("trader"), Flags()
GOOD = '''"""Mine comes
back by itself.

More of it.
"""

from blackstart.model.experiment import Experiment

experiment = Experiment("mine", "trader", "It comes back.")
'''


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BLACKSTART_PATH", raising=False)
    return tmp_path


def mine(folder: Path, name: str = "mine.py", text: str = GOOD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_the_shipped_suite_is_found_without_being_imported() -> None:
    found = shipped("trader")
    assert {"leader-lock", "postgres-blip", "rate-limit-spike"} <= {item.name for item in found}
    assert all(item.says and not item.name.startswith("_") for item in found)


def test_a_users_own_experiment_is_found_and_says_its_first_paragraph(here: Path) -> None:
    mine(here / "experiments")
    found = find("mine")
    assert (found.suite, found.says) == ("", "Mine comes back by itself.")
    assert next(everything()).name == "mine"


def test_a_byte_order_mark_before_an_experiment_is_no_part_of_it(here: Path) -> None:
    mine(here / "experiments").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert find("mine").says == "Mine comes back by itself."


def test_experiments_on_the_path_are_found(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine(here / "a")
    mine(here / "b", "other_one.py")
    monkeypatch.setenv("BLACKSTART_PATH", f"{here / 'a'}:{here / 'b'}:/no/such/folder:")
    assert find("other-one").path == here / "b" / "other_one.py"
    assert find("mine").path == here / "a" / "mine.py"


def test_a_shipped_experiment_is_found_by_its_name_or_with_its_suite() -> None:
    assert find("leader-lock") == find("trader/leader-lock")


def test_the_same_name_twice_is_refused_and_both_places_named(here: Path) -> None:
    path = mine(here / "experiments", "leader_lock.py")
    with pytest.raises(BadExperiment, match=re.escape(str(path.relative_to(here)))):
        find("leader-lock")
    assert find("trader/leader-lock").suite == "trader"


def test_a_file_can_be_named(here: Path) -> None:
    path = mine(here)
    assert find(str(path)).name == "mine"
    with pytest.raises(BadExperiment, match="no file"):
        find("missing.py")


def test_an_unknown_name_is_refused_with_a_guess() -> None:
    with pytest.raises(BadExperiment, match='Did you mean "leader-lock"?'):
        find("leader-look")


@pytest.mark.parametrize("text", ["def broken(:", "\x00", "'''not a docstring'''.upper()", ""])
def test_a_file_that_is_broken_does_not_keep_the_others_from_being_listed(here: Path, text: str) -> None:
    mine(here / "experiments", "broken.py", text)
    mine(here / "experiments")
    assert {"broken", "mine", "leader-lock"} <= {found.name for found in everything()}


def test_a_file_that_is_not_utf8_does_not_keep_the_others_from_being_listed(here: Path) -> None:
    mine(here / "experiments").write_bytes(b'"""caf\xe9"""')
    assert any(found.name == "mine" and "can't be read" in found.says for found in everything())


def test_a_package_that_is_broken_does_not_keep_the_others_from_being_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("theirs", "no_such_package.experiments", "blackstart.experiments")
    monkeypatch.setattr(discovery, "entry_points", lambda group: [broken])
    found = {item.name: item for item in everything()}
    assert "can't be found" in found["theirs"].says and "leader-lock" in found


# ---------------------------------------------------------------- declaring


def declared(path: Path, variant: str = "") -> Experiment:
    return declare(find(str(path)), TARGET, FLAGS, variant)


def test_an_experiment_can_be_a_constant(here: Path) -> None:
    assert declared(mine(here)).name == "mine"


def test_an_experiment_can_be_a_function_of_target_flags_and_variant(here: Path) -> None:
    text = (
        "from blackstart.model.experiment import Experiment\n"
        "def experiment(target, flags, variant=''):\n"
        "    return Experiment(f'{target.name} {flags.plan_count} {variant}', 'trader', '')\n"
    )
    assert declared(mine(here, "made.py", text), "hard").name == "trader 15 hard"


def test_a_constant_has_no_variants(here: Path) -> None:
    with pytest.raises(BadExperiment, match="no variant hard"):
        declared(mine(here), "hard")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1", "does not define `experiment`"),
        ("experiment = 7", "does not define `experiment`"),
        ("experiment = lambda target, flags, variant: 7", "does not define `experiment`"),
        ("experiment = lambda: 7", "TypeError in line"),
        ("def experiment(t, f, v):\n    return 1 / 0", "ZeroDivisionError in line 2 of"),
        ("import no_such_module_anywhere", "ModuleNotFoundError in line 1 of"),
        ("x = 1\ny = x / 0", "ZeroDivisionError in line 2 of"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_a_mistake_in_the_file_is_refused_and_its_place_named(here: Path, text: str, told: str) -> None:
    path = mine(here, f"wrong_{abs(hash(text))}.py", text)
    with pytest.raises(BadExperiment, match=re.escape(told)) as caught:
        declared(path)
    assert str(path) in str(caught.value)


def test_a_refusal_of_the_users_own_is_passed_on_as_it_is(here: Path) -> None:
    text = (
        "from blackstart.base.errors import BadTarget\n"
        "def experiment(target, flags, variant):\n    raise BadTarget('no queue here')\n"
    )
    with pytest.raises(BadTarget, match="^Not started: no queue here$"):
        declared(mine(here, "refuses.py", text))


@pytest.mark.parametrize("name", discovery.RESERVED)
def test_the_name_of_a_command_is_refused(here: Path, name: str) -> None:
    with pytest.raises(Refused, match="rename the file"):
        declared(mine(here, f"{name}.py"))


def test_a_file_is_loaded_once(here: Path) -> None:
    path = mine(here)
    assert load_file(str(path)) is load_file("mine.py")


# ---------------------------------------------------------------- what it is for


MADE = """from blackstart.model.experiment import Experiment
VARIANTS = ("slow", "fast")
def experiment(target, flags, variant=""):
    return Experiment(name="made", {target}hypothesis="It comes back.")
"""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (GOOD, "trader"),
        (MADE.format(target='target="payments", '), "payments"),
        (MADE.format(target="target=target.name, "), ""),
        (MADE.format(target='target="a", ') + 'other = Experiment("b", "b", "")\n', ""),
        (
            "from blackstart.model.experiment import Experiment\n"
            'whose = "shop"\nexperiment = Experiment("m", whose, "")\n',
            "shop",
        ),
    ],
)
def test_a_users_own_experiment_says_what_kind_of_target_it_is_for(here: Path, text: str, kind: str) -> None:
    assert kind_of(find(str(mine(here, f"kind_{abs(hash(text))}.py", text)))) == kind


def test_a_shipped_experiment_is_for_its_suite() -> None:
    assert kind_of(find("leader-lock")) == "trader"


def test_variants_are_read_without_importing_the_file(here: Path) -> None:
    text = MADE.format(target="") + "raise SystemExit\n"
    assert find(str(mine(here, "variants.py", text))).variants == ("slow", "fast")


def test_an_unknown_scenario_of_a_suite_names_those_of_that_suite_only() -> None:
    with pytest.raises(BadExperiment) as told:
        discovery.find("gateway/zzz")
    assert "redis-flapping" in str(told.value) and "leader-lock" not in str(told.value)


DOES = '{ with: idempotency_key("k") expect: exactly_one_created }'
FORMS = {
    "alone on its line": 'chaos B {\n  scenario "the one" DOES\n}',
    "all on one line": "chaos B { scenario 'the one' DOES }",
    "called chaos": 'chaos B { chaos "the one" DOES }',
    "behind a setting": 'chaos B {\n  retries: 3 scenario "the one" DOES\n}',
    "behind settings": 'chaos B { with { retries: 3 timeout: 5s } scenario "the one" DOES }',
    "behind a comment": 'chaos B { /* scenario "no" { */ scenario // scenario "no"\n # "no"\n "the one" DOES }',
    "in a behavior": 'domain D { behavior B { errors { scenario "no" {} } chaos { scenario "the one" DOES } } }',
    "escaped": 'chaos B { scenario "\\u0074he \\"one\\"" DOES }',
    "with Windows' ends of lines": 'chaos B {\r\n  scenario "the one"\r\nDOES\r\n}',
    "beside an apostrophe": "domain D { it's \\\" }\n chaos B { scenario 'the one' DOES }",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_scenario_is_listed_as_it_is_run_in_whatever_form_it_is_written(here: Path, form: str) -> None:
    first = 'chaos B { scenario "first" DOES }\n'
    path = mine(here / "experiments", "own.isl", (first + FORMS[form]).replace("DOES", DOES))
    run = [found.name for found in discovery.in_specification(path)]
    assert run == ["first", "the-one"]
    assert [found.name for found in everything() if found.path.name == "own.isl"] == run
    assert find(str(path), "the one").name == find("the-one").name == "the-one"


def test_what_is_run_of_a_specification_with_a_mistake_is_nothing(here: Path) -> None:
    path = mine(here / "experiments", "own.isl", f'chaos {{ scenario "a" {DOES} scenario "b" {{ expct: x }} }}')
    with pytest.raises(BadExperiment, match='own.isl:1:[0-9]+: unexpected "expct"'):
        discovery.in_specification(path)
