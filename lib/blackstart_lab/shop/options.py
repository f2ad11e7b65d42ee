"""What `lab.up shop` can be told."""

from blackstart_lab.option import Option

OPTIONS = {
    "mutant": Option("switch on one named resilience defect"),
    "inventories": Option("instances of inventory; `shop.split-brain` needs two (default 2)", int, 2, (1, 2)),
    "port": Option("port at which clients reach order (default: a free one)", int),
}
