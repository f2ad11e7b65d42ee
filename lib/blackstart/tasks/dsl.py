"""`dsl.*`: the chaos blocks of specifications, before anything is run of them."""

from typing import Any

from invoke import Collection, task

from blackstart import commands
from blackstart.tasks._options import finish, refuse_empty

_PATH = "a specification (.isl), or a folder of them"


@task(positional=["path"], help={"path": _PATH}, auto_shortflags=False)
def check(c: Any, path: str) -> None:
    """Whether the chaos blocks of a specification are right: 0 yes, 40 with every mistake in its place, 30 no block."""
    refuse_empty(path=path)
    finish(commands.chaos_blocks.check(path))


@task(
    name="format",
    positional=["path"],
    help={"path": _PATH, "check": "write nothing: 20 where a block is not in form"},
    auto_shortflags=False,
)
def format_(c: Any, path: str, check: bool = False) -> None:
    """Bring the chaos blocks of a specification into their one form; all else in it stays, to the byte."""
    refuse_empty(path=path)
    finish(commands.chaos_blocks.rewrite(path, check))


namespace = Collection("dsl", check, format_)
