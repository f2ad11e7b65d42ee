"""What a check says; the catalogue makes a finding of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from blackstart.model.verdict import Verdict

MOST_OFFENDERS = 20


@dataclass(frozen=True)
class CheckResult:
    """A verdict with its figures. `offenders` are keys, at most 20 of them."""

    verdict: Verdict
    message: str
    expected: str
    actual: str
    offenders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reporter:
    """Makes the results of one check: what it expects is the same in all of them."""

    expected: str

    def held(self, actual: str) -> CheckResult:
        """It was looked at, and it is so."""
        return CheckResult(Verdict.HELD, f"{self.expected}: {actual}", self.expected, actual)

    def broke(self, message: str, actual: str, offenders: Sequence[str] = (), more: int = 0) -> CheckResult:
        """It is proved not to be so. `more` is how many offenders there are beside those given."""
        named = [key for key in offenders if key]  # a k6 script's requests need have none
        shown = f"{message} ({examples(named, more)})" if named else message
        return CheckResult(Verdict.BROKE, shown, self.expected, actual, tuple(named[:MOST_OFFENDERS]))

    def unknown(self, message: str, actual: str = "", offenders: Sequence[str] = ()) -> CheckResult:
        """Nothing can be said: too little was seen."""
        kept = tuple(offenders[:MOST_OFFENDERS])
        return CheckResult(Verdict.INCONCLUSIVE, message, self.expected, actual or message, kept)


def examples(keys: Sequence[str], more: int = 0, most: int = 3) -> str:
    """The first few keys, and how many more there are: `more` beside these."""
    more += max(0, len(keys) - most)
    return ", ".join(keys[:most]) + (f" and {more} more" if more > 0 else "")
