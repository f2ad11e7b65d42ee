"""Which failures of drills are tried again: what a busy machine kept from a verdict. And which files never meet."""

import tomllib

import pytest

from tests.environment import ROOT
from tests.one_at_a_time import KAFKA, KUBERNETES, scope

pytest_plugins = ["pytester"]

BUSY = "cause:     the load is not complete: the load's process stood still for 506 ms"
STARVED = "seen only while the run itself was late by 4.07 s, with 13.4 threads for each processor"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]


def told(verdict: str, why: str) -> str:
    """A drill's output."""
    return f"check  sale_felt_it  inconclusive  {why}\n\nkafka-down on flash-sale: {verdict}\n{why}\nevidence: x"


@pytest.mark.parametrize(
    ("output", "tries"),
    [
        (told("inconclusive", BUSY), 3),
        (told("inconclusive", STARVED), 3),
        (told("inconclusive", "the load sent nothing"), 1),
        (told("broke", BUSY), 1),
        (told("not restored", STARVED), 1),
        ("no drill", 1),
    ],
)
def test_only_what_a_busy_machine_kept_from_a_verdict_is_tried_again(
    pytester: pytest.Pytester, output: str, tries: int
) -> None:
    pytester.makeini(f"[pytest]\nreruns = {SETTINGS['reruns']}\nonly_rerun =\n  {SETTINGS['only_rerun'][0]}\n")
    pytester.makepyfile(f"def test_it():\n    code = 30\n    assert code == 0, {output!r}\n")
    counted = pytester.runpytest_subprocess("-p", "no:cacheprovider").parseoutcomes()
    assert counted == {"failed": 1, **({"rerun": tries - 1} if tries > 1 else {})}


def test_the_files_with_a_kafka_are_there_and_are_one_scope() -> None:
    assert [name for name in KAFKA | KUBERNETES if not (ROOT / "tests" / name).is_file()] == []
    assert scope("tests/lab/test_shop_drills.py") == scope("tests/contract/test_lose_partition.py") == "kafka"
    assert scope("tests/unit/test_run_again.py") == "tests/unit/test_run_again.py"


def test_every_file_that_brings_a_kafka_up_is_among_them() -> None:
    brings = ("SaleDriver", "ShopDriver", "OtherDriver", "kafka_broker import", "servers import kafka\n")
    found = {
        f"{path.parent.name}/{path.name}"
        for folder in ("lab", "contract")
        for path in (ROOT / "tests" / folder).glob("test_*.py")
        if any(word in path.read_text() for word in brings)
    }
    assert found - KAFKA == set()


def test_every_file_that_brings_a_kubernetes_up_is_one_scope_or_has_the_last_kafka() -> None:
    found = {
        f"{path.parent.name}/{path.name}"
        for folder in ("lab", "contract")
        for path in (ROOT / "tests" / folder).glob("test_*.py")
        if "cluster import Cluster" in path.read_text()
    }
    assert found == KUBERNETES and {scope(f"tests/{name}") for name in found - KAFKA} == {"kubernetes"}
    assert found & KAFKA == {max(KAFKA)}
