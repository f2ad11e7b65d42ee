"""What `lab.up checkout` can be told."""

from blackstart_lab.checkout.promise import PROMISED
from blackstart_lab.option import Option

OPTIONS = {
    "mutant": Option("switch on one named resilience defect"),
    "limit-per-s": Option(f"sessions that a client may open in a second (default {PROMISED.limit_per_s})", int,
                          PROMISED.limit_per_s),
    "reliable-payments": Option("the payment gateway fails only where a drill makes it fail", bool),
    "port": Option("port at which clients reach the API (default: a free one)", int),
}  # fmt: skip
