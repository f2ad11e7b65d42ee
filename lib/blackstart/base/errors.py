"""Everything that can go wrong, as one tree, and the exit code that each verdict has.

BlackstartError
├── Refused               nothing was touched; the message begins "Not started:"; exit 40
│   ├── BadFlag           an option or environment flag has a value that is not valid
│   ├── BadTarget         a target can't be found, read, or told apart from another
│   │   ├── NotShown      ... lacks what a variant of an experiment would show it by
│   │   ├── NotDeclared   ... does not say of itself what criteria of an experiment are told by
│   │   └── Ambiguous     ... because several things fit what it says
│   ├── BadExperiment     an experiment can't be found or does not make sense
│   └── NotAvailable      a control lacks a power; its text is the reason
├── StepFailed            a command or call that should change something did not succeed
│   ├── StepTimedOut      ... or did not come back within its time limit
│   └── StepLost          ... or its connection to the other machine ended: what became of it there is not known
├── Interrupted           a signal asked the run to end; exit 130 or 143
├── EndedEarly            the fault has to end now; the reason is in the journal already
└── Damaged               a record (journal, history, ledger) can't be read
    ├── NotLoaded         ... since it holds a class of a user's experiment, whose file was not named
    └── NotVouched        ... since nothing in this user's state folder says that it is what a run of ours wrote
"""

import signal
from collections.abc import Iterable
from difflib import get_close_matches

EXIT_HELD = 0
EXIT_BROKE = 20
EXIT_INCONCLUSIVE = 30
EXIT_REFUSED = 40
EXIT_NOT_RESTORED = 50


class BlackstartError(Exception):
    """Base of every error that Blackstart raises on purpose."""


class Refused(BlackstartError):
    """The run was not started and nothing was touched. Its text is one line, whatever it is made of."""

    def __str__(self) -> str:
        lines = (" ".join(line.split()) for line in super().__str__().splitlines())
        return f"Not started: {'; '.join(filter(None, lines))}"


class BadFlag(Refused):
    """An option or environment flag has a value that is not valid."""


class BadTarget(Refused):
    """A target can't be found, read, or told apart from another. `lines`: what to write into its file, as it stands."""

    def __init__(self, message: object = "", lines: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.lines = tuple(lines)


class NotShown(BadTarget):
    """A target lacks what a variant of an experiment would show it by."""


class NotDeclared(BadTarget):
    """A target does not say of itself what criteria of an experiment are told by."""


class Ambiguous(BadTarget):
    """Several things fit, and there is no guessing between them."""


class BadExperiment(Refused):
    """An experiment can't be found or does not make sense."""


class NotAvailable(Refused):
    """A control lacks a power. `reason` says why, as a part of a sentence."""

    @property
    def reason(self) -> str:
        """As in "its control (manual) publishes no ports"."""
        return str(self.args[0])


class StepFailed(BlackstartError):
    """A command or call that should change something did not succeed."""


class StepTimedOut(StepFailed):
    """A command or call did not come back within its time limit."""


class StepLost(StepFailed):
    """The connection to the other machine ended under a command, which may go on there and take effect."""


class Interrupted(BlackstartError):
    """A signal asked the run to end. `signum` is its number."""

    def __init__(self, signum: int) -> None:
        typed = "Ctrl-C, " if signum == signal.SIGINT else ""
        super().__init__(f"interrupted by {typed}{signal.Signals(signum).name}")
        self.signum = signum


class EndedEarly(BlackstartError):
    """The fault has to end now; the reason is in the journal already."""


class Damaged(BlackstartError):
    """A record on disk can't be read; the message says which, where, and what is still good."""


class NotLoaded(Damaged):
    """A record holds a class of a user's experiment that was not loaded. `digest` is how its file's sha256 begins."""

    def __init__(self, name: str, digest: str) -> None:
        super().__init__(f"it holds the class {name} of an experiment of your own, a file with the sha256 {digest}…")
        self.name, self.digest = name, digest


class NotVouched(Damaged):
    """Nothing in this user's state folder says that a record is what a run of ours wrote."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean "gateway"?` where something known is near, else ` Known: a, b.`"""
    names = sorted(known)
    near = get_close_matches(word, names, n=1)
    if near:
        return f' Did you mean "{near[0]}"?'
    return f" Known: {', '.join(names)}." if names else ""


def root_cause(error: BaseException) -> BaseException:
    """The first of the errors that led to this one: what libraries wrap around it names objects and repetitions."""
    seen = {id(error)}
    while (inner := error.__cause__ or error.__context__) is not None and id(inner) not in seen:
        error = inner
        seen.add(id(error))
    return error


def reason_of(error: BaseException) -> str:
    """A client's error in a few words, as `Connection refused`; of at most 300 characters."""
    root = root_cause(error)
    return (getattr(root, "strerror", None) or str(root) or str(error) or type(root).__name__)[:300]
