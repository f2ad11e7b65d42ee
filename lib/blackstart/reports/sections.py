"""The sections of a run's page, each made of the view alone. Pure."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from blackstart.base.durations import shown
from blackstart.base.state import invoke
from blackstart.controls.steps.shell import describe
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Event
from blackstart.model.finding import NOT_OBSERVED, TOLD_ALONE, Finding
from blackstart.model.verdict import Verdict
from blackstart.reports import standing
from blackstart.reports.lane_drawing import stretch_text
from blackstart.reports.load_view import MEANING, OUTCOMES, LoadRow
from blackstart.reports.markup import Child, e
from blackstart.reports.observed import Row
from blackstart.reports.standing import Standing
from blackstart.reports.story import RunView
from blackstart.reports.words import DONE, hint, ms, result, sign_of, tell, verdict_says

Cell = Child | Sequence[Child]


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], class_: str = "", caption: str = "") -> Element:
    """A table that becomes a list of cards on a narrow screen: every cell knows its heading."""
    body = [e("tr", [e("td", cell, data_head=head) for head, cell in zip(heads, row, strict=True)]) for row in rows]
    head = e("thead", e("tr", [e("th", text, scope="col") for text in heads]))
    told = e("p", caption, class_="caption") if caption else None
    return e("div", e("table", head, e("tbody", body), class_=class_ or None), told, class_="scroll")


def badge(word: str) -> Element:
    """A result: its sign and its word, never the colour alone."""
    sign = e("span", sign_of(word), aria_hidden="true", class_="sign")
    return e("span", sign, f" {word}", class_=f"badge {word.replace(' ', '-')}")


def section(title: str, *content: Child | Iterable[Child], id_: str) -> Element:
    return e("section", e("h2", title, id=f"{id_}-title"), *content, id=id_, aria_labelledby=f"{id_}-title")


def verdict(view: RunView) -> Element:
    """The verdict first: the word, its one cause, what it means, how the system stands, and what to do where something
    is still broken."""
    judgement, word = view.judgement, view.judgement.verdict.shown
    stands = standing.of(view)
    reasons = [e("li", reason) for reason in stands.untold(judgement)]
    return e(
        "header",
        e("p", f"{view.name} on {view.target['name']}", class_="what"),
        e("h1", e("span", judgement.verdict.sign, aria_hidden="true", class_="sign"), f" {word}"),
        e("p", stands.headline, class_="cause") if stands.cause else None,
        e("p", verdict_says(view), class_="says"),
        e("dl", [part for row in _stands(stands) for part in row], class_="stands"),
        e("ul", reasons, class_="reasons") if reasons else None,
        _mend(view) if judgement.verdict == Verdict.NOT_RESTORED and not view.mended_later else None,
        class_=f"verdict {judgement.verdict}", id="verdict", data_verdict=judgement.verdict,
    )  # fmt: skip


def _stands(stands: Standing) -> Iterator[tuple[Element, Element]]:
    """What else did not hold, and how the system stands; what mends has a place of its own."""
    for label, text in stands.rows():
        if label not in ("cause", "result", "evidence", "heal"):
            yield e("dt", label), e("dd", _typed(label, text))


def _typed(label: str, text: str) -> Child:
    return e("code", text) if standing.is_typed(label) else text


def _mend(view: RunView) -> Element:
    commands = f"{view.heals}\nsh {shlex.quote(str(view.where / 'HEAL.sh'))}"
    return e("div", e("p", "Mend it with one of these:"), e("pre", commands), class_="mend")


def failed(view: RunView) -> Element | None:
    """What did not hold, each with what was expected, what was seen and where to look."""
    bad = [f for f in view.judgement.findings if result(f) not in (Verdict.HELD, *TOLD_ALONE)]
    never = [f.name for f in bad if not view.entered(f.phase)]
    stands = standing.of(view)
    follow = [f.name for f in bad if stands.explains(f)]
    cards = [_card(f) for f in bad if view.entered(f.phase) and not stands.explains(f)]
    if view.judgement.verdict == Verdict.REFUSED or not bad:
        return None
    told = e("p", f"Never looked at, since the run did not get that far: {', '.join(never)}.") if never else None
    why = f"From one cause, {stands.cause}: {', '.join(follow)}." if follow else ""
    return section("What did not hold, or was not seen", e("p", why) if why else None, cards, told, id_="failed")


def _card(finding: Finding) -> Element:
    expected, actual, seen = _plainly(finding)
    facts = [("expected", expected), ("actual", actual), ("result", seen), ("where to look", hint(finding))]
    return e(
        "article",
        e("h3", badge(result(finding)), f" {finding.name} ", e("span", finding.phase, class_="phase-name")),
        e("dl", [part for name, text in facts if text for part in (e("dt", name), e("dd", text))]),
        class_=f"card {finding.status}",
    )


def _plainly(finding: Finding) -> tuple[str, str, str]:
    """Expected, actual, and what that means, without saying anything twice."""
    message = finding.message.removeprefix(f"{finding.expected}: ")
    return finding.expected, finding.actual, "" if message == finding.actual else message


def glance(view: RunView) -> Element:
    """Which run this is, of what, when, and what was done to what."""
    target = view.target
    rows: list[tuple[str, Child]] = [
        ("run", e("code", view.run)),
        *([("id", e("code", view.run_id))] if view.run_id != view.run else []),
        ("began", f"{view.began_text}, lasted {shown(view.to_s - view.from_s)}"),
        ("target", _target(target)),
        ("fault", ", ".join(change.what for change in view.changes) or "none"),
    ]
    bit_s = view.bit_s()
    if bit_s is not None:
        end_s = view.to_s if view.gone_s is None else view.gone_s
        told = f"{view.offset(bit_s)} to {view.offset(end_s)}, {shown(end_s - bit_s)}"
        rows.append(
            ("in force", told if view.gone_s is not None else f"{told}, to the end of the record: not proved undone")
        )
    restored = {None: "nothing was done", True: "yes, and it was proved", False: "NOT PROVED"}[view.restored]
    rows.append(("restored", "by the guardian, and it was proved" if view.mended_later else restored))
    flags = view.head.get("flags") or {}
    if flags:
        rows.append(("flags", ", ".join(f"{name}={value}" for name, value in flags.items())))
    rows.append(("evidence", e("code", str(view.where))))
    return section(
        "The run",
        e("blockquote", view.experiment.hypothesis, id="hypothesis") if view.experiment else None,
        e("dl", [part for name, value in rows for part in (e("dt", name), e("dd", value))], class_="facts"),
        id_="run",
    )


def _target(target: Event) -> str:
    told = [str(target["name"]), str(target.get("api") or "no API")]
    told += ["a lab"] if target.get("lab") else []
    told += [f"with the mutant {target['mutant']}"] if target.get("mutant") else []
    told += [f"chosen by {target['why']}"] if target.get("why") else []
    return ", ".join(told)


def transitions(view: RunView) -> Element | None:
    """Every transition with its interval, numbered as in the drawing."""
    rows = [
        (
            str(mark.number), mark.what, mark.phase, mark.after, mark.limit,
            f"{view.offset(mark.interval.from_s)} – {view.offset(mark.interval.to_s)}",
            view.utc_text(mark.interval.to_s), mark.name,
        )
        for mark in view.transitions
    ]  # fmt: skip
    if not rows:
        return None
    heads = ("#", "what became true", "phase", "after", "limit", "between (from the start)", "by (UTC)", "expectation")
    caption = (
        "'after' counts from the proved effect of the fault, or of its undo. 'between' is from the last old reading's "
        "sending to the first new reading's answer: the truth lies inside. 'at once': it was so already."
    )
    return table(heads, rows, "transitions", caption)


def findings(view: RunView) -> Iterator[Element]:
    """All expectations, then all checks."""
    heads = ("result", "phase", "expectation", "expected", "actual", "what was seen")
    every = view.judgement.findings
    expectations = [(badge(result(f)), f.phase, f.name, *_seen(f)) for f in every if f.phase != "check"]
    checks = [(badge(result(f)), f.name, *_seen(f)) for f in every if f.phase == "check"]
    if expectations:
        yield section("Expectations", table(heads, expectations, "findings"), id_="expectations")
    if checks:
        found = table(("result", "check", *heads[3:]), checks, "findings checks")
        yield section("Checks", found, id_="checks")


def observed(rows: Sequence[Row]) -> Iterator[Element]:
    """The figures that the experiment asks for, and its check list."""
    figures = [part for row in rows if not row.part for part in (e("dt", row.text), e("dd", row.told))]
    if figures:
        yield section("Observed results", e("dl", figures, class_="facts"), id_="observed")
    steps = [(badge(DONE if row.done else NOT_OBSERVED), row.part, row.text, row.told) for row in rows if row.part]
    if steps:
        heads = ("", "when", "what was to be done", "what was seen")
        yield section("Check list", table(heads, steps), id_="checklist")


def _seen(finding: Finding) -> tuple[Cell, Cell, Cell]:
    expected, actual, seen = _plainly(finding)
    return expected, actual, [seen, *([e("p", hint(finding), class_="hint")] if hint(finding) else [])]


def load(view: RunView, rows: Sequence[LoadRow], unreadable: int) -> Element | None:
    """Requests per phase and outcome."""
    if not rows and not unreadable:
        return None
    heads = ("phase", "operation", "outcome", "count", "share", "per s", "p50 ms", "p95 ms", "p99 ms", "max ms")
    cells = [
        (row.phase, row.op, row.outcome, str(row.count), f"{row.share:.1%}", f"{row.rate_per_s:.1f}",
         *map(ms, (row.p50_ms, row.p95_ms, row.p99_ms, row.max_ms)))
        for row in rows
    ]  # fmt: skip
    told = "; ".join(f"{word}: {MEANING[word]}" for word in OUTCOMES)
    caption = f"{told}. {view.latencies_text} A request belongs to the phase in which it was due."
    damage = e("p", f"{unreadable} lines of the history can't be read.", class_="hint") if unreadable else None
    return section("Load", table(heads, cells, "numbers", caption), damage, id_="load")


def lateness(view: RunView) -> Element | None:
    """How late the run itself was, and what of it tells on what was seen; None where an older run did not say."""
    if not view.lateness.samples:
        return None
    told = view.lateness.told(view.from_s, view.to_s)
    rows = [
        (phase.name, *(ms(value_s * 1000) for value_s in view.lateness.figures_s(phase.from_s, phase.to_s)))
        for phase in view.phases
    ]
    heads = ("phase", "late altogether, ms", "late at worst, ms")
    said = f"What says nothing of the system: {told}." if told else "Never so late that it could tell on what was seen."
    return section("How late the run itself was", e("p", said), table(heads, rows, "numbers"), id_="lateness")


def done(view: RunView) -> Element | None:
    """What was planned to be done, and how it is undone."""
    rows = [
        (change.what, change.service, _steps(change.do), _steps(change.undo), _list(change.bites), _list(change.gone))
        for change in view.changes
    ]
    if not rows:
        return None
    heads = ("change", "service", "done by", "undone by", "proof of its effect", "proof that it is gone")
    return section("What was broken, and how it is mended", table(heads, rows), id_="changes")


def _steps(steps: Iterable[object]) -> Element:
    return e("ul", [e("li", e("code", describe(step))) for step in steps], class_="plain")  # type: ignore[arg-type]


def _list(items: Iterable[object]) -> Element:
    return e("ul", [e("li", str(item)) for item in items], class_="plain")


def again(view: RunView) -> Element:
    """The commands for the next steps."""
    commands = [view.again] if view.again else []
    commands += [f"{invoke()} report.{verb} --run={view.run}" for verb in ("judge", "verify")]
    says = "Run it again, judge this record again, check that no file was altered:"
    told = [e("p", says), e("pre", "\n".join(commands))]
    if view.changes:
        told += [e("p", "Undo by hand, if all else fails:"), e("pre", f"sh {view.where / 'HEAL.sh'}")]
    return section("What next", told, id_="next")


def notes(view: RunView, later: Sequence[tuple[str, str]]) -> Element | None:
    """What the operator said: during the run, and `later` (when, text)."""
    rows = [(when, text, "during the run") for when, text in view.notes]
    rows += [(when, text, "added later") for when, text in later]
    return section("Notes", table(("when (UTC)", "note", ""), rows), id_="notes") if rows else None


def logs(view: RunView) -> Element | None:
    """The last lines of the services' own logs, where the run kept them."""
    told = [
        part
        for event in view.record.of(EventName.LOG_TAIL)
        for part in (e("h3", str(event.get("service"))), e("pre", "\n".join(map(str, event.get("lines", ())))))
    ]
    return section("Last lines of the services' logs", told, id_="logs") if told else None


