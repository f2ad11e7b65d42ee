"""A user's own k6 script in place of the load that an experiment declares."""

from dataclasses import replace
from pathlib import Path

from blackstart.base import sockets
from blackstart.base.errors import BadFlag, BadTarget, Refused, StepFailed
from blackstart.base.secrets.env import secret
from blackstart.base.urls import parts
from blackstart.controls.kubernetes_context import Context
from blackstart.loads import K6, K6Pods
from blackstart.model.experiment import Check, Experiment, Traffic
from blackstart.model.target import Target

THRESHOLDS = "k6_thresholds"
_EXPECTED = Check("thresholds", THRESHOLDS, hint="See the thresholds of the k6 script.")


def with_k6(experiment: Experiment, script: str, pods: int = 0, target: Target | None = None) -> Experiment:
    """The experiment under the script's load, its thresholds expected too; as it is where `script` is empty.

    With `pods` it comes from so many pods of the cluster that the target's [load] names.

    Checks look at all of the script's requests; where the experiment says what a script is given (`Traffic.k6`), at
    those with the names of its operations. One without a load gets the script's from the baseline to the end. Raises
    BadFlag where there is no such script, and Refused where the experiment's checks tell several kinds of requests, or
    keys, apart, which a script of somebody else's does not send, or look at the rate.
    """
    if not script:
        if pods:
            raise BadFlag(f"--pods={pods}: pods play a k6 script; give it with --k6=SCRIPT")
        return experiment
    if not Path(script).is_file():
        raise BadFlag(f"--k6={script!r}: there is no such file")
    traffic = experiment.traffic
    if traffic is not None and traffic.k6 is not None:
        given = replace(traffic, load=_placed(replace(traffic.k6, script=script), pods, target), k6=None)
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
    return replace(experiment, traffic=Traffic(_placed(K6(script), pods, target)), checks=(*checks, _EXPECTED))


def _placed(load: K6, pods: int, target: Target | None) -> K6 | K6Pods:
    """The load, from pods where that is wanted. Raises BadTarget, or StepFailed as Refused, where it can't come from
    there."""
    if not pods or target is None:
        return load
    table, within = target.load, secret(target.load.get("api", "")).rstrip("/")
    api = within or target.api
    if not table:
        raise BadTarget(
            f'--pods={pods}: target "{target.name}" does not say where: [load] image = "an image with k6", '
            'namespace = "…", context = "…"'
        )
    if api and sockets.is_loopback(parts.place_in(parts.split(api, "", whole_path=True).where, 0, "").host):
        raise BadTarget(
            f"--pods={pods}: to a pod {api} is the pod itself; say what pods reach the API of {target.name} by, as in "
            '[load] api = "http://api.NAMESPACE.svc:8000"'
        )
    try:
        place = Context(table.get("namespace", ""), table.get("context", "")).resolve()
        return K6Pods(load, pods, table["image"], place, within, table.get("env_from", ""))
    except ValueError as error:
        raise BadTarget(f"--pods={pods}: {error}") from error
    except StepFailed as error:
        raise Refused(f"--pods={pods}: the cluster can't be asked: {error}") from error
