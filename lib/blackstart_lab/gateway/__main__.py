"""`python -m blackstart_lab.gateway`: one instance of the gateway, as the supervisor starts it."""

import asyncio
import logging
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import ChainMap
from pathlib import Path

from blackstart_lab.gateway import app, as_coded, mutants, variants
from blackstart_lab.gateway.config import AS_CODED, ON_OPEN, PROFILES, Settings
from blackstart_lab.gateway.parts import assemble


def main() -> int:
    """Run until told to stop."""
    options = _options()
    logging.Formatter.converter = time.gmtime
    form = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format=form, datefmt="%Y-%m-%dT%H:%M:%S")
    settings = Settings(
        profile=AS_CODED if options.as_coded else PROFILES[options.profile],
        port=options.port,
        redis_url=options.redis_url,
        upstream_url=options.upstream_url,
        events=options.events,
        on_open=options.on_open,
        mutant=options.mutant,
        host=options.host,
    )
    chosen = [package.load(name) for package, name in ((variants, options.variant), (mutants, options.mutant)) if name]
    replaced = ChainMap(*(dict(one.parts) for one in reversed(chosen)), as_coded.PARTS if options.as_coded else {})

    async def run() -> int:
        return await app.serve(assemble(settings, replaced))

    return asyncio.run(run())


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m blackstart_lab.gateway", description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="quick")
    parser.add_argument("--as-coded", action="store_true", help="behave as the public application does")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; a container needs 0.0.0.0")
    parser.add_argument("--redis-url", required=True, help="the fault proxy's address, not that of Redis itself")
    parser.add_argument("--upstream-url", required=True)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--on-open", choices=ON_OPEN, default="fallback")
    parser.add_argument("--mutant", metavar="NAME")
    parser.add_argument("--variant", metavar="NAME")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
