"""An experiment that was written before the modules moved is the same experiment."""

from pathlib import Path

from blackstart.model import expect, experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites import discovery

BEFORE = '''
"""Is the lock waited for?"""
from blackstart.errors import BadTarget
from blackstart.expect import always, eventually, never
from blackstart.faults.pause import Pause
from blackstart.flags import Flags
from blackstart.model import Check, Experiment, Traffic
from blackstart.systems import gateway, trader
from blackstart.systems.trader import leader
from blackstart.target import Target

def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    if not target.name:
        raise BadTarget("no name")
    return Experiment(
        name="waits", target="trader", hypothesis="It waits.",
        baseline=(eventually(trader.ready().is_(200), name="ready_before"),), faults=(Pause("redis"),),
        during=(eventually(leader().is_(0), within_s=10, name="steps_down"),),
    )
'''


def test_the_places_that_it_imports_from_lead_to_the_very_classes(tmp_path: Path) -> None:
    file = tmp_path / "waits.py"
    file.write_text(BEFORE)
    made = discovery.declare(discovery.find(str(file)), Target("trader"), Flags())
    assert isinstance(made, experiment.Experiment)
    assert all(isinstance(one, expect.Expectation) for one in (*made.baseline, *made.during))


def test_what_never_was_there_is_not_found(tmp_path: Path) -> None:
    for line in ("import blackstart.nowhere", "from blackstart.model import Nothing", "import blackstart.systems.none"):
        file = tmp_path / f"{abs(hash(line))}.py"
        file.write_text(f'"""It."""\n{line}\n')
        try:
            discovery.load(discovery.find(str(file)))
        except Exception as error:
            assert "line 2" in str(error) and ("No module named" in str(error) or "cannot import" in str(error))
        else:
            raise AssertionError(line)
