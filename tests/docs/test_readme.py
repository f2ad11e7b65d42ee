"""The README does what it says: its commands run, its targets are targets, its tables are complete."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from blackstart import controls
from blackstart.flags import Flags, option_name
from blackstart.suites.trader._orders import flowing_orders
from blackstart.target_file import from_table
from tests.environment import ROOT, require_own_environment
from tests.lab.drills import BIN

README = (ROOT / "README.md").read_text()
# What stands in the README for something else, and what would run these very tests again.
INSTEAD = {
    "<this repository>": str(ROOT),
    "./scripts/run test": "./scripts/run test -q tests/unit/test_durations.py",
}


def blocks(language: str) -> list[str]:
    """The fenced blocks in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def table(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without the head."""
    lines = README.partition(f"\n## {heading}\n")[2].splitlines()
    rows = [line for line in lines[: _end(lines)] if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def _end(lines: list[str]) -> int:
    return next((number for number, line in enumerate(lines) if line.startswith("## ")), len(lines))


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


@pytest.mark.parametrize("number", range(len(blocks("bash"))))
def test_a_block_of_commands_runs_to_its_end(clone: Path, tmp_path: Path, number: int) -> None:
    block = blocks("bash")[number]
    for words, other in INSTEAD.items():
        block = block.replace(words, other)
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


def test_the_experiment_in_the_readme_holds_on_the_lab(clone: Path, tmp_path: Path) -> None:
    (text,) = blocks("python")
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


@pytest.mark.parametrize("text", blocks("toml"))
def test_a_target_in_the_readme_can_be_read_and_controlled(text: str) -> None:
    # A block without a name is a part of the first one, told in another way.
    target = from_table({**tomllib.loads(blocks("toml")[0]), **tomllib.loads(text)}, "README.md")
    assert target.services
    for service in target.services.values():
        controls.of(service)
    assert flowing_orders(target, 1.0) is not None


def test_every_flag_is_in_the_readme_with_its_option_and_its_default() -> None:
    told = {}
    for names, options, says in table("Flags"):
        for name, option in zip(re.findall(r"`(\w+)[=1]*`", names), re.findall(r"`--([\w-]+)`", options), strict=True):
            told[name] = (option, says)
    known = {item.metadata["env"]: item for item in fields(Flags) if item.metadata}
    assert told.keys() == known.keys()
    for name, item in known.items():
        option, says = told[name]
        assert option == option_name(item.name)
        if item.default not in ("", False, 0.0):
            assert f"{item.default:g}" in says if isinstance(item.default, float) else str(item.default) in says


def test_every_task_that_the_readme_names_exists() -> None:
    listed = subprocess.run(
        [str(BIN / "invoke"), "--list", "--list-format=flat"], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=True, env=around(ROOT, ROOT / "reports"),
    ).stdout  # fmt: skip
    tasks = set(re.findall(r"^\s+([\w.-]+)(?:\s|$)", listed, flags=re.MULTILINE))
    named = set(re.findall(r"`((?:chaos|lab|report|proxy|gateway|flash-sale|shop|checkout)\.[a-z-]+)\b", README))
    assert named and named <= tasks, named - tasks


def test_the_exit_codes_in_the_readme_are_those_of_the_program() -> None:
    from blackstart import errors  # noqa: PLC0415

    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert {int(row[0]) for row in table("Verdicts")} == codes
