"""What labs say of their own programs: how one is started, and whether it answers. Loads none of them."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import blackstart_lab

PORT_TAKEN = 3
"""Exit code for a start that would fail again: the supervisor does not repeat it."""


def environment() -> dict[str, str]:
    """With this package on the path, whatever the folder."""
    import_root = str(Path(blackstart_lab.__file__).parent.parent)
    python_path = os.pathsep.join(filter(None, (import_root, os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": python_path, "PYTHONUNBUFFERED": "1"}


def lacks(url: str, wanted: Mapping[str, str]) -> str | None:
    """None where the JSON there holds all that is wanted, else what was seen instead."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            body = json.load(answer)
    except urllib.error.HTTPError as error:
        return f"{url} answered {error.code}: {error.read(300).decode(errors='replace')}"
    except (OSError, ValueError) as error:
        return f"no answer from {url} ({error})"
    return None if wanted.items() <= body.items() else f"{url} answered {body}"
