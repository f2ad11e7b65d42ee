"""What people have in their config files of Toxiproxy: what it takes is taken, the toxics that it drops in silence are
put in, and the rest is refused by name, where Toxiproxy starts without it or with a proxy that leads nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from blackstart.commands import proxy_server
from tests.contract.fault_proxies import FaultProxy, refused
from tests.requirements import require
from tests.services import free_port

SHOP = '{"name": "shop", "listen": "127.0.0.1:NEAR", "upstream": "127.0.0.1:FAR", "enabled": true}'
LATE = '{"name": "late", "type": "latency", "stream": "upstream", "toxicity": 1.0, "attributes": {"latency": 150}}'


@dataclass(frozen=True)
class Config:
    """A file, where its proxy `shop` then listens, and how many toxics it has; or the words that refuse it.
    `theirs`: whether Toxiproxy makes a proxy of it."""

    text: str
    listen: str = "127.0.0.1:NEAR"
    toxics: int = 0
    told: str = ""
    theirs: bool = True

    def written(self, folder: Path) -> Config:
        """The same with ports of its own, in `toxiproxy.json`."""
        made = {"NEAR": free_port(), "NEXT": free_port(), "FAR": free_port()}
        text, listen = self.text, self.listen
        for name, port in made.items():
            text, listen = text.replace(name, str(port)), listen.replace(name, str(port))
        (folder / "toxiproxy.json").write_text(text)
        return Config(text, listen, self.toxics, self.told, self.theirs)


CONFIGS = {
    "object-by-name": Config(f'{{"shop": {SHOP}}}', told="a list of proxies is needed", theirs=False),
    "toxics-in-the-file": Config(f'[{SHOP[:-1]}, "toxics": [{LATE}]}}]', toxics=1),
    "upstream-with-http": Config(f"[{SHOP}]".replace("127.0.0.1:FAR", "http://127.0.0.1"),
                                 told="upstream must be host:port with a port from 1 to 65535, not 'http://127.0.0.1'"),
    "upstream-with-http-and-port": Config(f"[{SHOP}]".replace("127.0.0.1:FAR", "http://127.0.0.1:FAR"),
                                          told="upstream must be host:port with a port from 1 to 65535, not 'http://"),
    "any-address-of-ipv6": Config(f"[{SHOP}]".replace("127.0.0.1:NEAR", "[::]:NEAR"), "[::]:NEAR"),
    "byte-order-mark": Config(f"\ufeff[{SHOP}]", theirs=False),
    "capitals": Config('[{"Name": "shop", "Listen": "127.0.0.1:NEAR", "Upstream": "127.0.0.1:FAR", "Enabled": true}]'),
    "one-name-twice": Config(f"[{SHOP}, {SHOP.replace('NEAR', 'NEXT')}]", "127.0.0.1:NEXT"),
    "a-comma-too-many": Config(f"[{SHOP[:-1]},}},]", told="can't be read (", theirs=False),
    "wrapped-in-proxies": Config(f'{{"proxies": [{SHOP}]}}', told="a list of proxies is needed", theirs=False),
}  # fmt: skip


@pytest.fixture
def nothing_left() -> Iterator[None]:
    yield
    assert proxy_server.down("0") == 0


def proxies(url: str) -> dict[str, Any]:
    return dict(requests.get(f"{url}/proxies", timeout=5).json())


def assert_carries(shown: dict[str, Any], config: Config, toxics: int) -> None:
    assert list(shown) == ["shop"] and shown["shop"]["enabled"], shown
    assert (shown["shop"]["listen"], len(shown["shop"]["toxics"])) == (config.listen, toxics)
    assert not refused(int(config.listen.rpartition(":")[2]))


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("config", CONFIGS.values(), ids=[f"13-toxiproxy-configs-{name}" for name in CONFIGS])
def test_a_config_file_is_taken_whole_or_refused_by_name(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, port = config.written(tmp_path), free_port()
    file, url = tmp_path / "toxiproxy.json", f"http://127.0.0.1:{port}"
    code = proxy_server.up("127.0.0.1", str(port), str(file), "", True)
    said = capsys.readouterr()
    if config.told:
        assert (code, said.out) == (40, "") and refused(port)
        assert said.err.startswith(f"Not started: the configuration {file} can't be ") and config.told in said.err
        return
    assert (code, said.err) == (0, "") and said.out.startswith(f"Proxy up: {url}, pid ")
    assert_carries(proxies(url), config, config.toxics)
    assert proxy_server.status(url) == 0
    shown = capsys.readouterr().out
    assert f"  shop: {config.listen} -> 127.0.0.1:" in shown and shown.count("late: latency") == config.toxics


@pytest.mark.toxiproxy
@pytest.mark.parametrize("config", CONFIGS.values(), ids=[f"13-toxiproxy-configs-{name}" for name in CONFIGS])
def test_toxiproxy_itself_takes_no_more_of_it(config: Config, tmp_path: Path) -> None:
    require("toxiproxy")
    config = config.written(tmp_path)
    theirs = FaultProxy("toxiproxy", "-config", str(tmp_path / "toxiproxy.json"))
    try:
        if config.theirs:
            assert_carries(proxies(theirs.url), config, toxics=0)
        else:
            assert proxies(theirs.url) == {}
    finally:
        theirs.close()
