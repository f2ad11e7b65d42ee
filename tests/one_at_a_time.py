"""Which files run one after the other, where tests run side by side: each a process that fills this machine."""

from pathlib import PurePath

from xdist.scheduler import LoadFileScheduling

# Each brings a Kafka up. Two at once are some thirty threads for two processors: time limits of the systems pass then.
KAFKA = frozenset(
    f"{name}.py"
    for name in (
        "contract/test_kafka_secured",
        "contract/test_lose_partition",
        "contract/test_loads_events",
        "contract/test_order_source",
        "contract/test_probes_kafka",
        "contract/test_starting",
        "lab/test_flash_sale_as_coded",
        "lab/test_flash_sale_drills",
        "lab/test_flash_sale_elsewhere",
        "lab/test_flash_sale_mutants",
        "lab/test_flash_sale_soak",
        "lab/test_lab_flash_sale",
        "lab/test_lab_flash_sale_mutants",
        "lab/test_other_sale",
        "lab/test_shop_drills",
        "lab/test_shop_mutants",
        "lab/test_shop_split_brain",
        "lab/test_systems_on_kubernetes",
    )
)
# Each brings a Kubernetes up, one for all tests of a file: there is one at a time, and who waits for it does nothing.
# The one that has a Kafka there is the last of those, when the others are done with Kubernetes.
KUBERNETES = frozenset(
    f"{name}.py"
    for name in (
        "contract/test_cluster",
        "contract/test_chaos_mesh",
        "contract/test_controls_kubernetes",
        "contract/test_k6_in_pods",
        "contract/test_kubernetes_runs",
        "lab/test_systems_on_kubernetes",
    )
)


def scope(file: str) -> str:
    """What a worker runs as a whole, of a test file's path: the file, or all that have a Kafka, or a Kubernetes."""
    name = "/".join(PurePath(file).parts[-2:])
    return "kafka" if name in KAFKA else "kubernetes" if name in KUBERNETES else file


class OneAtATime(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file to each worker, as with `--dist loadfile`, but all with a Kafka to one, and all with a Kubernetes."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(super()._split_scope(nodeid))
