"""What a stressor of ours really takes: processor time and memory, of it and all that it has started."""

import contextlib
import time
from pathlib import Path
from typing import Literal

from blackstart.base.codec import plain
from blackstart.controls import process_tree
from blackstart.model.reading import Answer, Endpoint, Picked, Reader
from blackstart.probes.mixed_in import Bound
from blackstart.probes.visitor import HoldsNothing

_LEAST_AGE_S = 0.5
_MB = 1024 * 1024
_NOTHING = {"cores": 0.0, "mb": 0}


@plain("probe.stress_use")
class StressUse(Bound):
    """Of the process in the `record` (a line `pid:start time`): the `cores` that it has used on the average since it
    began, or waited for since others used them (Linux; elsewhere used, alone), or the `mb` of memory that it has now:
    0 where it does not run. Absent where it has only begun."""

    record: str
    what: Literal["cores", "mb"]
    name: str

    def endpoint(self) -> Endpoint:
        """The process; both figures come from one look."""
        return StressorLook(self.record)

    def pick(self, answer: Answer) -> Picked:
        """The figure."""
        if not answer.body:
            return "absent", None, answer.note
        return "value", answer.body[self.what], answer.note


@plain("endpoint.stressor")
class StressorLook:
    """One look at a stressor and its children."""

    record: str
    least_tick_s = 0.1

    def open(self) -> Reader:
        """A reader; nothing is held between reads."""
        return _Looker(self.record)

    def describe(self) -> str:
        """Whose record it is."""
        return f"what {self.record} uses"


class _Looker(HoldsNothing):
    def __init__(self, record: str) -> None:
        self._record = Path(record)

    def read(self, timeout_s: float) -> Answer:
        import psutil  # noqa: PLC0415  (declarations load nothing that looks)

        try:
            pid, _, start = self._record.read_text().strip().partition(":")
            seen = process_tree.look(int(pid))
            if seen is None or seen.start != start or not seen.alive:
                return Answer("answer", _NOTHING, note=f"process {pid} has ended")
            root = psutil.Process(int(pid))
            age_s = time.time() - root.create_time()
            if age_s < _LEAST_AGE_S:
                return Answer("answer", note="it has only begun")
            used_s, used_bytes = 0.0, 0
            for one in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = one.cpu_times()
                    used_s += times.user + times.system + _waited_s(one.pid)
                    used_bytes += one.memory_info().rss
        except (FileNotFoundError, psutil.NoSuchProcess) as error:
            return Answer("answer", _NOTHING, note=f"no stressor: {error}")
        except ValueError:  # the record is only being written
            return Answer("answer", note="it has only begun")
        except (OSError, psutil.Error) as error:
            return Answer("unreadable", note=str(error))
        return Answer("answer", {"cores": round(used_s / age_s, 3), "mb": used_bytes // _MB})


def _waited_s(pid: int) -> float:
    """How long it could have run and was not let: that processor was not idle either."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0
