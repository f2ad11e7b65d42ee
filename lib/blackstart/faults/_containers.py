"""Into a container's network from outside, as data: each command finds the container anew and enters its namespace.

The programs are the machine's own, so that the image needs none; what is in force ends with the container's namespace.
Needs root on the machine that the engine runs on.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

from blackstart import controls
from blackstart.controls.docker import Docker
from blackstart.errors import Refused, StepFailed
from blackstart.faults._packets import Site
from blackstart.model import Command
from blackstart.steps.run import carry_out

GONE_WITH_IT = ("no container matches", "the container does not run")
_FIND = (
    'engine=$1; shift; id=$("$engine" ps -aq --no-trunc "$@") || exit; case $id in '
    '"") echo "no container matches $*" >&2; exit 66 ;; '
    '*[!0-9a-f]*) echo "more than one container matches $*" >&2; exit 67 ;; esac; '
)
_ENTER = (
    "line=$1; shift; " + _FIND + 'pid=$("$engine" inspect --format \'{{.State.Pid}}\' "$id") || exit; '
    '[ "$pid" != 0 ] || { echo "the container does not run" >&2; exit 65; }; exec nsenter -t "$pid" -n sh -c "$line"'
)
_PORTS = _FIND + 'exec "$engine" inspect --format \'{{json .NetworkSettings.Ports}}\' "$id"'


def entered(site: Site) -> Site:
    """The same site in the network of its service's container, at the container's own port. Raises Refused."""
    control = controls.resolved(site.line.service)
    if not isinstance(control, Docker):
        raise Refused(f"{site.line.name} is in no container that could be entered")
    if control.host is None and not control.is_local():
        raise Refused(
            f"{site.line.name}: the network of a container of another engine ({control.remote}) has no way in"
        )
    (look,) = control.rights()
    # After the script stand the engine's name, its program and what tells the container from all others.
    name, *finding = look.argv[3:]
    try:
        told = carry_out(replace(look, argv=("sh", "-c", _PORTS, name, *finding))).stdout
    except StepFailed as error:
        raise Refused(f"the ports of {site.line.name} can't be seen: {error}") from error
    enter = replace(look, argv=("sh", "-c", _ENTER, name, "", *finding))
    return replace(site, enter=enter, inner_port=container_port(told, site.port), interface=site.interface or "eth0")


def into(enter: Command, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command in the container's network: `enter`, with its empty place filled."""
    return (*enter.argv[:4], shlex.join(argv), *enter.argv[5:])


def container_port(told: str, published: int) -> int:
    """The container's port behind a published one, in what `inspect` tells of its ports; the same where it has none."""
    try:
        ports = json.loads(told)
    except ValueError:
        ports = None
    for inner, places in (ports if isinstance(ports, dict) else {}).items():
        number, _, protocol = str(inner).partition("/")
        outer = [place.get("HostPort") for place in places or [] if isinstance(place, dict)]
        if protocol == "tcp" and number.isdigit() and str(published) in outer:
            return int(number)
    return published
