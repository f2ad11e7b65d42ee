"""The worker is killed under load and started again. Orders wait in the queue; none is lost, doubled or oversold."""

from blackstart.faults.crash import Crash, revived
from blackstart.faults.kill import Kill
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.schedule import At
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read

VARIANTS = ("by-supervisor",)
KILLED_AT_S, DOWN_S = 5.0, 25.0
# So that orders wait when it dies, and it has them in hand: a worker that keeps up is idle most of the time.
PAUSE_S = 2.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Down for as long as the fact `worker_down_s` says: 25 s, from T+5 to T+30, where it says nothing; with
    `by-supervisor` until that starts it again, which is then expected."""
    by_supervisor = variant == "by-supervisor"
    down_s = float(target.fact("worker_down_s", DOWN_S))
    killed = At(Kill("worker", PAUSE_S), KILLED_AT_S - PAUSE_S, PAUSE_S + down_s)
    within_s = common.revived_within_s(target)
    return common.plain(
        target,
        f"worker-crash-{variant}" if variant else "worker-crash",
        "Without its worker the sale goes on: orders queue up in Kafka, and each is placed once when it is back.",
        words=("Worker killed", "Worker restarted"),
        faults=(Crash("worker", tests_revival=True, pause_s=PAUSE_S) if by_supervisor else killed,),
        during=(revived("worker", within_s),) if by_supervisor else (),
        recovery=(common.catches_up(target),),
        always=common.same_process(*read.instances(target)),
        checks=(common.backlog_before_kill(target), common.backlog_grew(), *common.uninterrupted()),
        sold_out_s=common.SOLD_OUT_S + (PAUSE_S if by_supervisor else KILLED_AT_S),
        hold_min_s=5.0,
    )
