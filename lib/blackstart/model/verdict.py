"""What a run can come to: one word each, with everything that depends on the word alone. Reports say how it looks."""

from enum import StrEnum
from typing import Self

from blackstart.base import errors


class Verdict(StrEnum):
    """A run comes to one of these, an expectation or a check to one of the first three.

    `exit_code`: of the process. `sign`: before the word, for people. `csv`: `test_result` of the CSV log. `status`: in
    the form of a proof bundle, where all that is neither a pass nor untouched is a fail. `junit`: what a test case has
    in it, empty where it passes; never a skip, which servers show as green. `colours`: of a terminal (SGR). `says`: the
    meaning in a sentence. Besides these, a new word has its place in the order of verdicts (`verdict.judge.precedence`,
    `commands.suite_summary.worst`), and says whether the trend counts it (`reports.trend.COUNTED`); report.html has its
    colours in `reports/style.css`, the failure catalog a heading for it (`reports.catalog_text`).
    """

    exit_code: int
    sign: str
    csv: str
    status: str
    junit: str
    colours: str
    says: str

    HELD = "held", errors.EXIT_HELD, "✔", "PASS", "pass", "", "32", "Everything that was expected was seen."
    BROKE = (
        "broke", errors.EXIT_BROKE, "✘", "FAIL", "fail", "failure", "31",
        "The system did not do what was expected of it.",
    )  # fmt: skip
    INCONCLUSIVE = (
        "inconclusive", errors.EXIT_INCONCLUSIVE, "?", "INCONCLUSIVE", "fail", "error", "33",
        "Too little was seen to say that it held. This is not a pass.",
    )  # fmt: skip
    REFUSED = (
        "refused", errors.EXIT_REFUSED, "⊘", "REFUSED", "skipped", "error", "33",
        "It was not started, and nothing was touched.",
    )  # fmt: skip
    NOT_RESTORED = (
        "not-restored", errors.EXIT_NOT_RESTORED, "‼", "FAIL", "fail", "error", "41;37",
        "Something may still be broken: it could not be proved that everything was undone. Mend it now.",
    )  # fmt: skip

    def __new__(
        cls, word: str, exit_code: int, sign: str, csv: str, status: str, junit: str, colours: str, says: str
    ) -> Self:
        made = str.__new__(cls, word)
        made._value_ = word
        made.exit_code, made.sign, made.csv, made.status = exit_code, sign, csv, status
        made.junit, made.colours, made.says = junit, colours, says
        return made

    @property
    def shown(self) -> str:
        """As people read it; its name in records and files has a hyphen."""
        return self.replace("-", " ")


def of(word: str) -> Verdict:
    """The verdict that a record's word means. Raises ValueError."""
    for known in Verdict:
        if known == word:
            return known
    raise ValueError(f"{word!r} is no verdict")
