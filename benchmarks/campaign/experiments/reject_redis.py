"""What goes to Redis is rejected by a rule of iptables; without the rule it must answer again."""

from pathlib import Path

from blackstart.discover import load_file

experiment = load_file(str(Path(__file__).with_name("drop_redis.py"))).declare("reject-redis", "REJECT")
