"""The report of one run as a page: one file, nothing from outside, to be read at 3 a.m. and to be printed. Pure."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from blackstart import __version__
from blackstart.evidence.history import History
from blackstart.reports import observation, observed, sections, stretches
from blackstart.reports.fate_section import fate_section, gauge_section
from blackstart.reports.load_view import MEANING, OUTCOMES, Bucket, buckets, by_phase
from blackstart.reports.markup import e, to_html
from blackstart.reports.picture import timeline
from blackstart.reports.story import RunView

# Even if something did break out of its element: nothing may be loaded, sent or run.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_LEGEND = (
    ("value same", "a value, as at the end of the baseline"),
    ("value other", "another value"),
    ("unreachable", "unreachable: refused, reset, no route"),
    ("timed_out", "timed out"),
    ("malformed", "malformed: an answer that nobody could read"),
    ("unreadable", "unreadable: not read for a reason of ours"),
    ("absent", "absent: an answer without the field or series"),
)


def page(view: RunView, history: History | None = None, notes: Sequence[tuple[str, str]] = ()) -> str:
    """The whole document. `notes` are (when, text) added after the run."""
    loaded = buckets(history, view.from_s, view.to_s) if history else ()
    rows = by_phase(history, view.phases) if history else ()
    body = e(
        "main",
        sections.verdict(view),
        sections.failed(view),
        sections.glance(view),
        observation.part(view),
        _timeline(view, loaded) if view.phases else None,
        list(sections.observed(observed.rows(view, history))),
        list(sections.findings(view)),
        stretches.part(view, history),
        fate_section(view, history),
        gauge_section(view),
        sections.load(view, rows, history.unreadable if history else 0),
        sections.lateness(view),
        sections.done(view),
        sections.again(view),
        sections.notes(view, notes),
        sections.logs(view),
        sections.events(view),
        sections.readings(view) if view.lanes else None,
        _foot(view),
    )
    return to_html(e("html", _head(view), e("body", body), lang="en"))


def _head(view: RunView) -> Element:
    verdict = view.judgement.verdict
    return e(
        "head",
        e("meta", charset="utf-8"),
        e("meta", name="viewport", content="width=device-width, initial-scale=1"),
        e("meta", http_equiv="Content-Security-Policy", content=POLICY),
        e("meta", name="color-scheme", content="light dark"),
        e("title", f"{verdict.sign} {verdict.shown}: {view.name} on {view.target['name']}, {view.run}"),
        e("style", Path(__file__).with_name("style.css").read_text(encoding="utf-8")),
    )


def _timeline(view: RunView, loaded: Sequence[Bucket]) -> Element:
    shown = {stretch.kind for lane in view.lanes for stretch in lane.stretches}
    legend = [(kind, text) for kind, text in _LEGEND if kind.startswith("value") or kind in shown]
    keys = [e("li", e("span", class_=f"key {kind}"), f" {text}") for kind, text in legend]
    if view.bit_s() is not None:
        keys.append(e("li", e("span", class_="key shade"), " the fault is in force"))
    if any(limit.at_s <= view.to_s for limit in view.limits):
        keys.append(e("li", e("span", class_="key limit"), " the latest moment allowed"))
    if view.transitions:
        keys.append(e("li", e("span", "1", class_="key mark"), " a transition, numbered as in the table"))
    words = [word for word in OUTCOMES if any(bucket.counts[word] for bucket in loaded)]
    keys += [e("li", e("span", class_=f"key load {word}"), f" requests: {word}, {MEANING[word]}") for word in words]
    scrolled = {"class_": "scroll", "tabindex": "0", "role": "group", "aria_label": "timeline, scrollable"}
    return sections.section(
        "Timeline",
        e("div", timeline(view, loaded), **scrolled),
        e("ul", keys, class_="legend"),
        sections.transitions(view),
        id_="timeline",
    )


def _foot(view: RunView) -> Element:
    lines = len(view.record.events)
    damage = f" The journal is damaged: {view.record.damage}." if view.record.damage else ""
    made = view.head.get("version", "")
    return e(
        "footer",
        e("p", f"Made by Blackstart {__version__} from {lines} lines of journal.jsonl"
               f"{f', written by version {made}' if made and made != __version__ else ''}.{damage}"),
    )  # fmt: skip
