"""`deploy/build_images.py` where what goes into an image is not what it was made of."""

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import machine_lock
from tests.docker_engine import docker
from tests.environment import ROOT
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]  # it may have to wait its turn

TAG = "blackstart-lab/caddy:local"


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Makes the image of a program that is on PATH as Caddy; what is said of it. One that was there comes back."""
    require("docker")
    aside = f"blackstart-test/former:{uuid.uuid4().hex[:8]}"

    def built(program: str, *options: str) -> str:
        shutil.copy(str(shutil.which(program)), tmp_path / "caddy")
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        building = [sys.executable, str(ROOT / "deploy" / "build_images.py"), *options, "caddy"]
        ran = subprocess.run(
            building, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return re.sub(r" \(\d+ MB\)$", "", ran.stdout.strip())

    with machine_lock.held("gateway-images"):
        former = image()
        if former:
            docker("tag", former, aside)
            docker("rmi", TAG)
        try:
            yield built
        finally:
            docker("rmi", TAG, check=False)
            if former:
                docker("tag", former, TAG)
                docker("rmi", aside)
            assert image() == former


def image() -> str:
    """Its id, "" where it is not there."""
    return docker("images", "-q", TAG)


def test_an_image_is_built_again_where_its_program_has_changed(build: Callable[..., str]) -> None:
    assert build("basename") == f"{TAG} was built"
    first = image()
    assert build("basename") == f"{TAG} is there"  # though the file was written anew
    assert image() == first
    assert build("dirname") == f"{TAG} was built again: its content has changed"
    assert docker("run", "--rm", "--network=none", TAG, "shop/till") == "shop"
    assert first not in docker("images", "-q", "--all").split()
    assert build("dirname", "--force") == f"{TAG} was built again"
