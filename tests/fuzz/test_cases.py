"""The long run is as long as it is said to be."""

from tests.fuzz import test_answers, test_files_and_flags, test_records
from tests.fuzz.cases import LEAST_LONG, declared


def test_the_long_run_has_at_least_100_000_cases_and_every_input_its_share() -> None:
    assert sum(declared.values()) >= LEAST_LONG
    for module in (test_files_and_flags, test_records, test_answers):
        shares = [declared[name] for name in vars(module) if name in declared]
        assert len(shares) >= 3 and min(shares) >= 5_000
