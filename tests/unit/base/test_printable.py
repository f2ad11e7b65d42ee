"""What people see: no text in it steers a terminal, a CI server or the eye."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.printable import lines, one_line, printable, short_paths, shortened, table
from blackstart.base.secrets.redact import MASK, Redactor


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("\x1b[2J\x07\r\n\t\x9b", "\\x1b[2J\\x07\\r\\n\\t\\x9b"),
        ("\u202eabc\u2066\u200b\u061c\u2028\x85\xad", "\\u202eabc\\u2066\\u200b\\u061c\\u2028\\x85\\xad"),
        ("\U000e0041 \U000f0000 \ud800", "\\U000e0041 \\U000f0000 \\ud800"),
        ("größer 日本 😀 ∀", "größer 日本 😀 ∀"),
        ("::error::x", "\\x3a:error::x"),
        ("  ::set-output name=a::b", "  \\x3a:set-output name=a::b"),
        ("because: ::error::x", "because: ::error::x"),  # no command there, and left as it is
        ("::1", "::1"),
        ("a ##[error]x ##vso[task.x] ##teamcity[y]", "a \\x23#[error]x \\x23#vso[task.x] \\x23#teamcity[y]"),
        ("## a heading", "## a heading"),
    ],
)
def test_a_line_shows_what_it_quotes_as_it_is_or_as_its_number(given: str, shown: str) -> None:
    assert one_line(given) == shown and one_line(shown) == shown


@given(st.text(st.characters()))
def test_no_text_makes_a_second_line_or_holds_what_can_not_be_seen(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]
    assert one_line(shown) == shown
    assert not re.match(r"\s*::.*::", shown) and not re.search(r"##(vso|teamcity)?\[", shown)


@given(st.lists(st.lists(st.text(st.characters()), min_size=2, max_size=2), min_size=1, max_size=3))
def test_no_cell_makes_a_row_of_its_own(rows: list[list[str]]) -> None:
    made = table(rows, ("a", "b"), disable_numparse=True)
    assert len(made) == 2 + len(rows) and made == lines(made).split("\n")


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\\'"), min_size=6, max_size=20))
def test_a_secret_that_can_not_be_shown_as_it_is_is_masked_all_the_same(secret: str) -> None:
    assert Redactor([secret])(printable(f"<{secret}>")) == f"<{MASK}>"


def test_a_long_text_is_shown_with_what_was_run_and_with_what_went_wrong() -> None:
    long = "`docker exec redis redis-cli PING` ended with exit code 1" + " and so on" * 100 + ": FATAL: no space left"
    told = shortened(long, 200)
    assert told.startswith("`docker exec redis redis-cli PING` ended") and told.endswith(": FATAL: no space left")
    assert len(told) == 200 and " … " in told
    assert shortened("short", 5) == "short"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("/srv/drills/.venv/bin/supervisorctl -c /srv/state/labs/trader/supervisord.conf start redis",
         "supervisorctl -c /srv/…/supervisord.conf start redis"),
        ("this machine, supervisor:/srv/state/labs/trader/supervisord.conf:redis",
         "this machine, supervisor:/srv/…/supervisord.conf:redis"),
        ("/home/ops/state/labs/trader/a.conf", "~/…/a.conf"),
        ("cat /home/ops/state/long/name", "cat ~/state/long/name"),
        ("/usr/bin/redis-server /etc/redis/redis.conf", "/usr/bin/redis-server /etc/redis/redis.conf"),  # are short
        ("http://localhost:8000/a/long/path/of/an/api", "http://localhost:8000/a/long/path/of/an/api"),
        ("unix:///run/user/1000/podman/podman.sock", "unix:///run/user/1000/podman/podman.sock"),
        ("docker start redis", "docker start redis"),
    ],
)  # fmt: skip
def test_in_a_table_long_paths_are_short(given: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ops")
    assert short_paths(given) == told
