"""Kubernetes' own programs, built from their Go modules into the user's cache: nothing is downloaded ready-made.

The first build takes about six minutes on two busy cores, that of Chaos Mesh seven more; after that the programs are
there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests import machine_lock

Modules = Mapping[tuple[str, str], Mapping[str, str]]
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
_MESH = "github.com/chaos-mesh/chaos-mesh"
CHAOS_MESH = {
    (_MESH, "v0.9.1-0.20260902003049-47411975a8cb"): {
        name: f"{_MESH}/cmd/{name}" for name in ("chaos-daemon", "chaos-controller-manager")
    }
}
"""The same of Chaos Mesh, which few tests need."""
_NESTED = {"./api": "v0.0.0-20260906172039-d70b66ad97ac"}
"""Modules in the tree of another one whose own version of then can't be had, and the next that can."""
CRDS = "chaos-mesh-crds"
"""The folder with the kinds of Chaos Mesh, as it is published."""


def folder() -> Path:
    """Where the programs of this version are, or will be."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blackstart" / "cluster" / VERSION


def lacking(modules: Modules = _MODULES) -> list[str]:
    """The programs that are not built yet."""
    return [name for programs in modules.values() for name in programs if not (folder() / name).exists()]


def build(modules: Modules = _MODULES) -> Path:
    """Build what is lacking, one program after the other; the folder that has them.

    Raises subprocess.CalledProcessError where Go refuses (its output is on the terminal), FileNotFoundError without Go.
    """
    if not lacking(modules):  # who needs no more does not wait for whoever builds more
        return folder()
    with machine_lock.held("cluster-build"):
        for (path, version), programs in modules.items():
            wanted = {name: source for name, source in programs.items() if name in lacking(modules)}
            if not wanted:
                continue
            module = _module(path, version)
            for name, source in wanted.items():
                _go(
                    module,
                    "build",
                    "-mod=mod",
                    "-trimpath",
                    f"-ldflags={_flags()}",
                    "-o",
                    name,
                    source,
                    cgo=modules is CHAOS_MESH,
                )
                (module / name).replace(folder() / name)
            shutil.rmtree(module)
    return folder()


def _module(path: str, version: str) -> Path:
    """A module of our own that requires that one as it is published, where its parts are modules of their own."""
    module = folder() / "module"
    module.mkdir(parents=True, exist_ok=True)
    theirs = Path(json.loads(_go(module, "mod", "download", "-json", f"{path}@{version}"))["Dir"])
    wants = json.loads(_go(theirs, "mod", "edit", "-json"))
    lines = ["module blackstart.test/cluster", f"go {wants['Go']}", f"require {path} {version}"]
    for entry in wants["Replace"] or ():
        old, new = entry["Old"]["Path"], entry["New"]
        if new["Path"].startswith("./"):  # a part of their tree, which is published as a module of its own
            new = {"Path": old, "Version": _NESTED.get(new["Path"], _STAGING)}
        lines.append(f"replace {old} => {new['Path']} {new['Version']}")
    (module / "go.mod").write_text("\n".join(lines) + "\n")
    shutil.copyfile(theirs / "go.sum", module / "go.sum")
    for kind in (theirs / "config" / "crd" / "bases").glob("*.yaml"):
        (folder() / CRDS).mkdir(exist_ok=True)
        shutil.copyfile(kind, folder() / CRDS / kind.name)
    return module


def _flags() -> str:
    """Each program states its version, since the others refuse one of none; no debugging symbols."""
    stated = (f"-X k8s.io/component-base/version.{key}={value}" for key, value in _STATED.items())
    return " ".join(("-s -w", *stated))


def _go(where: Path, *words: str, cgo: bool = False) -> str:
    env = os.environ | {"CGO_ENABLED": str(int(cgo))}
    return subprocess.run(["go", *words], cwd=where, env=env, text=True, stdout=subprocess.PIPE, check=True).stdout
