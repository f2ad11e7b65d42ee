"""docs/proxy.md does what it says: its commands run in their order, and its table of toxics is that of the code."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from blackstart.proxy.attributes import declared
from blackstart.proxy.collection import SWEEP_EVERY_S, read_proxy
from blackstart.proxy.toxics import kinds
from tests.contract.fault_proxies import eventually
from tests.docs.pages import blocks, table, words
from tests.environment import ROOT, require_own_environment
from tests.requirements import require
from tests.services import free_port

PAGE = ROOT / "docs" / "proxy.md"
# Toxiproxy 2.12 knows these types.
TOXIPROXYS = {"latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data", "noop"}


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[tuple[str, dict[str, str], int]]:
    """The page's commands in their order, on ports of the test's own; what surrounds them; the API's port."""
    require_own_environment()
    require("curl")
    port = free_port()
    text = "\n".join(blocks(PAGE, "bash")).replace("8474", str(port)).replace("26379", str(free_port()))
    around = {**os.environ, "BLACKSTART_STATE": str(tmp_path / "state")}
    yield text, around, port
    down = ["./scripts/run", "proxy.down"]
    subprocess.run(down, cwd=ROOT, env=around, capture_output=True, timeout=60, check=False)


def run(text: str, around: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], cwd=ROOT, env=around,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_its_commands_run_in_their_order_to_the_end(typed: tuple[str, dict[str, str], int]) -> None:
    text, around, port = typed
    said = run(text, around)
    for told in ('"latency": 500', '"name": "latency_both"', '"distribution": "normal"', '"scope": "proxy"', '"lease"'):
        assert told in said, said
    assert "mine: timeout downstream" in said and f"Proxy down: http://127.0.0.1:{port}" in said


def test_a_leased_toxic_goes_with_its_owner_within_half_a_second(typed: tuple[str, dict[str, str], int]) -> None:
    text, around, port = typed
    run(text[: text.rindex("api=")], around)  # the shell whose number the lease has ends with it
    url = f"http://127.0.0.1:{port}/proxies/redis/toxics"
    assert eventually(lambda: requests.get(url, timeout=5).json() == [])
    assert SWEEP_EVERY_S < 0.5  # a busy machine's own half a second says nothing


def test_every_toxic_is_told_with_its_attributes_and_no_other_and_what_is_not_toxiproxys_is_marked() -> None:
    told = {}
    for kind, attributes, does in table(PAGE, "Toxics"):
        (name,) = words(kind)
        known = declared(kinds()[name])
        told[name] = words(attributes) & known.keys()
        assert told[name] == known.keys(), name
        assert (name in TOXIPROXYS) is not kind.endswith("*")
        extras = {word for word in known if f"`{word}`*" in attributes}
        assert extras == {word for word, attribute in known.items() if attribute.extra}
        for choices in (getattr(attribute, "choices", ()) for attribute in known.values()):
            assert all(f"`{choice}`" in f"{attributes}{does}" for choice in choices), name
    assert told.keys() == kinds().keys()


def test_the_file_for_config_is_one_that_is_taken() -> None:
    (text,) = blocks(PAGE, "json")
    assert [read_proxy(entry).name for entry in json.loads(text)] == ["redis"]


def test_a_route_that_the_page_names_is_one_that_the_api_has() -> None:
    source = (ROOT / "lib/blackstart/proxy/api.py").read_text()
    named = {word for row in table(PAGE, "API") for word in re.findall(r"(/[a-z]+)", row[0])}
    assert named == set(re.findall(r'"(/[a-z]+)[/"]', source)) | {"/toxics"}
