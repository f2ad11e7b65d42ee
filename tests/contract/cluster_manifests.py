"""What the tests' Kubernetes is given to run: a Redis of an image FROM scratch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cluster import archive
from tests.docker_engine import IMAGE, program_root, redis_root

K6_IMAGE = "blackstart-test/k6:1"


def redis_archive(folder: Path) -> Path:
    """The image that Docker tests have, as an archive for the node."""
    return archive.write(folder / "redis.tar", IMAGE, redis_root(), ["/usr/bin/redis-server", "--protected-mode", "no"])


def k6_archive(folder: Path, k6: Path) -> Path:
    """The image of the k6 of the tests, as an archive for the node."""
    return archive.write(folder / "k6.tar", K6_IMAGE, program_root(k6), ["/usr/bin/k6"])


def redis_deployment(name: str, replicas: int = 1) -> str:
    """A Deployment whose pods are Ready while Redis takes connections, as JSON for `kubectl apply -f -`."""
    probe = {"tcpSocket": {"port": 6379}, "periodSeconds": 1}
    container = {"name": "redis", "image": IMAGE, "imagePullPolicy": "Never", "workingDir": "/data"}
    pod: dict[str, Any] = {"containers": [container | {"readinessProbe": probe}], "terminationGracePeriodSeconds": 2}
    labels = {"app": name}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}}
    spec |= {"template": {"metadata": {"labels": labels}, "spec": pod}}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})
