"""Which load balancer runs, and what it is told."""

from pathlib import Path

import pytest

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.servers import load_balancer, wheels
from blackstart_lab.workspace import Workspace
from tests.unit.blackstart_lab.servers.test_servers import hide

BACKENDS = ("127.0.0.1:1001", "127.0.0.1:1002")


@pytest.fixture
def haproxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    own = tmp_path / "bin" / "haproxy"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(own.parent))
    return str(own)


def test_haproxy_on_the_path_comes_first(haproxy: str) -> None:
    assert load_balancer.find() == ("haproxy", haproxy)


@pytest.fixture
def caddy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where Caddy of the wheel would be, on a machine that has no load balancer and nothing to fetch one with."""
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(wheels, "cache_folder", lambda: tmp_path)
    hide(monkeypatch, "pip")
    return wheels.folder(load_balancer._CADDY_LOCK) / "bin" / "caddy"


def test_caddy_from_the_wheel_is_second(caddy: Path) -> None:
    caddy.parent.mkdir(parents=True)
    caddy.touch()
    assert load_balancer.find() == ("caddy", str(caddy))


def test_missing_load_balancer_is_refused_with_what_to_install(caddy: Path) -> None:
    with pytest.raises(NotStarted, match=r"needs a load balancer, and neither uv nor pip is here.*apt install haproxy"):
        load_balancer.find()


@pytest.mark.parametrize(("sticky", "expected"), [(False, True), (True, False)])
def test_haproxy_looks_after_its_backends_and_sends_again_unless_it_is_sticky(
    haproxy: str, sticky: bool, expected: bool
) -> None:
    workspace = Workspace("flash-sale")
    workspace.folder.mkdir(parents=True)
    made = load_balancer.service(workspace, 1000, BACKENDS, sticky)
    settings = Path(made.program.command[-1]).read_text()
    for wanted in (
        "retry-on conn-failure empty-response",
        "option redispatch 1",
        "option httpchk GET /health",
        "check",
    ):
        assert (wanted in settings) is expected
    assert ("balance hdr(x-idempotency-key)" in settings) is sticky
    assert all(backend in settings for backend in BACKENDS)
