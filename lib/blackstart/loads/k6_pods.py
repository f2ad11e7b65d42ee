"""A user's own k6 script as a load from many pods of a Kubernetes: each plays its share, all rows are one history."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.secrets.redact import SECRET_NAME
from blackstart.controls.kubernetes_context import Context
from blackstart.loads.k6 import K6
from blackstart.model.flags import MOST_PODS

SEGMENTS = frozenset(("--execution-segment", "--execution-segment-sequence"))


@plain("load.k6_pods")
class K6Pods:
    """`k6` in `pods` pods of the `image`, each with its own execution segment, started at one time.

    `place` is where the pods are. `api` is what they reach the target's API by; empty: as this machine does. `env_from`
    is a Secret there whose keys the script finds in its `__ENV`; of this machine's variables it finds none. `job` is
    the name of what is made there, which only a run knows.
    """

    k6: K6
    pods: int
    image: str
    place: Context
    api: str = ""
    env_from: str = ""
    job: str = ""

    kind: ClassVar[str] = "k6_pods"

    def __post_init__(self) -> None:
        if not 1 <= self.pods <= MOST_PODS:
            raise ValueError(f"a load comes from 1 to {MOST_PODS} pods, not {self.pods}")
        if taken := [arg for arg in self.k6.args if arg.split("=")[0] in SEGMENTS]:
            raise ValueError(f"{', '.join(taken)}: Blackstart sets this option of k6 itself")
        secret = [name for name, value in self.k6.env.items() if value.startswith("env:") or SECRET_NAME.search(name)]
        if secret:
            raise ValueError(
                f"{', '.join(secret)}: a secret would stand readable in the Job; put it into a Secret of the "
                'namespace, and name that in the target file: [load] env_from = "…"'
            )

    @property
    def name(self) -> str:
        """The script's load's."""
        return self.k6.name

    @property
    def says(self) -> str:
        """The script, and by how many."""
        return f"{self.k6.says} in {self.pods} pods"

    def at(self, base_url: str, headers: Mapping[str, str] | None = None) -> Self:
        """The same with `API` in the script's `__ENV`; what began with this machine's URL begins with the pods'."""
        within = self.api or base_url
        env = {
            name: f"{within}{value.removeprefix(base_url)}" if base_url and value.startswith(base_url) else value
            for name, value in self.k6.env.items()
        }
        return dataclasses.replace(self, k6=dataclasses.replace(self.k6, env=env).at(within, headers))

    def of_run(self, boot: str, evidence: str) -> Self:
        """The same with a name for its Job that no other run has: it follows from the run's machine and folder."""
        drawn = hashlib.sha256(f"{boot} {evidence}".encode()).hexdigest()[:12]
        return dataclasses.replace(self, job=f"blackstart-{drawn}")
