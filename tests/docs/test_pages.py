"""The pages do what they say: their commands run, their targets are targets, their tables are complete."""

import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path

import pytest
import yaml

from blackstart import controls
from blackstart.base import errors
from blackstart.commands.target_file import from_table
from blackstart.controls.kubernetes_context import Context
from blackstart.engine import planning
from blackstart.loads import K6, K6Pods, k6_job
from blackstart.model.control import State
from blackstart.model.flags import Flags, option_name
from blackstart.suites import discovery, systems
from blackstart.suites.flash_sale._sale import sale
from blackstart.suites.flash_sale.readings import topic
from blackstart.suites.trader import readings
from blackstart.suites.trader._orders import flowing_orders
from tests.docs.gateway_page import PAGE as GATEWAY
from tests.docs.pages import PAGES, anchors, blocks, section, table, words
from tests.environment import ROOT, require_own_environment
from tests.lab.drills import BIN

TARGETS, FLAGS, SAFETY, DESIGN, SALE, CHECKOUT, SHOP, CI, KUBERNETES = (
    ROOT / "docs" / f"{name}.md"
    for name in ("targets", "flags", "safety", "design", "flash-sale", "checkout", "shop", "ci", "kubernetes")
)
# Pages with tests of their own, and the languages of the blocks that these run.
ELSEWHERE = {
    "chaos-blocks.md": {"isl", "bash", "text", "python"},
    "gateway.md": {"bash", "sh", "toml", "python", "js"},
    "proxy.md": {"bash", "json"},
}
# What the tests below run of the other pages; the `text` of the design is drawings.
EVERYWHERE, BESIDES = (
    {"bash", "python"},
    {
        TARGETS: {"toml"},
        SALE: {"toml"},
        CHECKOUT: {"toml"},
        SHOP: {"toml"},
        CI: {"toml"},
        SAFETY: {"sh"},
        DESIGN: {"text"},
        KUBERNETES: {"toml", "yaml"},
    },
)
HERE = [page for page in PAGES if page.name not in ELSEWHERE]
# What stands there for something else, and what would run these very tests again.
INSTEAD = {
    "<this repository>": str(ROOT),
    "./scripts/run test": "./scripts/run test -q tests/unit/base/test_durations.py",
}
COMMANDS = [pytest.param(block, id=f"{page.name}-{n}") for page in HERE for n, block in enumerate(blocks(page, "bash"))]


def test_no_block_of_any_page_is_left_out() -> None:
    for page in PAGES:
        run = ELSEWHERE.get(page.name, EVERYWHERE | BESIDES.get(page, set()))
        found = sum(len(blocks(page, language)) for language in run)
        fences = re.findall(r"^\s*(?:```|~~~).*$", page.read_text(), flags=re.MULTILINE)
        assert len(fences) == 2 * found, f"{page}: a block that no test runs is among {fences}"


