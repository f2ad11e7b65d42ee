"""What a record says of a scenario is what is written in its file."""

import hashlib
from pathlib import Path

from blackstart.evidence import manifest
from blackstart.suites import specified, systems

SPEC = systems.folder("checkout") / "spec.isl"


def test_specification_behavior_injections_and_limits_are_told_as_they_are_written() -> None:
    digest = hashlib.sha256(SPEC.read_bytes()).hexdigest()
    told = specified.told(SPEC, "rate-limit-storm", digest)
    assert told["spec"] == {"name": "Checkout", "version": "1.0.0", "sha256": digest}
    assert (told["behavior"], told["scenario"]) == ("CreateCheckoutSession", "rate limit storm")
    (storm,) = told["injections"]
    assert storm == {"type": "rate_limit_storm", "parameters": {"requests": 100, "window": 1.0, "limit": 10}}
    assert (told["retries"], told["limit_s"]) == (0, None)
    assert manifest.claims(told)["spec"] == told["spec"]


def test_a_blocks_limits_are_those_of_a_scenario_that_says_nothing_itself(tmp_path: Path) -> None:
    path = tmp_path / "mine.isl"
    path.write_text(
        "chaos Open { retries: 2 timeout: 30s\n"
        ' scenario "a" { with: idempotency_key("k") expect: eventually_succeeds }\n'
        ' scenario "b" { with: idempotency_key("k") retries: 0 timeout: 9s expect: eventually_succeeds }\n}\n'
    )
    a, b = (specified.told(path, name, "") for name in ("a", "b"))
    assert (a["retries"], a["limit_s"], b["retries"], b["limit_s"]) == (2, 30.0, 0, 9.0)
    assert a["block_retries"] == b["block_retries"] == 2
    assert a["spec"]["name"] == "mine.isl"
