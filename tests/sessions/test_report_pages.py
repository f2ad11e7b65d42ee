"""The report of each recorded run in a real browser, on a phone and a desk, by day and by night, and on paper: verdict,
cause and state of trading are read without scrolling."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from blackstart.reports import html, standing
from blackstart.reports.story import RunView
from tests.requirements import require
from tests.sessions.record import read
from tests.sessions.replay import Told
from tests.unit.reports.pages import Page
from tests.unit.reports.test_browser import chromium

pytestmark = pytest.mark.browser
# In frames, since a window of Chromium is never narrower than 500 pixels.
SIZES = [(390, 844), (1280, 800)]
FRAMES = """<script>const seen = [];
addEventListener('message', told => {
  seen.push(told.data);
  document.documentElement.setAttribute('data-seen', `[${seen}]`);
});
</script>""" + "".join(f'<iframe src="page.html" width="{wide}" height="{high}"></iframe>' for wide, high in SIZES)
PROBE = """<script>
const ends = {}, end = x => x.getBoundingClientRect().bottom;
for (const name of ['h1', '.cause']) for (const x of document.querySelectorAll('header ' + name)) ends[name] = end(x);
for (const x of document.querySelectorAll('header dt')) ends[x.textContent] = end(x.nextElementSibling);
scrollTo(9, 0);
parent.postMessage(JSON.stringify({ends: ends, width: innerWidth, height: innerHeight, aside: scrollX,
  ground: getComputedStyle(document.body).backgroundColor}), '*');
</script>"""
GROUNDS = {(): "rgb(255, 255, 255)", ("--blink-settings=preferredColorScheme=0",): "rgb(20, 23, 27)"}
WITH_TRADING = ("broke_by_one_cause", "held", "inconclusive", "not_restored", "pause_on_fail_with_the_app_dead")


def page_of(name: str, folder: Path) -> tuple[RunView, Path]:
    """The report of a session's run, as it stood at the session's end."""
    told = Told(read(name), folder / "run", 0, False)
    told.text()
    assert told.run is not None
    path = folder / "report.html"
    view = told.run.view(folder / "run")
    path.write_text(html.page(view), encoding="utf-8")
    return view, path


@pytest.mark.parametrize("name", WITH_TRADING)
def test_verdict_cause_and_trading_stand_on_the_first_screen(tmp_path: Path, name: str) -> None:
    text = page_of(name, tmp_path)[1].read_text(encoding="utf-8")
    text = text.replace('http-equiv="Content-Security-Policy"', 'name="x"').replace("</body>", PROBE + "</body>")
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    (tmp_path / "frames.html").write_text(FRAMES, encoding="utf-8")
    wanted = {"h1", "state"} if name == "held" else {"h1", ".cause", "state"}
    for flags, ground in GROUNDS.items():
        dom = Page(chromium(tmp_path, tmp_path / "frames.html", "--window-size=1400,1000", *flags, "--dump-dom"))
        told = json.loads(str(dom.tags("html")[0]["data-seen"]))
        assert sorted((one["width"], one["height"]) for one in told) == SIZES
        for one in told:
            assert (one["ground"], one["aside"]) == (ground, 0)
            assert wanted <= one["ends"].keys()
            assert all(one["ends"][part] <= one["height"] for part in wanted), one


@pytest.mark.parametrize("name", WITH_TRADING)
def test_they_stand_on_the_first_sheet_of_paper(tmp_path: Path, name: str) -> None:
    view, report = page_of(name, tmp_path)
    chromium(tmp_path, report, f"--print-to-pdf={tmp_path / 'page.pdf'}", "--no-pdf-header-footer")
    require("pdftotext")
    said = ["pdftotext", "-layout", "-l", "1", str(tmp_path / "page.pdf"), "-"]
    sheet = "".join(
        subprocess.run(said, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    ).casefold()
    stands = standing.of(view)
    states = [text for label, text in stands.rows() if label == "state"]
    assert states and bool(stands.cause) == (name != "held")
    for text in (view.judgement.verdict.shown, *states, *([stands.headline] if stands.cause else [])):
        assert "".join(text.split()).casefold() in sheet
