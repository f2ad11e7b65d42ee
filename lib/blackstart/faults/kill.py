"""Kill a service without a word of warning, so that it stays down whatever would revive it."""

from blackstart.base.codec import plain
from blackstart.base.errors import NotAvailable
from blackstart.faults import _chaos_mesh
from blackstart.faults._service import service_under_test
from blackstart.model.change import Change
from blackstart.model.target import Target


@plain("fault.kill")
class Kill:
    """SIGKILL, with the reviver told to leave it. It bites when its control sees it down and nobody answers there.

    Pods of Kubernetes that are not all of one workload, of which there could be none, run a program that only waits
    meanwhile: by Chaos Mesh. It bites when nobody answers there.
    """

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service does not run, or could not be started again."""
        tested = service_under_test(target, self.service)
        tested.refuse_lost(target)
        try:
            kill = tested.control.kill()
        except NotAvailable as error:
            if not _chaos_mesh.in_pods(target, self.service):
                raise
            if not _chaos_mesh.in_served_pods(target, self.service):
                by = "where the cluster has Chaos Mesh (https://chaos-mesh.org), they can be killed by that"
                raise NotAvailable(f"{error.reason}; {by}") from error
            return (_chaos_mesh.pods_of(target, self.service).paused(self.describe()),)
        return (tested.change(self.describe(), kill, tested.control.start(), tested.down()),)

    def describe(self) -> str:
        """As in "kill redis"."""
        return f"kill {self.service}"
