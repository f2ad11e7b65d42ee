"""Which system a run is about: the order of DESIGN, and never a guess between two."""

from __future__ import annotations

from pathlib import Path

import pytest

from blackstart.base.errors import BadFlag, BadTarget
from blackstart.commands import choose_target
from blackstart.model import flags
from tests.unit.choosing import chosen, empty_folder, lab, own


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return empty_folder(tmp_path, monkeypatch)


# ---------------------------------------------------------------- the order


def test_without_anything_the_seeds_defaults_are_taken() -> None:
    target = chosen()
    assert (target.api, target.why) == ("http://localhost:8000", "the defaults")
    assert target.service("redis").control == {"container": "redis"}
    assert target.service("redis").address == "localhost:6379"
    assert target.service("postgres").control == {"container": "postgres"}


def test_a_running_lab_is_taken_before_the_defaults(own_state: Path) -> None:
    lab(own_state)
    assert chosen().why == "the running lab trader"


def test_noninteractive_never_falls_on_a_lab_that_happens_to_run(own_state: Path) -> None:
    lab(own_state)
    target = chosen(noninteractive=True)
    assert target.api == "http://localhost:8000"
    assert "only by name" in target.why


@pytest.mark.parametrize("name", ["lab", "trader"])
def test_noninteractive_takes_a_lab_that_is_named(own_state: Path, name: str) -> None:
    lab(own_state)
    assert chosen(noninteractive=True, target=name).api == "http://127.0.0.1:41000"


def test_a_file_in_targets_is_taken_before_a_lab(here: Path, own_state: Path) -> None:
    lab(own_state)
    own(here, "staging")
    assert chosen().name == "staging"


def test_the_original_flags_are_taken_before_files_and_labs(here: Path, own_state: Path) -> None:
    lab(own_state)
    own(here, "staging")
    target = chosen(redis_container="cache")
    assert target.service("redis").control == {"container": "cache"}
    assert target.why == "the flags redis_container"


def test_a_named_target_is_taken_before_everything(here: Path, own_state: Path) -> None:
    lab(own_state)
    own(here, "staging")
    own(here, "other")
    assert chosen(target="other").name == "other"
    assert chosen(target="targets/staging.toml").name == "staging"
    assert chosen(target=str(here / "targets" / "staging.toml")).name == "staging"


def test_a_named_target_and_an_option_that_names_another_system_are_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(here, "other")
    with pytest.raises(BadFlag, match="--api and --target both say which system is meant: leave --api or --target out"):
        chosen(target="other", api="http://x:1")
    monkeypatch.setenv("TARGET", "other")
    with pytest.raises(BadFlag, match="--redis-container and TARGET both say which system is meant"):
        chosen(redis_container="cache")


