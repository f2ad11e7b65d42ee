"""Target files and flags: meant, or refused by file, key or flag and with what would be right; nothing is touched."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blackstart import controls
from blackstart.base.errors import BadFlag, BadTarget, NotShown
from blackstart.base.secrets import places
from blackstart.commands.target_file import from_table, load
from blackstart.model import flags
from blackstart.model.control import Control
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites import discovery, systems
from tests.fuzz.cases import count, fuzzed
from tests.unit.commands.test_target_file import WHOLE
from tests.unit.model.test_flags import ENVS, NAMES

pytestmark = pytest.mark.usefixtures("untouched")

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
URLS = st.builds(
    "{}://{}".format, st.sampled_from(["http", "redis", "ssh", "x"]), st.text("ab:@/[]?#%=&0-9. 'é", max_size=20)
)
SCALARS = st.one_of(TEXT, URLS, st.integers(-(2**70), 2**70), st.floats(), st.booleans())
VALUES = st.recursive(
    SCALARS,
    lambda deeper: st.one_of(st.lists(deeper, max_size=3), st.dictionaries(TEXT, deeper, max_size=3)),
    max_leaves=6,
)
KINDS = st.sampled_from(["docker", "compose", "project", "supervisor", "config", "unit", "process", "start", "pidfile",
                         "manual", "host", "env", "cwd", "log", "stop_signal", "engine", "container"])  # fmt: skip
CONTROLS = st.dictionaries(st.one_of(KINDS, TEXT), VALUES, max_size=5)
FIELDS = st.sampled_from(["address", "url", "dsn", "log", "events", "proxy_name", "net"])
SERVICES = st.builds(
    lambda fields, control: {**fields, "control": control}, st.dictionaries(FIELDS, VALUES, max_size=3), CONTROLS
)
KEYS = st.sampled_from(["kind", "api", "lab", "mutant", "headers", "allow", "facts", "abort", "profile", "prometheus",
                        "proxy", "max_rate_hz", "read_timeout_s", "orders", "plans"])  # fmt: skip
TABLES = st.builds(
    lambda fields, services, name: {"name": name, **fields, "services": services},
    st.dictionaries(st.one_of(KEYS, TEXT), VALUES, max_size=4),
    st.dictionaries(TEXT, SERVICES, max_size=2),
    st.one_of(st.just("t"), SCALARS),
)


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower()


def meant_or_refused(path: Path) -> None:
    """The property of every target file."""
    before = path.read_bytes()
    try:
        target = load(path)
    except BadTarget as refusal:
        assert re.fullmatch(r"Not started: .+", str(refusal), re.DOTALL) and str(path) in str(refusal)
        assert len(str(refusal)) > len(str(path)) + 15  # says more than where
    else:
        assert isinstance(target, Target) and target.name
        for service in target.services.values():
            try:
                assert isinstance(controls.of(service), Control)
            except BadTarget as refusal:
                assert f"[services.{' '.join(service.name.split())}" in str(refusal) or "host" in str(refusal)
    assert path.read_bytes() == before


@fuzzed(ci=100, long=25_000)
@given(table=TABLES)
def test_any_table_is_a_target_or_refused_by_place(tmp_path: Path, table: dict[str, Any]) -> None:
    count("target tables")
    path = tmp_path / "target.toml"
    path.write_text("\n".join(f"{toml(str(key))} = {toml(value)}" for key, value in table.items()), encoding="utf-8")
    meant_or_refused(path)


FACTS = st.dictionaries(
    st.sampled_from(sorted(name for kind in systems.kinds() for name in systems.of(kind).facts)),
    st.one_of(VALUES, st.floats(0.001, 100), st.integers(1, 300), st.lists(st.floats(0.001, 100), max_size=5)),
    max_size=5,
)
_MANUAL = {"control": {"manual": "the operator"}}
PLACES = {
    **{name: {"address": "127.0.0.1:1", "proxy_name": name, **_MANUAL} for name in ("redis", "postgres", "marketdata")},
    **{name: {"url": "http://127.0.0.1:1", **_MANUAL} for name in ("api", "api-2", "broker")},
}
ROUTES = {
    "orders": {"route": "/orders"},
    "plans": {"route": "/plans"},
    "requests": {"route": "/users/1"},
    "broker": {name: f"broker:/{name}" for name in ("refuse_tokens", "accept_tokens", "status", "orders")},
}
SHIPPED = [(found, variant) for kind in ("trader", "gateway") for found in discovery.shipped(kind)
           for variant in ("", *found.variants)]  # fmt: skip


@fuzzed(ci=100, long=10_000)
@given(promised=FACTS)
@example(promised={"lock_refresh_s": 0.001})  # half of it is less than the millisecond that a bounce is counted in
def test_any_facts_are_refused_by_place_or_every_shipped_experiment_can_be_declared(
    promised: dict[str, Any],
) -> None:
    count("facts")
    table = {
        "name": "t", "api": "http://127.0.0.1:1", "proxy": "http://127.0.0.1:1", "facts": promised, "services": PLACES,
        **ROUTES,
    }  # fmt: skip
    try:
        target = from_table(table, "t.toml")
    except BadTarget as refusal:
        assert re.match(r'Not started: t.toml: "\w+" in \[facts\] must be .+, not .+', str(refusal), re.DOTALL)
        return
    for found, variant in SHIPPED:
        try:
            made = discovery.declare(found, target, Flags(), variant)
        except NotShown as lacking:
            assert re.search("takes Linux, root and iptables|[Ss]tress", str(lacking))
            continue
        holds = (made.hold_min_s, *(e.within_s or 0.0 for e in (*made.baseline, *made.during, *made.recovery)))
        assert all(0 <= time_s < float("inf") for time_s in holds), found.name


@fuzzed(ci=50, long=10_000)
@given(where=st.integers(0, len(WHOLE) - 1), length=st.integers(0, 12), put=st.binary(max_size=8))
def test_any_damage_to_a_target_file_is_a_target_or_refused(
    tmp_path: Path, where: int, length: int, put: bytes
) -> None:
    count("damaged target files")
    path = tmp_path / "target.toml"
    data = WHOLE.encode()
    path.write_bytes(data[:where] + put + data[where + length :])
    meant_or_refused(path)


@fuzzed(ci=50, long=8_000)
@given(table=TABLES)
def test_no_secret_of_any_table_is_lost_on_its_way_back(tmp_path: Path, table: dict[str, Any]) -> None:
    from blackstart.base.secrets import references  # noqa: PLC0415

    count("secrets of tables")
    path = tmp_path / "target.toml"
    path.write_text("\n".join(f"{toml(str(key))} = {toml(value)}" for key, value in table.items()), encoding="utf-8")
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError:
        return
    for reference, secret in places.in_table(read, str(path)).items():
        assert references.find(reference) == secret
        assert " " not in reference and "'" not in reference


@fuzzed(ci=100, long=20_000)
@given(
    name=st.sampled_from(NAMES), text=st.one_of(TEXT, URLS, st.text("0189.-+eE_infa ", max_size=8)), here=st.booleans()
)
def test_any_value_of_any_flag_is_meant_or_refused_by_name(name: str, text: str, here: bool) -> None:
    count("flags")
    option = name.removesuffix("_s")
    try:
        given = flags.read({}, {ENVS[name]: text}) if here else flags.read({option: text}, {})
    except BadFlag as refusal:
        shown = str(refusal)
        assert (ENVS[name] if here else f"--{flags.option_name(name)}") in shown
        assert shown.startswith("Not started: ") and ": " in shown[14:]
        assert "\n" not in shown
        return
    assert given.given <= {name}
    for field in ("heartbeat_max_s", "wait_ready_timeout_s", "total_max_s"):
        assert 0 < getattr(given, field) <= 86_400
    assert 2 <= given.plan_count <= 1_000_000 and 0 <= given.hold_s <= 86_400
