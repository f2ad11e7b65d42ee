"""The smallest fault there is: a file that must be there is away. Real commands, no service."""

from pathlib import Path

from blackstart.base.codec import plain
from blackstart.model.change import Change
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, ReadingKind, Scalar
from blackstart.model.step import Command


@plain
class FileEndpoint:
    """A look at a file."""

    path: str

    def open(self) -> "FileEndpoint":
        return self

    def describe(self) -> str:
        return self.path

    def read(self, timeout_s: float) -> Answer:
        return Answer("answer", Path(self.path).exists())

    def close(self) -> None:
        return None


@plain
class FileThere(Conditions):
    """Whether a file is there."""

    path: str

    @property
    def name(self) -> str:
        return Path(self.path).name

    def bind(self, target: object) -> "FileThere":
        return self

    def endpoint(self) -> FileEndpoint:
        return FileEndpoint(self.path)

    def pick(self, answer: Answer) -> tuple[ReadingKind, Scalar, str]:
        return "value", bool(answer.body), ""


def without(path: Path, undo: str = "touch {}", **more: object) -> Change:
    """Remove the file; put it back."""
    there = FileThere(str(path))
    return Change(
        what=f"remove {path.name}",
        service="file",
        do=(Command(("rm", "-f", str(path))),),
        undo=(Command(("sh", "-c", undo.format(path))),),
        bites=(there.is_(False),),
        gone=(there.is_(True),),
        undo_is_noop=True,
        **more,  # type: ignore[arg-type]
    )