def readings(view: RunView) -> Element:
    """The lanes of the drawing as text."""
    items = [
        e("details", e("summary", f"{lane.probe} ", e("small", f"{lane.endpoint}, {len(lane.stretches)} stretches")),
          e("ol", [e("li", stretch_text(view, stretch)) for stretch in lane.stretches]))
        for lane in view.lanes
    ]  # fmt: skip
    return section("All readings as text", items, id_="readings")


def events(view: RunView) -> Element:
    """Everything that happened, in order: the journal without its readings, the transitions, the guardian."""
    own = (event for event in view.record.events if event["event"] not in _SHOWN_ELSEWHERE)
    told = [(float(event["at"]), tell(event), "") for event in own]
    told += [(mark.interval.to_s, f"{mark.number}: {mark.what}", "seen") for mark in view.transitions]
    times = view.times
    told += [(times.bit_s, "the fault takes effect, proved", "seen")] if times.bit_s is not None else []
    told += [(times.gone_s, "its traces are gone", "seen")] if times.gone_s is not None else []
    guarding = view.guardian.events if view.guardian else ()
    told += [(float(event["at"]), tell(event), "guardian") for event in guarding]
    told.sort(key=lambda item: item[0])
    rows = [(view.offset(at_s), view.utc_text(at_s), text, who) for at_s, text, who in told]
    return section("What happened", table(("from start", "UTC", "event", "by"), rows, "events"), id_="events")


_SHOWN_ELSEWHERE = (EventName.READ, EventName.RUN, EventName.PLAN, EventName.LOG_TAIL, EventName.LATENESS)
