"""What comes of a step, and how it is told."""

from dataclasses import dataclass

from blackstart.controls.steps.shell import describe
from blackstart.model.step import HttpCall, Step

KEPT_OUTPUT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step. `code` is the exit code or HTTP status; `already` says that it was so beforehand."""

    ok: bool
    code: int
    stdout: str
    stderr: str
    took_s: float
    already: bool = False


def complaint(step: Step, outcome: Outcome) -> str:
    """The command, how it ended, and the last lines that it printed."""
    lines = [line for line in f"{outcome.stdout}\n{outcome.stderr}".splitlines() if line.strip()][-5:]
    end = f"answered {outcome.code}" if isinstance(step, HttpCall) else f"ended with exit code {outcome.code}"
    return "\n".join([f"`{describe(step)}` {end} after {outcome.took_s:.1f} s", *(f"    {line}" for line in lines)])


def last_line(text: str) -> str:
    """The last line that is not empty; "" where there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
