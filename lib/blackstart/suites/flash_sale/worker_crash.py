"""The worker is killed under load and started again. Orders wait in the queue; none is lost, doubled or oversold."""

from blackstart.faults.amid import Amid
from blackstart.faults.crash import Crash, revived
from blackstart.faults.kill import Kill
from blackstart.faults.lock_table import LockTable
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.schedule import At
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read

VARIANTS = ("by-supervisor",)
KILLED_AT_S, DOWN_S = 5.0, 25.0
# Frozen, locked out and let go on before it is killed: the waits, and what a control and a lock take besides.
_BEFORE_S = 3.5


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Down for as long as the fact `worker_down_s` says: 25 s, from T+5 to T+30, where it says nothing; with
    `by-supervisor` until that starts it again, which is then expected."""
    by_supervisor = variant == "by-supervisor"
    down_s = float(target.fact("worker_down_s", DOWN_S))
    crash = Crash("worker", tests_revival=True) if by_supervisor else Kill("worker")
    busy = Amid(crash, LockTable("orders", mode="EXCLUSIVE"))
    killed = busy if by_supervisor else At(busy, KILLED_AT_S - _BEFORE_S, _BEFORE_S + down_s)
    within_s = common.revived_within_s(target)
    waited = common.backlog_at_kill(target, busy.pause_s + busy.busy_s)
    # Of one that its supervisor starts again at once no queue is left to be seen.
    grew = () if by_supervisor else (common.backlog_grew(),)
    return common.plain(
        target,
        f"worker-crash-{variant}" if variant else "worker-crash",
        "Without its worker the sale goes on: orders queue up in Kafka, and each is placed once when it is back.",
        words=("Worker killed", "Worker restarted"),
        faults=(killed,),
        during=(revived("worker", within_s),) if by_supervisor else (),
        recovery=(common.catches_up(target),),
        always=common.same_process(*read.instances(target)),
        checks=(waited, *grew, *common.uninterrupted()),
        sold_out_s=common.SOLD_OUT_S + _BEFORE_S if by_supervisor else KILLED_AT_S + 1.5 + down_s / 2,
        hold_min_s=common.GOES_ON_S,
    )
