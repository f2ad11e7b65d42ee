"""What all failures tell together: defects caught, settings seen to work, whether anything is learned. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from blackstart.model.verdict import Verdict
from blackstart.reports.blocks import Block, Code, Grid, Heading, Paragraph, Points, Words
from blackstart.reports.catalog import Failure, Seen, Setting, many, runs

_NONE_AGAIN = "none broke again after it had held or an improvement was noted"
# A setting belongs to the first pattern that a word of its name is of.
_PATTERNS = {
    "Circuit breaker": ("breaker",),
    "Retries": ("retry", "retries", "tries", "backoff"),
    "Fallback and queues": ("fallback", "cache", "queue"),
    "Locks": ("lock",),
    "Timeouts": ("timeout", "ttl", "lease", "within", "wait", "after"),
    "Limits": ("limit", "window", "pool"),
    "Monitoring and alerts": ("alert", "heartbeat", "health"),
}
_OTHERS = "Others"
_OF_ANY = ("baseline", "drain")  # what is expected of every run, whatever is tried
# What an experiment may say is in play. Retries are left out: those may be a client's.
_IN_PLAY = {"breaker": "breaker", "fallback": "fallback", "cache": "cache", "cached": "cache", "queue": "queue",
            "queued": "queue", "lock": "lock", "limit": "limit"}  # fmt: skip


def defects(mutants: Sequence[Failure]) -> Iterator[Block]:
    """What each defect of a lab was caught by; nothing where there was none."""
    if not mutants:
        return
    yield Heading(2, "Defects that the drills catch")
    yield Paragraph(
        ("Runs on a lab with one defect switched on. They are meant to break, and are counted nowhere else.",)
    )
    yield Grid(("system", "defect", "drill", "caught", "by"), [_defect(failure) for failure in mutants])


def _defect(failure: Failure) -> tuple[str, ...]:
    caught = sum(run.bad for run in failure.runs)
    by = Counter({name: len(cases) for name, cases in failure.broken.items()}).most_common(3)
    told = ", ".join(name for name, _ in by)
    return (
        failure.system,
        failure.mutant,
        failure.experiment,
        f"{caught} of {len(failure.runs)}",
        told or "nothing: this drill does not see it",
    )


def settings_seen(settings: Sequence[Setting]) -> Iterator[Block]:
    """The systems' own settings, by what came of them."""
    if not settings:
        return
    yield Heading(2, "Settings seen to work")
    yield Paragraph(
        ("What the systems say of their own settings, and what the runs with each came to. Where a setting has one "
         "value only, the record shows that it works, and not that another would not.",)
    )  # fmt: skip
    for system in dict.fromkeys(one.system for one in settings):
        yield Heading(3, f"Settings of {system}")
        alike: dict[tuple[str, str], list[Setting]] = {}
        for one in (one for one in settings if one.system == system):
            alike.setdefault((_counted(one.held), _counted(one.broke)), []).append(one)
        for (held, broke), those in alike.items():
            yield Paragraph((f"Held in {held}, broke in {broke}:",))
            yield Points(list(_by_pattern(those)))


def _by_pattern(those: Sequence[Setting]) -> Iterator[tuple[str, Words]]:
    for pattern in (*_PATTERNS, _OTHERS):
        if told := ", ".join(_set(one.name, one.value) for one in those if _pattern(one.name) == pattern):
            yield pattern, (Code(told),)


def _pattern(name: str) -> str:
    words = _words(name)
    return next((pattern for pattern, its in _PATTERNS.items() if words & {*its}), _OTHERS)


def _words(text: str) -> set[str]:
    return {*re.findall(r"[a-z]+", text.lower())}


def _set(name: str, value: object) -> str:
    return f"{name} = {value}"


def in_play(failure: Failure) -> Words:
    """What the hypothesis, and the expectations that held with it, name as in play, and how that is set."""
    run = next((run for run in reversed(failure.runs) if run.verdict == Verdict.HELD), None)
    if run is None:
        return ("not known: no run tells",)
    held = (one.name for one in run.findings if one.result == Verdict.HELD and one.phase not in _OF_ANY)
    spoken = _words(" ".join((run.hypothesis, *held)))
    named = dict.fromkeys(what for word, what in _IN_PLAY.items() if word in spoken)
    if not named:
        return ("no improvement was needed; what bears it, its hypothesis and expectations do not say",)
    told: list[str | Code] = ["no improvement was needed; in play, by its hypothesis and expectations: "]
    for place, what in enumerate(named):
        told.append(f"{', ' if place else ''}{what}")
        if its := ", ".join(_set(name, value) for name, value in run.facts.items() if what in _words(name)):
            told += [" (", Code(its), ")"]
    return tuple(told)


def _counted(counts: Counter[str]) -> str:
    if not counts:
        return "none"
    of = ", ".join(sorted(counts)) if len(counts) <= 3 else f"{len(counts)} experiments"
    return f"{runs(counts.total())} of {of}"


def criteria(own: Sequence[Failure], every: Sequence[Seen], refused: int) -> Iterator[Block]:
    """What makes chaos testing good or bad, answered from the record as far as one can."""
    touched = [run for run in every if run.restored is not None]
    again = [f"{failure.experiment} on {failure.system}" for failure in own if failure.again()]
    first, last = (sum(failure.runs[at].verdict == Verdict.HELD for failure in own) for at in (0, -1))
    whole = sum(run.restored is True for run in touched)
    controlled = f"{whole} of {runs(len(touched))} that broke something proved it undone"
    confident = f"of {many(len(own), 'failure')} {first} held when first tried, {last} when last tried"
    yield Heading(2, "Is this good chaos testing?")
    yield Grid(
        ("criterion", "what the record says"),
        [
            ("Failures are controlled", f"{controlled}; refused before anything was touched: {refused}"),
            ("Learning is documented", _learned([run for failure in own for run in failure.runs if run.bad])),
            ("Improvements are implemented", _improved([failure for failure in own if failure.broken])),
            ("Confidence increases", confident),
            ("Same failures do not repeat", f"again: {', '.join(again)}" if again else _NONE_AGAIN),
            ("Real issues are prevented, the team is not frustrated", "no record can tell: ask the team"),
        ],
    )  # fmt: skip


def _learned(bad: Sequence[Seen]) -> str:
    learned = sum(bool(run.learnings) for run in bad)
    return f"of {runs(len(bad))} that broke, {_have(learned)} what was learned noted" if bad else "no run broke"


def _improved(failed: Sequence[Failure]) -> str:
    better = [failure for failure in failed if failure.improvements]
    held = sum(failure.newest.verdict == Verdict.HELD for failure in better)
    if not failed:
        return "nothing broke"
    told = f"of {many(len(failed), 'failure')} that broke, {_have(len(better))} an improvement noted"
    return f"{told}; {held} of these held when last tried" if better else told


def _have(count: int) -> str:
    """`none has`, `1 has`, `2 have`."""
    return f"{count or 'none'} {'has' if count < 2 else 'have'}"