def test_the_readme_is_short_and_every_page_is_in_the_index() -> None:
    assert len(PAGES[0].read_text().splitlines()) <= 150
    index = (ROOT / "docs" / "README.md").read_text()
    assert [page.name for page in PAGES[1:] if f"]({page.name})" not in index] == ["README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    for place in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, heading = place.partition("#")
        if not path.startswith("http"):
            other = page.parent / path if path else page
            assert other.exists(), place
            assert not heading or heading in anchors(other), place


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone as the README makes it, which borrows this checkout's environment instead of making one of its own."""
    require_own_environment()
    folder = tmp_path_factory.mktemp("clone") / "blackstart"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True, timeout=120)
    shutil.copy(ROOT / "requirements.lock", folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    yield folder


def around(folder: Path, state: Path) -> dict[str, str]:
    """What surrounds the commands: no flags, a state folder of the test's own, and the clone's own code."""
    keep = {
        name: os.environ[name]
        for name in ("HOME", "LANG", "TMPDIR", "GITHUB_ACTIONS", "BLACKSTART_LAB_PORTS")
        if name in os.environ
    }
    path = f"{BIN}:{os.environ['PATH']}"
    return {**keep, "PATH": path, "BLACKSTART_STATE": str(state), "PYTHONPATH": str(folder / "lib")}


@pytest.mark.parametrize("block", COMMANDS)
def test_a_block_of_commands_runs_to_its_end(clone: Path, tmp_path: Path, block: str) -> None:
    for told, other in INSTEAD.items():
        block = block.replace(told, other)
    # The first block makes the clone that the others are typed in.
    made = "git clone" in block
    folder = tmp_path if made else clone
    if made:
        head, _, rest = block.partition("\n")
        block = f"{head}\nln -s {ROOT}/.venv .venv\ncp {ROOT}/requirements.lock .\n{rest}"
    environment = around(clone, tmp_path / "state")
    try:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", block], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip
    finally:  # a block that broke off has not come to its own `lab.down`
        down = [sys.executable, "-m", "blackstart_lab", "down"]
        subprocess.run(down, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


def test_giving_up_is_refused_where_nothing_is_broken(clone: Path, tmp_path: Path) -> None:
    """`RUN` is the name of no run. What a run's own name does is tested in tests/contract."""
    (block,) = blocks(SAFETY, "sh")
    done = subprocess.run(
        ["bash", "-c", block], cwd=clone, env=around(clone, tmp_path / "state"),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.partition(":")[0]) == (40, "Not started"), done.stdout + done.stderr
    assert "RUN" in done.stderr


@pytest.mark.parametrize("text", [text for page in HERE for text in blocks(page, "python")])
def test_an_experiment_of_the_pages_holds_on_the_lab(clone: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / text.splitlines()[0].removeprefix("# ")
    path.parent.mkdir()
    path.write_text(text)
    invoke = f"{clone}/.venv/bin/invoke --search-root {clone}"
    name = path.stem.replace("_", "-")
    around_it = {**around(clone, tmp_path / "state"), "NONINTERACTIVE": "1", "TARGET": "lab"}

    def typed(words: str) -> str:
        done = subprocess.run(
            [*invoke.split(), *words.split()], cwd=tmp_path, env=around_it,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    typed("lab.up trader")
    try:
        assert "redis" in typed(f"chaos.plan {name}")
        assert f"{name} on trader: held" in typed(f"chaos.run {name}")
        assert name in typed("chaos.list")
    finally:
        typed("lab.down")


@pytest.mark.parametrize("text", blocks(TARGETS, "toml"))
def test_a_target_of_the_pages_can_be_read_and_controlled(text: str) -> None:
    # A block without a name is a part of the first one, told in another way.
    target = from_table({**tomllib.loads(blocks(TARGETS, "toml")[0]), **tomllib.loads(text)}, TARGETS.name)
    assert target.services
    for service in target.services.values():
        if service.control:  # a broker is never stopped
            controls.of(service)
    assert flowing_orders(target, 1.0) is not None


def test_the_target_of_kubernetes_page_is_controlled_with_the_rights_that_the_page_gives() -> None:
    """That they are enough is tried on a real cluster."""
    (text, load), (drill, pods, _) = blocks(KUBERNETES, "toml"), blocks(KUBERNETES, "yaml")
    services = from_table(tomllib.loads(text), KUBERNETES.name).services.values()
    table = from_table(tomllib.loads(load), KUBERNETES.name).load
    change = k6_job.change(K6Pods(K6("s.js"), 3, table["image"], Context(table["namespace"])), "run", 60.0)
    for rights, roles in (([controls.of(one).rights() for one in services], drill), ([change.rights], pods)):
        things = yaml.safe_load_all(roles)
        ours = next(one for one in things if one["metadata"]["namespace"] == "shop" and "rules" in one)
        given = {(verb, what) for rule in ours["rules"] for verb in rule["verbs"] for what in rule["resources"]}
        for step in chain.from_iterable(rights):
            verb, what, *more = step.argv[5:]
            of = "".join(word.replace("--subresource=", "/") for word in more)
            assert (verb, what.partition(".")[0] + of) in given


@pytest.mark.parametrize("text", blocks(SALE, "toml"))
def test_a_target_of_the_flash_sales_page_can_be_read_and_has_its_drills(text: str) -> None:
    target = from_table(tomllib.loads(text), SALE.name)
    for service in target.services.values():
        controls.of(service)
    assert sale(target).product == "chaos-sale" and topic(target) == "orders"


@pytest.mark.parametrize("text", blocks(CHECKOUT, "toml"))
def test_a_target_of_the_checkouts_page_can_be_read_and_has_its_proofs(text: str) -> None:
    target = from_table(tomllib.loads(text), CHECKOUT.name)
    for service in target.services.values():
        controls.of(service)
    assert {proof.service for proof in systems.links(target)} == set(target.services)
    assert set(target.routes) == set(target.system.tables)


@pytest.mark.parametrize("text", blocks(SHOP, "toml"))
def test_a_target_of_the_shops_page_has_its_proofs_and_all_that_its_drills_read(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:9092")
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop_app@127.0.0.1/shop")
    target = from_table(tomllib.loads(text), SHOP.name)
    for service in target.services.values():
        if service.control:  # a way is cut where it passes the proxy
            controls.of(service)
    assert {proof.service for proof in systems.links(target)} == set(target.services)
    facts = set(target.system.facts) - {"breaker_window_s"}  # the file says the other of the two
    assert (set(target.routes), set(target.facts)) == (set(target.system.tables), facts)
    drills = [discovery.declare(each, target, Flags()) for each in discovery.shipped("shop")]
    assert {drill.name for drill in drills} == set(target.system.order)
    # No machine has these containers.
    monkeypatch.setattr(controls, "resolved", controls.of)
    monkeypatch.setattr(controls, "read_state", lambda control, name: State("running"))
    for drill in drills:
        planning.bind(replace(drill, link=()), target)


def test_every_fact_that_the_shipped_experiments_read_is_on_a_page() -> None:
    told = {
        word
        for page in (TARGETS, GATEWAY, SALE, CHECKOUT, SHOP)
        for row in table(page, "Facts")
        for word in words(row[0])
    }
    assert told == {fact for kind in systems.kinds() for fact in systems.of(kind).facts}


def test_what_a_traders_drills_read_is_on_its_page() -> None:
    wanted = [
        probe for make in vars(readings).values() if getattr(make, "__module__", "") == readings.__name__
        and inspect.isfunction(make) and not make.__name__.startswith("_")
        for probe in [make("scan") if make is readings.heartbeat else make()] if not isinstance(probe, tuple)
    ]  # fmt: skip
    wanted += readings.heartbeats()
    told = {
        (place, word)
        for row in table(TARGETS, "What a trader shows")
        for place in words(row[0])
        for word in words(row[1])
    }
    for probe in wanted:
        for word in getattr(probe, "field", getattr(probe, "series", "")).split("|"):
            assert not word or (probe.path, word) in told, probe
        assert probe.path in {place for place, _ in told} | {"/ready"}
    assert len(wanted) > 10


def test_every_flag_is_on_its_page_with_its_option_and_its_default() -> None:
    told = {}
    for names, options, says in table(FLAGS, "Flags"):
        for name, option in zip(re.findall(r"`(\w+)[=1]*`", names), re.findall(r"`--([\w-]+)`", options), strict=True):
            told[name] = (option, says)
    known = {item.metadata["env"]: item for item in fields(Flags) if item.metadata}
    assert told.keys() == known.keys()
    for name, item in known.items():
        option, says = told[name]
        assert option == option_name(item.name)
        if item.default not in ("", False, 0.0):
            assert f"{item.default:g}" in says if isinstance(item.default, float) else str(item.default) in says


def test_the_pages_name_every_task_and_no_other() -> None:
    listed = subprocess.run(
        [str(BIN / "invoke"), "--list", "--list-format=flat"], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=True, env=around(ROOT, ROOT / "reports"),
    ).stdout  # fmt: skip
    tasks = set(re.findall(r"^  ([a-z-]+\.[a-z-]+)", listed, flags=re.MULTILINE))
    named = re.compile(rf"`((?:{'|'.join({task.partition('.')[0] for task in tasks})})\.[a-z-]+)\b(?!\.)")
    assert {name for page in PAGES for name in named.findall(page.read_text())} == tasks
    # The README's table of drills has all of them.
    assert {
        task for task in tasks if task.startswith(("chaos.", "gateway.", "flash-sale.", "checkout.", "shop."))
    } <= set(named.findall(section(PAGES[0], "Drills")))


def test_the_exit_codes_in_the_readme_are_those_of_the_program() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert {int(row[0]) for row in table(PAGES[0], "Verdicts")} == codes
