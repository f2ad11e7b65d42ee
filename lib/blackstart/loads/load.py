"""What any load is: a frozen dataclass, driven by the file in `driving` that is called like its kind."""

from typing import ClassVar, Protocol


class Load(Protocol):
    """Plain data; `blackstart.base.codec` turns it into what `python -m blackstart.loads` is given, and back."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """What stands before the `/` in the history's `worker` column."""
        ...

    @property
    def says(self) -> str:
        """What it sends, in words, as in "100 requests/s for 1 s, each once"."""
        ...
