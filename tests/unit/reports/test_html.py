"""The page says what happened, to every reader, and nothing in it can run or call out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence import history, journal
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.reports import chaos_json, html
from blackstart.reports.markup import e, to_html
from blackstart.reports.story import RunView
from blackstart.verdict.judge import Judgement
from blackstart.verdict.lateness import event_of
from tests.unit.reports.conftest import DRILLS
from tests.unit.reports.pages import Page

STYLE = (Path(html.__file__).with_name("style.css")).read_text(encoding="utf-8")
HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp; \x00\x1b[31m \ud800"


def page(story: RunView, **more: object) -> Page:
    return Page(html.page(story, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DRILLS)
def test_every_page_is_whole_with_the_verdict_first_and_no_id_twice(stories: dict[str, RunView], name: str) -> None:
    made = page(stories[name])
    assert made.unclosed == []
    assert made.text("h1").endswith(stories[name].judgement.verdict.shown)
    assert made.elements[[tag for tag, _ in made.elements].index("main") + 1][1].get("id") == "verdict"
    assert len(made.ids) == len(set(made.ids))


@pytest.mark.parametrize("name", DRILLS)
def test_nothing_comes_from_outside_and_nothing_can_run(stories: dict[str, RunView], name: str) -> None:
    text = html.page(stories[name])
    made = Page(text)
    assert not {tag for tag, _ in made.elements} & {"script", "link", "img", "iframe", "object", "form", "base", "a"}
    assert not [
        key for _, attributes in made.elements for key in attributes if key.startswith("on") or key in ("src", "href")
    ]
    assert not re.search(r"url\((?!#pat-)|@import", STYLE)
    policy = next(m["content"] for m in made.tags("meta") if m.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'")


def test_hostile_text_stays_text_wherever_it_stands(stories: dict[str, RunView]) -> None:
    held = stories["held"]
    events = [dict(event) for event in held.record.events]
    events[0] = {**events[0], "run": HOSTILE, "again": HOSTILE, "flags": {HOSTILE: HOSTILE}}
    events[0]["target"] = {"name": HOSTILE, "api": HOSTILE, "why": HOSTILE, "mutant": HOSTILE}
    events.append({"event": HOSTILE, "at": 1008.0, HOSTILE: HOSTILE})
    events.append({"event": "log tail", "at": 1008.0, "service": HOSTILE, "lines": [HOSTILE]})
    finding = Finding(HOSTILE, "fault", "broke", HOSTILE, HOSTILE, HOSTILE, hint=HOSTILE)
    story = RunView(
        journal.Record(tuple(events), HOSTILE), Judgement(Verdict.BROKE, (HOSTILE,), (finding,)), Path("/tmp/<b>&")
    )
    made = page(story, notes=[(HOSTILE, HOSTILE)])
    assert not {tag for tag, _ in made.elements} & {"script", "img", "b"}
    assert made.text("main").count("<script>alert(1)</script>") >= 10
    assert not any(char in html.page(story) for char in "\x00\x1b\ud800")


def test_what_broke_is_told_before_all_else_with_where_to_look(stories: dict[str, RunView]) -> None:
    text = page(stories["broke"]).text("main")
    place = [
        text.index(part) for part in ("What did not hold", "Raise WAIT_READY_TIMEOUT.", "Timeline", "What happened")
    ]
    assert place == sorted(place)


def test_every_expectation_has_its_row(stories: dict[str, RunView]) -> None:
    story = stories["broke"]
    text = page(story).text("table")
    assert all(f.name in text and f.message in text for f in story.judgement.findings)


def test_something_still_broken_shows_how_to_mend_it_in_the_head_of_the_page(stories: dict[str, RunView]) -> None:
    story = stories["not-restored"]
    assert f"invoke chaos.heal sh {story.where}/HEAL.sh" in page(story).text("header")


def test_every_kind_of_reading_has_a_pattern_and_a_word_of_its_own(stories: dict[str, RunView]) -> None:
    made = page(stories["broke"])
    drawn = " ".join(str(group.get("class")) for group in made.tags("g"))
    patterns = {str(pattern["id"]) for pattern in made.tags("pattern")}
    legend = made.text("ul")
    for kind in ("unreachable", "timed_out", "malformed", "absent", "unreadable"):
        assert f"box {kind}" in drawn and f"pat-{kind}" in patterns and kind.replace("_", " ") in legend


def test_the_drawing_has_a_text_alternative_and_every_lane_stands_there_as_text(stories: dict[str, RunView]) -> None:
    made = page(stories["held"])
    drawing = made.tags("svg")[0]
    assert drawing["role"] == "img"
    assert set(str(drawing["aria-labelledby"]).split()) <= set(made.ids)
    assert "503 from 00:02.277 to 00:05.577 (66 readings)" in made.text("ol")


def test_every_result_has_a_sign_and_a_word_beside_its_colour(stories: dict[str, RunView]) -> None:
    made = page(stories["broke"])
    badges = [span for span in made.tags("span") if str(span.get("class", "")).startswith("badge")]
    assert len(badges) >= len(stories["broke"].judgement.findings)
    assert "✘ broke" in made.text("td") and "✔ held" in made.text("td")


def test_cells_carry_their_heading_for_narrow_screens(stories: dict[str, RunView]) -> None:
    assert all("data-head" in cell for cell in page(stories["held"]).tags("td"))


def test_the_load_is_told_per_phase_and_outcome(stories: dict[str, RunView], runs: dict[str, Path]) -> None:
    made = page(stories["held"], history=history.read(runs["held"] / "history.csv"))
    assert "fault POST /orders info 39 65.0% 13.0 1000.0" in " ".join(made.texts["td"])
    assert [r for r in made.tags("rect") if str(r.get("class")).startswith("load info")]


def test_notes_of_the_run_and_later_ones_are_told_apart(stories: dict[str, RunView]) -> None:
    text = page(stories["broke"], notes=[("2026-11-21T00:00:00Z", "Ann: looked at it")]).text("section")
    assert "during the run" in text and "Ann: looked at it" in text and "added later" in text


def test_an_empty_record_still_makes_a_page(tmp_path: Path) -> None:
    judgement = Judgement(Verdict.INCONCLUSIVE, ("the journal does not say what was run",), ())
    assert "inconclusive" in page(RunView(journal.Record((), "line 1 is torn"), judgement, tmp_path)).text("h1")


def test_only_known_attribute_names_come_out_of_the_builder() -> None:
    assert '<p class="a" data-x="&quot;&gt;" hidden="">b</p>' in to_html(
        e("p", "b", class_="a", data_x='">', hidden=True, title=None, lang=False)
    )


def _palettes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    light, dark, printed = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    return {"light": light, "dark": {**light, **dark}, "print": {**light, **printed}}


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", ["light", "dark", "print"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [("text", "ground"), ("soft", "ground"), ("soft", "raised"), ("held", "held-ground"), ("broke", "broke-ground"),
     ("unsure", "unsure-ground"), ("calm", "calm-ground"), ("text", "broke-ground"), ("text", "unsure-ground"),
     ("box-text", "same"), ("box-text", "other"), ("box-text", "fault"), ("box-text", "doing"), ("box-text", "p0"),
     ("box-text", "p1")],
)  # fmt: skip
def test_text_stands_out_from_its_ground_in_every_palette(palette: str, text: str, ground: str) -> None:
    colours = _palettes()[palette]
    light, dark = sorted((_luminance(colours[text]), _luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_how_late_the_run_itself_was_stands_in_page_and_results(stories: dict[str, RunView]) -> None:
    held = stories["held"]
    assert "How late the run itself was" not in html.page(held)  # an older journal says nothing of it
    fault = next(phase for phase in held.phases if phase.name == "fault")
    samples = (
        LagSample(fault.from_s, fault.from_s + 1, 0.03, 0.01, 0.1, 0.9, 1.5),
        LagSample(fault.from_s + 1, fault.from_s + 2, 1, 1),
    )
    told = [{"at": fault.to_s, "event": "lateness", "who": "run", **event_of(sample)} for sample in samples]
    events = (held.record.events[0], *told, *held.record.events[1:])
    view = RunView(journal.Record(events), held.judgement, held.where)
    text = page(view).text("main")
    assert "the run's process stood still for 1.00 s" in text and "1030.0" in text
    assert chaos_json.results(view)["lateness"] == {
        "lateMs": 1030.0, "worstMs": 1000.0, "stoodStillMs": {"run": 1000.0, "load": 0.0}, "slowShare": 0.5,
        "waited": 0.1, "pressure": 0.9, "runnable": 1.5,
    }  # fmt: skip
