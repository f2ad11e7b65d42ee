"""What all failures tell together: defects caught, settings seen to work, whether anything is learned. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from blackstart.model.verdict import Verdict
from blackstart.reports.blocks import Block, Code, Grid, Heading, Paragraph, Points
from blackstart.reports.catalog import Failure, Seen, Setting, many, runs

_NONE_AGAIN = "none broke again after it had held or an improvement was noted"


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
            told = ", ".join(f"{one.name} = {one.value}" for one in those)
            yield Points([(f"Held in {held}, broke in {broke}", (Code(told),))])


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
    return f"{runs(len(bad))} broke, {learned} of them with what was learned" if bad else "no run broke"


def _improved(failed: Sequence[Failure]) -> str:
    better = [failure for failure in failed if failure.improvements]
    held = sum(failure.newest.verdict == Verdict.HELD for failure in better)
    told = f"{len(better)} of {many(len(failed), 'failure')} that broke with an improvement noted, "
    return f"{told}{held} of these held when last tried" if failed else "nothing broke"
