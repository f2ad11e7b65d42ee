"""What `lab.up flash-sale` can be told."""

from blackstart_lab.flash_sale.promise import PROMISED, QUANTITY, WORKER_DOWN_S
from blackstart_lab.option import Option

OPTIONS = {
    "profile": Option(
        "drills keep the worker away for 6 s (quick) or 25 s (real)", default="quick", choices=sorted(WORKER_DOWN_S)
    ),
    "as-coded": Option("behave as the public application really does", bool),
    "mutant": Option("switch on one named resilience defect"),
    "instances": Option("ingestion APIs behind the load balancer (default 2)", int),
    "brokers": Option("of Kafka; a second one has the orders to itself (default 1)", int, 1),
    "gate-per-s": Option(f"orders let in each second (default {PROMISED.gate_per_s})", int, PROMISED.gate_per_s),
    "quantity": Option(f"units that target.toml names for a sale (default {QUANTITY})", int, QUANTITY),
    "without-restart": Option("the supervisor leaves a killed worker where it is", bool),
    "on": Option("another place: the cluster that KUBECONFIG names", choices=("kubernetes",)),
    "port": Option("port of the load balancer (default: a free one)", int),
}
