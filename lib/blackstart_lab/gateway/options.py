"""What `lab.up gateway` can be told."""

from blackstart_lab.gateway.config import AS_CODED, ON_OPEN, PROFILES
from blackstart_lab.option import Option

_NAMED = sorted(set(PROFILES) - {AS_CODED.name})
OPTIONS = {
    "profile": Option("the breaker stays open 1.5 s (quick) or 10 s (real)", default="quick", choices=_NAMED),
    "as-coded": Option("behave as the public application really does", bool),
    "mutant": Option("switch on one named resilience defect"),
    "variant": Option("a healthy gateway of another shape"),
    "on-open": Option("with an open breaker: pass uncounted, or 503", default="fallback", choices=ON_OPEN),
    "port": Option("port of the API (default: a free one)", int),
    "without-prometheus": Option("even where its binary is on PATH", bool),
}
