"""The page in a real browser: what stands in its DOM, whether it fits, what it looks like in the dark and on paper."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from blackstart.evidence import history
from blackstart.reports import html
from blackstart.reports.story import RunView
from tests.requirements import require
from tests.unit.reports.pages import Page

pytestmark = pytest.mark.browser
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
# Only in copies made for a test: the page itself forbids every script.
PROBE = """<script>
const wide = [...document.querySelectorAll('main *')].filter(x =>
  !x.closest('.scroll') && x.getBoundingClientRect().right > innerWidth + 1).map(x => x.tagName + '.' + x.className);
const seen = {width: innerWidth, overflow: document.documentElement.scrollWidth - innerWidth, wide: wide,
  ground: getComputedStyle(document.body).backgroundColor,
  headEnds: document.querySelector('header').getBoundingClientRect().bottom,
  verdictAt: document.querySelector('h1').getBoundingClientRect().top,
  lanes: document.querySelectorAll('svg .box rect').length,
  empty: [...document.querySelectorAll('svg .box rect')].filter(x => x.getBoundingClientRect().width < 0.5).length};
document.documentElement.setAttribute('data-seen', JSON.stringify(seen));
</script>"""


def chromium(tmp_path: Path, page: Path, *flags: str) -> str:
    require("browser")
    done = subprocess.run(
        ["chromium", *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, page.as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def made(stories: dict[str, RunView], runs: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """The pages of a run that held and of one that broke, as files."""
    found = {}
    for name in ("held", "broke"):
        found[name] = tmp_path / f"{name}.html"
        text = html.page(stories[name], history.read(runs[name] / "history.csv"))
        found[name].write_text(text, encoding="utf-8")
    return found


def seen(tmp_path: Path, page: Path, *flags: str) -> dict[str, object]:
    """What a script sees that is put into a copy of the page."""
    text = page.read_text(encoding="utf-8")
    policy = 'http-equiv="Content-Security-Policy"'
    assert policy in text
    copy = page.with_name(f"probed-{page.name}")
    copy.write_text(text.replace(policy, 'name="x"').replace("</body>", PROBE + "</body>"), encoding="utf-8")
    dom = Page(chromium(tmp_path, copy, *flags, "--dump-dom"))
    data: dict[str, object] = json.loads(str(dom.tags("html")[0]["data-seen"]))
    return data


def test_the_browser_sees_verdict_expectations_lanes_and_transitions(
    tmp_path: Path, made: dict[str, Path], stories: dict[str, RunView]
) -> None:
    story = stories["broke"]
    dom = Page(chromium(tmp_path, made["broke"], "--dump-dom"))
    assert dom.text("h1") == "✘ broke"
    assert dom.text("title").startswith("✘ broke: leader-lock on trader")
    rows = dom.text("td")
    assert all(finding.name in rows for finding in story.judgement.findings)
    marks = [group for group in dom.tags("g") if group.get("class") == "mark"]
    assert len(marks) == len(story.transitions) == 3
    labels = [text for text in dom.tags("text") if text.get("class") == "label"]
    assert len(labels) == 2 + len(story.changes) + len(story.lanes)


def test_a_hostile_note_does_not_run(tmp_path: Path, made: dict[str, Path]) -> None:
    dom = Page(chromium(tmp_path, made["broke"], "--dump-dom"))
    assert not dom.tags("script")
    assert "<script>alert(1)</script>" in dom.text("td")


@pytest.mark.parametrize(("width", "name"), [(1280, "held"), (1280, "broke"), (500, "held"), (500, "broke")])
def test_the_page_fits_the_window_with_the_verdict_on_the_first_screen(
    tmp_path: Path, made: dict[str, Path], width: int, name: str
) -> None:
    found = seen(tmp_path, made[name], f"--window-size={width},800")
    assert (found["width"], found["overflow"], found["wide"]) == (width, 0, [])
    assert float(str(found["verdictAt"])) < 120
    assert float(str(found["headEnds"])) < 800
    assert int(str(found["lanes"])) > 10 and found["empty"] == 0


def test_the_page_is_dark_where_the_reader_wants_it_dark(tmp_path: Path, made: dict[str, Path]) -> None:
    assert seen(tmp_path, made["held"])["ground"] == "rgb(255, 255, 255)"
    dark = seen(tmp_path, made["held"], "--blink-settings=preferredColorScheme=0")
    assert dark["ground"] == "rgb(20, 23, 27)"


def test_the_page_can_be_printed(tmp_path: Path, made: dict[str, Path]) -> None:
    chromium(tmp_path, made["broke"], f"--print-to-pdf={tmp_path / 'page.pdf'}", "--no-pdf-header-footer")
    data = (tmp_path / "page.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert 2 <= data.count(b"/Type /Page\n") + data.count(b"/Type /Page/") + data.count(b"/Type/Page/") <= 12
