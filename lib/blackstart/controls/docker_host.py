"""Which engine is asked, where a variable of the shell names one."""

import os
from collections.abc import Iterable, Mapping

from blackstart.controls.docker import Docker
from blackstart.model.control import Control


def unused(resolved: Iterable[Control], environ: Mapping[str, str]) -> str:
    """Why the engine that DOCKER_HOST names is not asked, as a line; "" where it is, or none is named."""
    named = environ.get("DOCKER_HOST", "").strip()
    containers = [one for one in resolved if isinstance(one, Docker)]
    if not named or any(dict(one.env).get("DOCKER_HOST") == named and _is_docker(one) for one in containers):
        return ""
    if not containers:
        return f"DOCKER_HOST={named} is not used: nothing that is touched is a container by its target"
    asked = ", ".join(sorted({one.host or os.path.basename(one.engine) for one in containers}))
    return f"DOCKER_HOST={named} is not used: the containers are those of {asked}"


def _is_docker(control: Docker) -> bool:
    """Whether its engine listens to DOCKER_HOST: podman has variables of its own."""
    return control.host is None and os.path.basename(control.engine) != "podman"
