"""What the supervisor tells one of the shop's programs."""

import logging
from argparse import ArgumentParser
from pathlib import Path

from blackstart_lab import serving
from blackstart_lab.shop.settings import Settings


def settings() -> Settings:
    """Its flags."""
    serving.log_to_stdout()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it tells of each attempt to connect as an error
    parser = ArgumentParser()
    parser.add_argument("--name", required=True, help="of the service, with the number of the instance")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; a container needs 0.0.0.0")
    parser.add_argument("--address", required=True, metavar="URL", help="where the others reach it, as it registers it")
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--platform", required=True, metavar="URL")
    parser.add_argument("--dsn", default="")
    parser.add_argument("--redis-url", default="")
    parser.add_argument("--kafka", default="", metavar="HOST:PORT")
    parser.add_argument("--mutant", metavar="NAME")
    return Settings(**vars(parser.parse_args()))
