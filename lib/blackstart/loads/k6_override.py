"""A user's own k6 script in place of the load that an experiment declares."""

from dataclasses import replace
from pathlib import Path

from blackstart.base.errors import BadFlag, Refused
from blackstart.loads import K6
from blackstart.model.experiment import Check, Experiment, Traffic

THRESHOLDS = "k6_thresholds"
_EXPECTED = Check("thresholds", THRESHOLDS, hint="See the thresholds of the k6 script.")


def with_k6(experiment: Experiment, script: str) -> Experiment:
    """The experiment under the script's load, its thresholds expected too; as it is where `script` is empty.

    Checks look at all of the script's requests; where the experiment says what a script is given (`Traffic.k6`), at
    those with the names of its operations. One without a load gets the script's from the baseline to the end. Raises
    BadFlag where there is no such script, and Refused where the experiment's checks tell several kinds of requests, or
    keys, apart, which a script of somebody else's does not send, or look at the rate.
    """
    if not script:
        return experiment
    if not Path(script).is_file():
        raise BadFlag(f"--k6={script!r}: there is no such file")
    traffic = experiment.traffic
    if traffic is not None and traffic.k6 is not None:
        given = replace(traffic, load=replace(traffic.k6, script=script), k6=None)
        return replace(experiment, traffic=given, checks=(*experiment.checks, _EXPECTED))
    operations = getattr(traffic.load, "operations", ()) if traffic is not None else ()
    if traffic is not None and (traffic.flows != "throughout" or len(operations) != 1):
        raise Refused(f"{experiment.name} needs its own load, which a k6 script can't replace. Run it without --k6.")
    if any(check.check == "rate_reached" for check in experiment.checks):
        raise Refused(
            f"{experiment.name} measures the rate of its own load, and k6 does not tell when a request was due. Run it "
            "without --k6."
        )
    checks = tuple(
        replace(check, params={**check.params, "op": ""}) if "op" in check.params else check
        for check in experiment.checks
    )
    return replace(experiment, traffic=Traffic(K6(script)), checks=(*checks, _EXPECTED))
