"""`python -m blackstart_lab.trader`: one instance of the trader, as the supervisor starts it."""

import asyncio
import logging
import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import ChainMap
from pathlib import Path

from blackstart_lab.trader import app, mutants, variants
from blackstart_lab.trader.config import PROFILES, Settings
from blackstart_lab.trader.parts import assemble


def main() -> int:
    """Run until told to stop."""
    options = _options()
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    mutant = mutants.load(options.mutant) if options.mutant else None
    variant = variants.load(options.variant) if options.variant else None
    settings = Settings(
        profile=PROFILES[options.profile],
        port=options.port,
        redis_url=options.redis_url,
        dsn=options.dsn,
        events=options.events,
        orders_per_s=options.orders_per_s,
        older_build=options.older_build,
        ops_key=os.environ[options.ops_key_env] if options.ops_key_env else None,
        mutant=options.mutant or None,
        variant=options.variant,
        host=options.host,
        broker_url=options.broker_url,
        stream_url=options.stream_url,
    )

    async def run() -> int:
        replaced = [chosen.parts for chosen in (variant, mutant) if chosen]
        return await app.serve(assemble(settings, ChainMap(*map(dict, reversed(replaced)))))

    return asyncio.run(run())


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m blackstart_lab.trader", description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="quick")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; a container needs 0.0.0.0")
    parser.add_argument("--redis-url", required=True)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--orders-per-s", type=int, default=50)
    parser.add_argument("--older-build", action="store_true")
    parser.add_argument("--ops-key-env", metavar="NAME", help="environment variable with the key of control routes")
    parser.add_argument("--broker-url", default="", help="http://…: orders go there too, and market data comes from it")
    parser.add_argument("--stream-url", default="", help="ws://…: where the broker streams its ticks")
    parser.add_argument("--mutant", metavar="NAME")
    parser.add_argument("--variant", metavar="NAME")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
