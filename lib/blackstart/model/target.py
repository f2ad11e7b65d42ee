"""Targets: the systems under test, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blackstart.base.errors import BadTarget, did_you_mean
from blackstart.model.system import System


@dataclass(frozen=True)
class Service:
    """One part of a target. `control` is the TOML table as data; `dsn` may be `env:NAME`; `address` is host:port.

    `proxy_name` is what the target's fault proxy calls the way to it. `net` says where packets to it can be reached
    (see `blackstart.faults._packets`).
    """

    name: str
    address: str = ""
    url: str = ""
    dsn: str = ""
    log: str = ""
    events: str = ""
    control: Mapping[str, Any] = field(default_factory=dict)
    proxy_name: str = ""
    net: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A system under test: its URLs, its services, how each is controlled, and what it promises of itself.

    `facts` are the target's own numbers (seconds, counts) that deadlines are derived from. `max_rate_hz` is how often
    an endpoint may be read. `why` says how this target was chosen. `secrets` are those that stand in its
    `file`, by reference (see `base.secrets.references`). `fleets` are the services that run on several hosts, by name:
    their instances, each of which is a service of its own. `system` is what is known of its kind, or, where it names
    none, of the kind that it was chosen for. `load` says where a load from pods comes from (see `loads.k6_override`).
    `in_force_s` is how long a change of it may be in force: a run knows it for each of its faults.
    """

    name: str
    kind: str = ""
    api: str = ""
    lab: bool = False
    mutant: str = ""
    profile: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    abort: str = ""
    prometheus: str = ""
    proxy: str = ""
    max_rate_hz: float = 5.0
    read_timeout_s: float = 2.0
    why: str = ""
    file: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    system: System = field(default=System(), repr=False)
    fleets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    load: Mapping[str, str] = field(default_factory=dict)
    in_force_s: float = 600.0

    def service(self, name: str) -> Service:
        """The named service. Raises BadTarget with what there is."""
        if name in self.fleets:
            instances = ", ".join(self.fleets[name])
            raise BadTarget(f'target "{self.name}": service "{name}" is several ({instances}); name one of them')
        if name not in self.services:
            raise BadTarget(f'target "{self.name}" has no service "{name}".{did_you_mean(name, self.services)}')
        return self.services[name]

    def url(self, path: str) -> str:
        """`path` below the API; a whole URL as it is; `service:/path` below that service's url."""
        if "://" in path:
            return path
        name, _, rest = path.partition(":/")
        if rest or path.endswith(":/"):
            base = self.service(name).url
            if not base:
                raise BadTarget(f'target "{self.name}": service "{name}" has no url')
            return f"{base.rstrip('/')}/{rest}"
        if not self.api:
            raise BadTarget(f'target "{self.name}" has no api')
        return f"{self.api.rstrip('/')}{path}"

    def fact(self, name: str, default: Any) -> Any:
        """What the target promises of itself under that name, or the default of the real system."""
        return self.facts.get(name, default)
