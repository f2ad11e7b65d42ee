"""Ways in which chaos blocks have passed for nothing, and the tests that show that none of them is possible here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.environment import ROOT

_DSL, _VERDICT, _CHECKS = "tests/unit/dsl/test_", "tests/unit/verdict/test_", "tests/unit/verdict/checks/test_"
_RUN, _BUNDLE, _CONTRACT = "tests/unit/engine/test_run", "tests/unit/evidence/test_", "tests/contract/test_"

IMPOSSIBLE = {
    "an unknown injection is dropped": (
        f"{_DSL}words.py::test_a_mistake_says_what_would_be_right",
        f"{_DSL}words.py::test_every_parameter_refuses_what_it_can_not_be",
        f"{_DSL}lower.py::test_every_word_of_the_language_has_a_meaning_or_is_refused_by_name",
        f"{_DSL}lower.py::test_what_can_t_be_done_is_refused_with_its_place_and_never_left_out",
        f"{_DSL}parse.py::test_a_block_that_is_none_is_never_passed_over",
    ),
    "injectors act on nothing": (
        f"{_CONTRACT}faults_carried.py::test_a_target_that_goes_past_its_proxy_is_refused_at_the_rehearsal",
        f"{_CONTRACT}faults_proxied.py::test_it_bites_on_the_wire_and_its_undo_leaves_nothing_of_ours",
        f"{_CONTRACT}faults_proxied.py::test_a_service_past_the_proxy_shows_no_bite",
        f"{_CONTRACT}own_injector.py::test_it_is_planned_run_and_judged_as_any_other_fault_is",
        f"{_RUN}_refusals.py::test_a_fault_that_does_not_bite_is_inconclusive",
        f"{_VERDICT}judge.py::test_a_fault_that_did_not_bite_is_inconclusive_even_where_something_broke",
    ),
    "a claim is always true": (
        f"{_DSL}words.py::test_a_claim_that_no_answer_could_meet_or_miss_is_a_mistake",
        f"{_DSL}words.py::test_every_expectation_is_known_alone_and_joined_with_nothing",
        f"{_CHECKS}claim_holds.py::test_a_claim_is_true_or_false_of_an_answer",
        f"{_CHECKS}claim_holds.py::test_of_nothing_nothing_is_claimed",
        f"{_CHECKS}idempotency.py::test_where_nothing_could_be_made_twice_nothing_is_said",
    ),
    "a time-out counts as the expected error": (
        f"{_CHECKS}idempotency.py::test_only_the_code_itself_is_the_expected_error",
        f"{_CHECKS}claim_holds.py::test_without_an_answer_only_what_the_wait_tells_is_known",
    ),
    "a storm sets the limit": (
        f"{_DSL}lower.py::test_a_storm_is_of_one_client_and_never_sets_the_limit",
        f"{_CHECKS}idempotency.py::test_under_a_storm_each_is_served_or_refused",
        f"{_CHECKS}traffic.py::test_the_rate_is_what_the_summary_of_the_load_says",
    ),
    "concurrent requests never overlap": (
        f"{_DSL}lower.py::test_duplicates_are_a_burst_of_one_key_that_must_be_proved_to_overlap",
        f"{_CHECKS}traffic.py::test_requests_that_share_none_do_not_overlap",
        f"{_CONTRACT}loads_burst.py::test_all_requests_of_a_burst_overlap",
        f"{_VERDICT}judge.py::test_without_its_premise_a_run_is_inconclusive_whatever_broke_or_held",
    ),
    "p99 is never read": (
        f"{_DSL}lower.py::test_a_delay_is_the_one_that_is_asked_for_and_that_is_measured",
        f"{_CHECKS}delays_met.py::test_another_delay_is_not_taken_for_it",
        f"{_CHECKS}delays_met.py::test_too_few_or_none_tell_nothing",
    ),
    "what fails while cleaning up is swallowed": (
        f"{_RUN}.py::test_an_undo_that_raises_does_not_keep_the_others_from_being_undone",
        f"{_RUN}.py::test_not_restored_is_louder_than_a_signal",
        f"{_VERDICT}judge.py::test_what_is_not_proved_undone_beats_everything",
        f"{_VERDICT}judge.py::test_a_change_that_nobody_looked_at_again_is_not_restored",
    ),
    "what is missing is replaced by what always succeeds": (
        f"{_DSL}lower.py::test_what_the_target_lacks_is_named",
        f"{_CONTRACT}own_injector.py::test_a_behavior_that_the_system_does_not_have_is_never_held",
        f"{_RUN}_refusals.py::test_a_baseline_that_does_not_hold_is_refused_and_nothing_touched",
        f"{_CHECKS}idempotency.py::test_answers_that_name_nothing_are_not_taken_for_equal_ones",
    ),
    "a verifier only looks whether files are there": (
        f"{_BUNDLE}attestation.py::test_one_byte_changed_anywhere_is_named",
        f"{_BUNDLE}attestation.py::test_a_file_that_is_removed_added_or_renamed_is_named",
        f"{_BUNDLE}attestation.py::test_what_a_forger_does_is_named",
        f"{_BUNDLE}verify.py::test_a_verdict_that_is_not_the_journals_is_named",
        f"{_BUNDLE}archive.py::test_one_byte_changed_anywhere_in_it_is_told",
    ),
}


@pytest.fixture(scope="module")
def collected() -> frozenset[str]:
    """What pytest runs of them, without being told of any mark."""
    files = sorted({name.partition("::")[0] for names in IMPOSSIBLE.values() for name in names})
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}  # -v lists them otherwise
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return frozenset(line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line)


@pytest.mark.parametrize("false_pass", IMPOSSIBLE)
def test_each_false_pass_is_shown_to_be_impossible_by_tests_that_are_run(
    false_pass: str, collected: frozenset[str]
) -> None:
    assert [name for name in IMPOSSIBLE[false_pass] if name not in collected] == []
