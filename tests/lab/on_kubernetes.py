"""What labs need of the tests' Kubernetes: images of this machine's programs, and volumes for their claims."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests import machine_lock
from tests.cluster.cluster import Cluster
from tests.docker_engine import docker
from tests.environment import ROOT


def load_images(cluster: Cluster, names: tuple[str, ...], folder: Path) -> None:
    """Build the images `blackstart-lab/NAME:local`, and make them known to the node. None stays that was not there."""
    packed = folder / "images.tar"
    with machine_lock.held("gateway-images"):
        there = docker("images", "-q", "--filter", "reference=blackstart-lab/*:local")
        building = [sys.executable, str(ROOT / "deploy" / "build_images.py"), *names]
        built = subprocess.run(building, capture_output=True, text=True, timeout=300, check=False)
        assert built.returncode == 0, built.stderr
        docker("save", "-o", str(packed), *(f"blackstart-lab/{name}:local" for name in names))
        if not there:
            docker("rmi", *docker("images", "-q", "--filter", "reference=blackstart-lab/*:local").split())
    cluster.load_image(packed)


@contextlib.contextmanager
def volumes(cluster: Cluster, count: int) -> Iterator[None]:
    """So many volumes, for claims."""
    names = [f"volume-{uuid.uuid4().hex[:8]}" for _ in range(count)]
    for name in names:
        cluster.add_volume(name)
    yield
    cluster.kubectl("delete", "persistentvolume", *names, "--wait=false")
