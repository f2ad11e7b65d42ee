"""The gateway's page, and its target file as it stands there and with a lab's ports in it."""

import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from tests.docs.pages import blocks
from tests.environment import ROOT

PAGE = ROOT / "docs" / "gateway.md"


def example() -> dict[str, Any]:
    """The target file of the page."""
    (text,) = blocks(PAGE, "toml")
    return tomllib.loads(text)


def on_lab(lab: dict[str, Any], file: Path) -> Path:
    """The example with the addresses and controls of a lab in place of its own, and nothing else changed but facts."""
    made = example()
    for key in ("api", "proxy", "prometheus"):
        made.pop(key)
        made |= {key: lab[key]} if key in lab else {}
    made["facts"] = {name: lab["facts"][name] for name in made["facts"]}
    for name, service in made["services"].items():
        for key in service:
            service[key] = lab["services"][name][key]
    file.write_text(tomli_w.dumps(made))
    return file
