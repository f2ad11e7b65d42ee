"""What `lab.up trader` can be told."""

from blackstart_lab.option import Option
from blackstart_lab.trader.config import PROFILES

OPTIONS = {
    "profile": Option("TTL 3 s (quick) or 30 s (real)", default="quick", choices=sorted(PROFILES)),
    "mutant": Option("switch on one named resilience defect"),
    "variant": Option("a healthy trader of another shape"),
    "instances": Option("one leads, the rest stand by (default 1)", int),
    "older-build": Option("answer /ready in the older 503 form", bool),
    "forgets-users": Option("a restart of Redis forgets the drill's user", bool),
    "orders-per-s": Option("rate of the throttle queue (default 50)", int, 50),
    "broker": Option("with a broker, and the fault proxy on the ways to the stores and to its stream", bool),
    "on": Option("another place: the cluster that KUBECONFIG names", choices=("kubernetes",)),
    "port": Option("port of the API (default: a free one)", int),
    "ops-key-env": Option("environment variable with the key of control routes"),
}
