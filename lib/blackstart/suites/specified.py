"""What a run's record says of the scenario of a specification that it carries out, as it is written there."""

import re
from pathlib import Path
from typing import Any

from blackstart.dsl.custom import Known
from blackstart.dsl.lower import scenarios
from blackstart.dsl.parse import parse, read
from blackstart.dsl.slug import slug
from blackstart.dsl.tree import Injection, plain
from blackstart.suites.injectors import Own

_DOMAIN = re.compile(r"^\s*domain\s+(\w+)", re.MULTILINE)
_VERSION = re.compile(r'^\s*version\s*:\s*"([^"\n]+)"', re.MULTILINE)


def told(path: Path, name: str, sha256: str) -> dict[str, Any]:
    """Of the scenario that is typed so: `spec` (name, version and sha256 of the file), `behavior`, `scenario`,
    `injections`, each with its parameters, `retries`, and `limit_s` where one is written. Raises BadSpec."""
    document = parse(read(path), str(path), Known(Own()))
    block, scenario = next(pair for pair in scenarios(document) if slug(pair[1].name) == name)
    named, version = (pattern.search(document.text) for pattern in (_DOMAIN, _VERSION))
    return {
        "spec": {
            "name": named[1] if named else path.name, "version": version[1] if version else "", "sha256": sha256,
        },
        "behavior": block.behavior,
        "scenario": scenario.name,
        "injections": [_written(one) for one in scenario.injections],
        "block_retries": block.retries or 0,
        "retries": next((one for one in (scenario.retries, block.retries) if one is not None), 0),
        "limit_s": next((one for one in (scenario.timeout_s, block.timeout_s) if one is not None), None),
    }  # fmt: skip


def _written(one: Injection) -> dict[str, Any]:
    return {"type": one.name, "parameters": {str(given.name): plain(given.value) for given in one.arguments}}
