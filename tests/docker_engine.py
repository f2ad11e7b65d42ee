"""A real Docker engine for tests, with an image made of this machine's redis-server: nothing is pulled.

Where no engine answers, start one with a plain `dockerd` as root (`dockerd >/tmp/dockerd.log 2>&1 &`).
"""

import contextlib
import io
import re
import subprocess
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests import machine_lock
from tests.services import eventually, free_port, pings, redis_server

IMAGE = "blackstart-test/redis:1"


def docker(*words: str, check: bool = True) -> str:
    """What the docker command prints."""
    ran = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0 or not check, f"docker {' '.join(words)}: {ran.stderr}"
    return ran.stdout.strip()


def redis_image() -> str:
    """The image's name; it is made on first use from redis-server and the libraries that it names."""
    if docker("images", "-q", IMAGE):
        return IMAGE
    changes = ["-c", "WORKDIR /data", "-c", 'ENTRYPOINT ["/usr/bin/redis-server", "--protected-mode", "no"]']
    subprocess.run(["docker", "import", *changes, "-", IMAGE], input=redis_root(), timeout=120, check=True)
    return IMAGE


def redis_root() -> bytes:
    """The root of that image as a tar."""
    return program_root(Path(redis_server()))


def program_root(program: Path) -> bytes:
    """The root of an image of one program as a tar: /usr/bin/NAME, what it needs, /data and /tmp."""
    file = program.resolve()
    needed = subprocess.run(["ldd", str(file)], capture_output=True, text=True, timeout=10, check=False).stdout
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(file, f"usr/bin/{program.name}")
        for library in sorted(set(re.findall(r"(/\S+)", needed))):
            tar.add(Path(library).resolve(), library.lstrip("/"))
        for folder in ("data", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
    return packed.getvalue()


@contextlib.contextmanager
def called_redis(alone: bool = False) -> Iterator[None]:
    """Held while compose services called `redis` are up; `alone` by those to whom that name must mean one container."""
    with machine_lock.held("called-redis", alone):
        yield


@contextlib.contextmanager
def redis_container(
    name: str = "",
    restart: str = "unless-stopped",
    compose: tuple[str, str] | None = None,
    labels: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, int]]:
    """A running Redis in a container: its name and its port on this machine. `compose` is project and service."""
    name, port = name or f"blackstart-{uuid.uuid4().hex[:8]}", free_port()
    marks = list(labels)
    if compose:
        marks += [f"com.docker.compose.project={compose[0]}", f"com.docker.compose.service={compose[1]}"]
        marks += ["com.docker.compose.oneoff=False", "com.docker.compose.container-number=1"]
    labelled = [word for mark in marks for word in ("--label", mark)]
    labelled += [word for key, value in (env or {}).items() for word in ("--env", f"{key}={value}")]
    published = f"127.0.0.1:{port}:6379"
    with called_redis() if compose and compose[1] == "redis" else contextlib.nullcontext():
        docker("run", "-d", "--name", name, "--restart", restart, "-p", published, *labelled, redis_image())
        try:
            assert eventually(lambda: pings(port), 20), docker("logs", name, check=False)
            yield name, port
        finally:
            docker("rm", "-f", name, check=False)
            assert not docker("ps", "-aq", "--filter", f"name=^/{name}$"), f"{name} was left behind"
