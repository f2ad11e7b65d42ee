"""Pure verdicts over a load's history and the final state. One file, one check; found by its name."""

from blackstart.checks.catalogue import names, run
from blackstart.checks.result import CheckResult

__all__ = ["CheckResult", "names", "run"]
