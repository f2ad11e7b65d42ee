"""What the supervisor tells one of the sale's programs."""

import logging
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

from blackstart_lab import serving
from blackstart_lab.flash_sale.promise import AS_CODED, GROUP, PROMISED, TOPIC, Settings


def settings(program: str) -> Settings:
    """Its flags."""
    serving.log_to_stdout()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it tells of each attempt to connect as an error
    parser = ArgumentParser(prog=f"python -m blackstart_lab.flash_sale.{program}")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; a container needs 0.0.0.0")
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT")
    parser.add_argument("--topic", default=TOPIC)
    parser.add_argument("--group", default=GROUP)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--redis-url", default="")
    parser.add_argument("--waiting-room", default="", metavar="URL")
    parser.add_argument("--gate-per-s", type=int, default=PROMISED.gate_per_s)
    parser.add_argument("--as-coded", action="store_true", help="behave as the public application does")
    parser.add_argument("--mutant", metavar="NAME")
    options = parser.parse_args()
    return Settings(
        promise=replace(AS_CODED if options.as_coded else PROMISED, gate_per_s=options.gate_per_s),
        port=options.port,
        events=options.events,
        kafka=options.kafka,
        dsn=options.dsn,
        redis_url=options.redis_url,
        waiting_room=options.waiting_room,
        mutant=options.mutant,
        host=options.host,
        topic=options.topic,
        group=options.group,
    )
