"""What the command line's parser is told of the tasks: each task's options only where it is the one that is named.

Invoke makes the options of all tasks, copies them and prints them for its debug log before it reads one word: most of
what `invoke --list` would take here.
"""

from typing import Any

from invoke import Collection, Task
from invoke.parser import ParserContext


class Root(Collection):
    """A collection that knows its tasks by name until the parser asks for one."""

    def to_contexts(self, ignore_unknown_help: bool | None = None) -> list[ParserContext]:
        return [
            _Unasked(name, tuple(aliases), self[name], ignore_unknown_help) for name, aliases in self.task_names.items()
        ]


class _Unasked(ParserContext):
    """Its `args`, `flags` and the like come to be when the first of them is asked for."""

    def __init__(self, name: str, aliases: tuple[str, ...], task: Task[Any], ignore_unknown_help: bool | None) -> None:
        self.name, self.aliases = name, aliases
        self._told = (name, aliases, task, ignore_unknown_help)

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_") or "args" in self.__dict__:
            raise AttributeError(attribute)
        name, aliases, task, ignore_unknown_help = self._told
        super().__init__(name, aliases, task.get_arguments(ignore_unknown_help=ignore_unknown_help))
        return getattr(self, attribute)

    def __deepcopy__(self, memo: dict[int, Any]) -> ParserContext:
        """The parser's copy, which takes what was typed: the options of a context are nobody's before."""
        return _Unasked(*self._told)

    def __repr__(self) -> str:
        return f"<parser/Context {self.name!r}>"
