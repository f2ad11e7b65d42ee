"""The report of one run as a page: one file, nothing from outside, to be read at 3 a.m. and to be printed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from blackstart import __version__
from blackstart.history import History
from blackstart.reports import sections
from blackstart.reports.fate_section import fate_section, gauge_section
from blackstart.reports.load_view import MEANING, OUTCOMES, Bucket, buckets, by_phase
from blackstart.reports.markup import e, to_html
from blackstart.reports.picture import timeline
from blackstart.reports.story import Story

# Even if something did break out of its element: nothing may be loaded, sent or run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_LEGEND = (
    ("value same", "a value, as at the end of the baseline"),
    ("value other", "another value"),
    ("unreachable", "unreachable: refused, reset, no route"),
    ("timed_out", "timed out"),
    ("malformed", "malformed: an answer that can't be read"),
    ("absent", "absent: an answer without the field or series"),
)


def page(
    story: Story,
    history: History | None = None,
    notes: Sequence[tuple[str, str]] = (),
) -> str:
    """The whole document. `notes` are (when, text) added after the run."""
    loaded = buckets(history, story.from_s, story.to_s) if history else ()
    rows = by_phase(history, story.phases) if history else ()
    body = e(
        "main",
        sections.verdict(story),
        sections.failed(story),
        sections.glance(story),
        _timeline(story, loaded) if story.phases else None,
        list(sections.findings(story)),
        fate_section(story, history),
        gauge_section(story),
        sections.load(story, rows, len(history.unreadable) if history else 0),
        sections.done(story),
        sections.again(story),
        sections.notes(story, notes),
        sections.logs(story),
        sections.events(story),
        sections.readings(story) if story.lanes else None,
        _foot(story),
    )
    return to_html(e("html", _head(story), e("body", body), lang="en"))


def _head(story: Story) -> Element:
    verdict = story.judgement.verdict
    return e(
        "head",
        e("meta", charset="utf-8"),
        e("meta", name="viewport", content="width=device-width, initial-scale=1"),
        e("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        e("meta", name="color-scheme", content="light dark"),
        e("title", f"{verdict.sign} {verdict.shown}: {story.name} on {story.target['name']}, {story.run}"),
        e("style", Path(__file__).with_name("style.css").read_text(encoding="utf-8")),
    )


def _timeline(story: Story, loaded: Sequence[Bucket]) -> Element:
    shown = {stretch.kind for lane in story.lanes for stretch in lane.stretches}
    legend = [(kind, text) for kind, text in _LEGEND if kind.startswith("value") or kind in shown]
    keys = [e("li", e("span", class_=f"key {kind}"), f" {text}") for kind, text in legend]
    if story.times.bit_s is not None:
        keys.append(e("li", e("span", class_="key shade"), " the fault is in force"))
    if any(limit.at_s <= story.to_s for limit in story.limits):
        keys.append(e("li", e("span", class_="key limit"), " the latest moment allowed"))
    if story.transitions:
        keys.append(e("li", e("span", "1", class_="key mark"), " a transition, numbered as in the table"))
    words = [word for word in OUTCOMES if any(bucket.counts[word] for bucket in loaded)]
    keys += [e("li", e("span", class_=f"key load {word}"), f" requests: {word}, {MEANING[word]}") for word in words]
    return sections.section(
        "Timeline",
        e(
            "div",
            timeline(story, loaded),
            class_="scroll",
            tabindex="0",
            role="group",
            aria_label="timeline, scrollable",
        ),
        e("ul", keys, class_="legend"),
        sections.transitions(story),
        id_="timeline",
    )


def _foot(story: Story) -> Element:
    lines = len(story.record.events)
    damage = f" The journal is damaged: {story.record.damage}." if story.record.damage else ""
    made = story.head.get("version", "")
    return e(
        "footer",
        e("p", f"Made by Blackstart {__version__} from {lines} lines of journal.jsonl"
               f"{f', written by version {made}' if made and made != __version__ else ''}.{damage}"),
    )  # fmt: skip
