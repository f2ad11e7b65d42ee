"""Reading a cluster's API server: one look, of which each endpoint says what it makes."""

from blackstart.base.errors import BlackstartError, StepTimedOut
from blackstart.controls.kubernetes_context import Context
from blackstart.controls.kubernetes_workload import ApiClient
from blackstart.model.reading import Answer, Reader
from blackstart.probes.visitor import HoldsNothing


class ApiServerEndpoint:
    """Mixed into an endpoint that asks the API server of its `place`."""

    place: Context

    @property
    def least_tick_s(self) -> float:
        """How often it may be asked, in seconds."""
        return 0.1 if self.place.local else 0.5

    def open(self) -> Reader:
        """A reader; the connection is kept by the client."""
        return _Looker(self)

    def look(self, api: ApiClient) -> Answer:
        """What is seen there. Raises StepFailed, StepTimedOut."""
        raise NotImplementedError


class _Looker(HoldsNothing):
    def __init__(self, what: ApiServerEndpoint) -> None:
        self._what = what

    def read(self, timeout_s: float) -> Answer:
        try:
            return self._what.look(self._what.place.api(timeout_s))
        except StepTimedOut as error:
            return Answer("timed_out", note=str(error))
        except BlackstartError as error:
            return Answer("unreadable", note=str(error))
