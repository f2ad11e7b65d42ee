"""What the lab's commands print: a log or a name in it steers neither a terminal nor a CI server's log."""

import pytest

from blackstart_lab import cli, lifecycle
from blackstart_lab.printer import say


def test_a_hostile_log_and_a_hostile_name_are_shown_not_sent(
    own_state: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cli.Workspace("trader").folder
    folder.mkdir(parents=True)
    (folder / "redis.log").touch()
    said = ["\x1b[2J\x07\r\u202e😀", "::error::x", "a ##[error]b"]
    monkeypatch.setattr(lifecycle, "last_lines", lambda path, count: said)
    assert cli.main(["logs", "trader", "redis"]) == 0
    assert cli.main(["logs", "trader", "no\x1b[2J"]) == 40
    say("  ::warning file=x::y")
    out, err = capsys.readouterr()
    assert "\\x1b[2J" in out and "😀" in out and "\\x1b[2J" in err
    assert all(sign.isprintable() or sign == "\n" for sign in out + err)
    assert "##[" not in out and not any(line.strip().startswith("::") for line in out.splitlines())
