"""When a lab is up: its own programs answer, and nobody else in their place."""

import json
from pathlib import Path

import pytest

from blackstart_lab import lifecycle
from blackstart_lab.lab_error import NotEnded, NotStarted
from blackstart_lab.model import Program, Service
from blackstart_lab.servers import supervisord
from blackstart_lab.workspace import Workspace


@pytest.mark.parametrize("state", ["BACKOFF", "FATAL", "EXITED"])
def test_an_answer_on_the_port_of_a_program_that_could_not_take_it_is_somebody_elses(
    own_state: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """The port was free when it was chosen, and taken by another user before our server listened."""
    server = Service("redis", Program(("redis-server",), Path("/")), "127.0.0.1:1", lacks=lambda: None, target={})
    told = iter(["STARTING", state])
    monkeypatch.setattr(supervisord, "states", lambda _: {"redis": next(told)})
    with pytest.raises(NotStarted, match="redis ended while starting"):
        lifecycle._await_answers(Workspace("trader"), (server,), 5)


def test_what_a_lab_has_elsewhere_is_removed_before_the_files_that_say_how(own_state: Path, tmp_path: Path) -> None:
    workspace, elsewhere = Workspace("trader"), tmp_path / "elsewhere"
    workspace.create()
    elsewhere.mkdir()
    (elsewhere / "held").touch()
    workspace.leaving.write_text(json.dumps([["rmdir", str(elsewhere)]]))
    with pytest.raises(NotEnded, match=r"rmdir .* not empty.*delete .*leave\.json"):
        lifecycle.down("trader", lambda _: None)
    (elsewhere / "held").unlink()
    assert workspace.leaving.exists() and lifecycle.down("trader", lambda _: None)
    assert not elsewhere.exists() and not workspace.folder.exists()