def test_variables_beside_a_named_target_are_ignored_and_that_is_said(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(here, "other")
    for name, value in {"API": "http://x:1", "REDIS_CONTAINER": "cache", "DATABASE_URL": "postgresql://h/x"}.items():
        monkeypatch.setenv(name, value)
    target = chosen(target="other")
    assert target.api == "http://other:8000"
    assert target.why == (
        "file targets/other.toml; ignored: API, REDIS_CONTAINER, DATABASE_URL (--target says what is meant)"
    )
    monkeypatch.setenv("TARGET", "other")
    assert "(TARGET says what is meant)" in chosen().why


def test_a_variable_that_the_named_target_reads_itself_is_not_called_ignored(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own(here, "other")
    path.write_text(path.read_text() + '[services.postgres]\ndsn = "env:DATABASE_URL"\n')
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/x")
    assert chosen(target="other").why == "file targets/other.toml"


def test_a_variable_that_the_only_fitting_file_reads_itself_names_no_other_system(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own(here, "staging")
    path.write_text(path.read_text() + '[services.postgres]\ndsn = "env:DATABASE_URL"\n')
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/x")
    assert chosen().why == "file targets/staging.toml"
    assert chosen(database_url="postgresql://h/other").why == "the flags database_url"
    monkeypatch.setenv("REDIS_CONTAINER", "cache")
    assert chosen().why == "the flags database_url, redis_container"


# ---------------------------------------------------------------- never a guess


def test_two_files_that_fit_are_refused(here: Path) -> None:
    own(here, "staging")
    own(here, "production")
    with pytest.raises(BadTarget, match="production, staging"):
        chosen()


def test_files_of_another_kind_do_not_count(here: Path) -> None:
    own(here, "staging")
    own(here, "shop", "shop")
    assert chosen().name == "staging"


def test_two_labs_that_fit_are_refused(own_state: Path) -> None:
    lab(own_state)
    lab(own_state, "trader-2")
    for options in ({}, {"target": "lab"}):
        with pytest.raises(BadTarget, match="2 labs run"):
            chosen(**options)


def test_a_name_that_is_both_a_file_and_a_lab_is_refused(here: Path, own_state: Path) -> None:
    lab(own_state)
    own(here, "trader")
    with pytest.raises(BadTarget, match="both a file"):
        chosen(target="trader")


def test_an_unknown_name_is_refused_with_a_guess(here: Path) -> None:
    own(here, "staging")
    with pytest.raises(BadTarget, match='Did you mean "staging"?'):
        chosen(target="stagin")


def test_a_lab_that_is_not_up_is_refused_with_the_command_that_starts_it() -> None:
    with pytest.raises(BadTarget, match="invoke lab.up trader"):
        chosen(target="lab")


def test_a_kind_without_defaults_is_refused() -> None:
    with pytest.raises(BadTarget, match="--target"):
        chosen("gateway")


def test_a_broken_file_in_targets_is_refused_by_name(here: Path) -> None:
    own(here, "staging").write_text("name = ")
    with pytest.raises(BadTarget, match=r"staging\.toml"):
        chosen()


# ---------------------------------------------------------------- a user's own experiment, for a kind of its own


def test_a_file_of_that_name_is_meant_though_it_says_no_kind(here: Path) -> None:
    own(here, "payments", "")
    own(here, "other", "")
    own(here, "staging")
    assert chosen("payments").name == "payments"


def test_a_file_that_says_no_kind_may_be_meant_where_none_fits_better(here: Path) -> None:
    own(here, "other", "")
    assert chosen("payments").name == "other"


def test_a_file_may_be_meant_by_its_name_whatever_its_kind(here: Path) -> None:
    own(here, "staging")
    own(here, "production")
    assert chosen("staging").name == "staging"


def test_a_file_of_another_kind_and_name_is_not_meant(here: Path) -> None:
    own(here, "shop", "shop")
    with pytest.raises(BadTarget, match="no target for a payments"):
        chosen("payments")


def test_without_a_target_a_lab_of_the_kind_is_named_where_there_is_one(here: Path) -> None:
    with pytest.raises(BadTarget, match="lab.up gateway, and then --target lab"):
        chosen("gateway")
    with pytest.raises(BadTarget) as told:
        chosen("payments")
    assert "lab.up" not in str(told.value)


def test_a_named_one_and_one_of_that_kind_are_refused(here: Path) -> None:
    own(here, "payments", "")
    own(here, "staging", "payments")
    with pytest.raises(BadTarget, match="2 files"):
        chosen("payments")


@pytest.mark.parametrize("kind", ["trader", ""])
def test_the_lab_that_is_named_serves_it(own_state: Path, kind: str) -> None:
    lab(own_state)
    assert chosen(kind, noninteractive=True, target="lab").api == "http://127.0.0.1:41000"


def test_a_lab_of_another_kind_does_not_serve_it(own_state: Path) -> None:
    lab(own_state)
    with pytest.raises(BadTarget, match="no lab of a gateway runs"):
        chosen("gateway", target="lab")


def test_one_that_says_no_kind_takes_the_only_file_there_is(here: Path) -> None:
    own(here, "staging")
    assert chosen("").name == "staging"
    own(here, "shop", "shop")
    with pytest.raises(BadTarget, match="2 files"):
        chosen("")


@pytest.mark.parametrize("options", [{"api": "http://127.0.0.1:1"}, {"redis_url": "redis://127.0.0.1:1"}])
def test_options_that_can_make_a_trader_only_are_said_to_be_too_little_for_a_gateway(
    here: Path, options: dict[str, str]
) -> None:
    name = "--" + next(iter(options)).replace("_", "-")
    with pytest.raises(BadTarget, match=f"{name} alone can't describe one") as told:
        choose_target.target_for("gateway", flags.read(options, {}))
    assert "[requests]" in str(told.value) and "--target" in str(told.value)
