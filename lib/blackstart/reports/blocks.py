"""A document for people, written once, and told as Markdown or as a page: headings, paragraphs, lists, tables. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blackstart.reports.html import POLICY
from blackstart.reports.markdown import code, grid, text
from blackstart.reports.markup import Child, e, to_html
from blackstart.reports.sections import table


class Code(str):
    """A part of a text that is typed or stands in a file as it is."""


Words = Sequence[str | Code]


@dataclass(frozen=True)
class Heading:
    level: int
    words: str


@dataclass(frozen=True)
class Paragraph:
    words: Words


@dataclass(frozen=True)
class Points:
    """A list; each point has a term, or "", and its text."""

    points: Sequence[tuple[str, Words]]


@dataclass(frozen=True)
class Grid:
    heads: Sequence[str]
    rows: Sequence[Sequence[str | int]]


Block = Heading | Paragraph | Points | Grid


def markdown(blocks: Sequence[Block]) -> str:
    """The whole as Markdown, in which nothing that was filled in is taken for more than text."""
    return "\n".join(line for block in blocks for line in (*_markdown(block), ""))


def _markdown(block: Block) -> list[str]:
    if isinstance(block, Heading):
        return [f"{'#' * block.level} {text(block.words)}"]
    if isinstance(block, Paragraph):
        return [_inline(block.words)]
    if isinstance(block, Points):
        return [f"- {f'**{text(term)}**: ' if term else ''}{_inline(words)}" for term, words in block.points]
    return grid(block.rows, block.heads)


def _inline(words: Words) -> str:
    return "".join(code(word) if isinstance(word, Code) else text(word) for word in words)


def page(title: str, blocks: Sequence[Block]) -> str:
    """The whole as one file, with nothing from outside."""
    head = e(
        "head",
        e("meta", charset="utf-8"),
        e("meta", name="viewport", content="width=device-width, initial-scale=1"),
        e("meta", http_equiv="Content-Security-Policy", content=POLICY),
        e("meta", name="color-scheme", content="light dark"),
        e("title", title),
        e("style", Path(__file__).with_name("style.css").read_text(encoding="utf-8")),
    )
    return to_html(e("html", head, e("body", e("main", map(_element, blocks))), lang="en"))


def _element(block: Block) -> Child:
    if isinstance(block, Heading):
        return e(f"h{block.level}", block.words)
    if isinstance(block, Paragraph):
        return e("p", _children(block.words))
    if isinstance(block, Points):
        return e(
            "ul",
            [e("li", e("strong", f"{term}: ") if term else None, _children(words)) for term, words in block.points],
        )
    return table(block.heads, block.rows)


def _children(words: Words) -> list[Child]:
    return [e("code", word) if isinstance(word, Code) else word for word in words]
