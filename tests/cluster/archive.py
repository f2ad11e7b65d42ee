"""Images made here, FROM scratch, as archives that `ctr images import` and `docker load` read: nothing is pulled."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Go calls them


def write(path: Path, name: str, root: bytes, command: Sequence[str] = ()) -> Path:
    """An image called `name` (as `blackstart-test/pause:1`) of one layer: `root` is its root as an uncompressed tar.

    `command` is what it runs by itself. The archive's path.
    """
    layer = hashlib.sha256(root).hexdigest()
    about = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": list(command)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
    }
    config = json.dumps(about).encode()
    called = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": called, "RepoTags": [f"docker.io/{name}"], "Layers": [f"{layer}.tar"]}]
    parts = {called: config, f"{layer}.tar": root, "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(path, "w") as tar:
        for part, content in parts.items():
            entry = tarfile.TarInfo(part)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def packed(fill: Callable[[tarfile.TarFile], None]) -> bytes:
    """The tar that `fill` fills."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        fill(tar)
    return target.getvalue()
