"""What `lab.up shop` can be told."""

from blackstart_lab.option import Option

OPTIONS = {
    "mutant": Option("switch on one named resilience defect"),
    "port": Option("port at which clients reach order (default: a free one)", int),
}
