"""Kubernetes' own programs, built from their Go modules into the user's cache: nothing is downloaded ready-made.

The first build takes about six minutes on two busy cores; after that the programs are there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests import machine_lock

VERSION = "v1.34.4"
_HERE = Path(__file__).resolve().parent
_STAGING = "v0" + VERSION[2:]  # what Kubernetes' parts in its own tree are published as
_MAJOR, _MINOR = VERSION.removeprefix("v").split(".")[:2]
_STATED = {"gitVersion": VERSION, "gitMajor": _MAJOR, "gitMinor": _MINOR}
_KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl")
_OURS = {"coredns": _HERE / "coredns.go", "pause": _HERE / "pause.go"}
_MODULES = {
    ("k8s.io/kubernetes", VERSION): {name: f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES},
    ("github.com/coredns/coredns", "v1.13.1"): {name: str(source) for name, source in _OURS.items()},
}
"""Each module with the programs that are built where it is known, by name: a package, or a file of ours."""


def folder() -> Path:
    """Where the programs of this version are, or will be."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blackstart" / "cluster" / VERSION


def lacking() -> list[str]:
    """The programs that are not built yet."""
    return [name for programs in _MODULES.values() for name in programs if not (folder() / name).exists()]


def build() -> Path:
    """Build what is lacking, one program after the other; the folder that has them.

    Raises subprocess.CalledProcessError where Go refuses (its output is on the terminal), FileNotFoundError without Go.
    """
    with machine_lock.held("cluster-build"):
        for (path, version), programs in _MODULES.items():
            wanted = {name: source for name, source in programs.items() if name in lacking()}
            if not wanted:
                continue
            module = _module(path, version)
            for name, source in wanted.items():
                _go(module, "build", "-mod=mod", "-trimpath", f"-ldflags={_flags()}", "-o", name, source)
                (module / name).replace(folder() / name)
            shutil.rmtree(module)
    return folder()


def _module(path: str, version: str) -> Path:
    """A module of our own that requires that one as it is published, where its parts are modules of their own."""
    module = folder() / "module"
    module.mkdir(parents=True, exist_ok=True)
    theirs = Path(json.loads(_go(module, "mod", "download", "-json", f"{path}@{version}"))["Dir"])
    wants = json.loads(_go(theirs, "mod", "edit", "-json"))
    parts = [entry["Old"]["Path"] for entry in wants["Replace"] or () if entry["New"]["Path"].startswith("./staging/")]
    lines = ["module blackstart.test/cluster", f"go {wants['Go']}", f"require {path} {version}"]
    lines += [f"replace {part} => {part} {_STAGING}" for part in parts]
    (module / "go.mod").write_text("\n".join(lines) + "\n")
    shutil.copyfile(theirs / "go.sum", module / "go.sum")
    return module


def _flags() -> str:
    """Each program states its version, since the others refuse one of none; no debugging symbols."""
    stated = (f"-X k8s.io/component-base/version.{key}={value}" for key, value in _STATED.items())
    return " ".join(("-s -w", *stated))


def _go(where: Path, *words: str) -> str:
    env = os.environ | {"CGO_ENABLED": "0"}
    return subprocess.run(["go", *words], cwd=where, env=env, text=True, stdout=subprocess.PIPE, check=True).stdout
