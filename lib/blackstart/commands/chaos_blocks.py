"""`dsl.*`: the chaos blocks of specifications, checked and brought into their one form."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from blackstart.base import writer
from blackstart.base.errors import EXIT_BROKE, EXIT_HELD, EXIT_INCONCLUSIVE, Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.commands.answer import answering
from blackstart.dsl import neutral
from blackstart.dsl.layout import formatted
from blackstart.dsl.parse import parse, read
from blackstart.dsl.problems import BadSpec
from blackstart.dsl.tree import Document
from blackstart.suites import injectors

T = TypeVar("T")


@answering(starts=False)
def check(_: Redactor, path: str) -> int:
    """Whether every chaos block of a file, or of the `.isl` files of a folder, is right. 40 where one is not, 30 where
    there is none at all."""
    known = injectors.words()
    found = dict(_each(path, lambda file: _runnable(parse(read(file), str(file), known)).blocks))
    for file, blocks in found.items():
        scenarios = sum(len(block.scenarios) for block in blocks)
        writer.page(f"{file}: {_count(len(blocks), 'chaos block')}, {_count(scenarios, 'scenario')}")
    if not any(found.values()):
        writer.error(f"{path}: no chaos block, so nothing was checked")
        return EXIT_INCONCLUSIVE
    return EXIT_HELD


@answering(starts=False)
def rewrite(_: Redactor, path: str, only_check: bool) -> int:
    """Bring the chaos blocks of a file or a folder into their one form; with `only_check` 20 where one is not in it.
    Where one of the files is not right, none is written."""
    texts = dict(_each(path, lambda file: (text := read(file), formatted(text, str(file)))))
    other = {file: made for file, (text, made) in texts.items() if made != text}
    for file, made in other.items():
        if not only_check:
            _replace(file, made)
        writer.page(f"{file}: {'is not in form' if only_check else 'brought into form'}")
    writer.page(f"{_count(len(texts), 'file')}, {len(texts) - len(other)} in form already")
    return EXIT_BROKE if other and only_check else EXIT_HELD


def _each(path: str, made: Callable[[Path], T]) -> Iterator[tuple[Path, T]]:
    """Each file with what is made of it. Tells all mistakes, then raises Refused where there is one."""
    mistakes, files = 0, _files(Path(path))
    for file in files:
        try:
            yield file, made(file)
        except BadSpec as error:
            mistakes += len(error.problems)
            for line in error.lines():
                writer.error(line)
    if mistakes:
        raise Refused(f"{_count(mistakes, 'mistake')} in {path}; nothing was written")


def _runnable(document: Document) -> Document:
    """It. Raises BadSpec where no target could run it."""
    if refused := tuple(neutral.problems(document)):
        raise BadSpec(document.file, tuple(sorted(refused, key=lambda at: (at.place.line, at.place.column))))
    return document


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    if files := sorted(file for file in path.rglob("*.isl") if file.is_file()):
        return files
    raise Refused(f"there is no .isl file in {path}")


def _replace(path: Path, text: str) -> None:
    """The file is the old or the new one, whoever ends us; its mode stays, and a link stays one."""
    path = path.resolve()
    mode = path.stat().st_mode & 0o7777
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
