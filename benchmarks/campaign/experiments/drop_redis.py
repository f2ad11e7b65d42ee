"""What goes to Redis is dropped by a rule of iptables; without the rule it must answer again."""

from blackstart.codec import plain
from blackstart.expect import eventually
from blackstart.model import Change, Command, Experiment
from blackstart.probes.redis_ping import RedisPing
from blackstart.target import Target

ping = RedisPing("redis")
MARK = "blackstart-campaign"


@plain
class Rule:
    """One tagged rule in the INPUT chain, before all others."""

    port: int
    action: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        words = ("-p", "tcp", "--dport", str(self.port), "-m", "comment", "--comment", MARK, "-j", self.action)
        seen = ping.bind(target)
        remove = 'while iptables -w 5 -C "$@" 2>/dev/null; do iptables -w 5 -D "$@" || exit 1; done'
        return (
            Change(
                what=f"{self.action.lower()} what goes to port {self.port}",
                service="redis",
                do=(Command(("iptables", "-w", "5", "-I", "INPUT", "1", *words)),),
                undo=(Command(("sh", "-c", remove, "remove", "INPUT", *words)),),
                bites=(seen.silent(),),
                gone=(seen.is_("PONG"),),
                rights=(Command(("iptables", "-w", "5", "-S", "INPUT")),),
                undo_is_noop=True,
            ),
        )

    def describe(self) -> str:
        return f"{self.action.lower()} packets"


def declare(name: str, action: str) -> Experiment:
    """The experiment with that rule."""
    return Experiment(
        name=name,
        target="any",
        hypothesis="Redis answers, can't be reached behind the rule, and answers again.",
        baseline=(eventually(ping.is_("PONG"), name="pong_before"),),
        faults=(Rule(6379, action),),
        during=(eventually(ping.silent(), name="silent"),),
        recovery=(eventually(ping.is_("PONG"), name="pong_after"),),
        hold_min_s=1.0,
    )


experiment = declare("drop-redis", "DROP")
