"""One API of several is killed. The load balancer sends users to the others; none of them sees an error."""

from blackstart.base.errors import BadTarget
from blackstart.faults.crash import Crash, revived
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """The first of the services named `api-…`. Raises BadTarget where there are not two of them."""
    instances = read.instances(target)
    if len(instances) < 2:
        raise BadTarget(
            f'target "{target.name}" has {len(instances)} services api-1, api-2, … with a control: '
            "to kill one of several takes two of them"
        )
    return common.plain(
        target,
        "api-kill",
        "When one API of several is killed users see no error, and its supervisor starts it again.",
        words=("API killed", "API restarted"),
        faults=(Crash(instances[0], tests_revival=True),),
        during=(revived(instances[0], common.revived_within_s(target)),),
        recovery=(common.takes_orders_again(flags.wait_ready_timeout_s),),
        always=common.same_process(*instances[1:], "worker"),
        goes_on=True,
        checks=common.uninterrupted(),
        hold_min_s=common.GOES_ON_S,
    )
