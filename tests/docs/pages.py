"""Reads the pages that users read: their fenced blocks and their tables."""

import re
from pathlib import Path

from tests.environment import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next one of its rank."""
    return page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without the head."""
    rows = re.search(r"(?:^\|.*\|$\n?)+", section(page, heading), flags=re.MULTILINE)
    assert rows, f"{page} has no table under {heading}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip("|"))] for row in rows[0].splitlines()[2:]]


def words(cell: str) -> set[str]:
    """What is named in a cell, in back quotes."""
    return set(re.findall(r"`([^`]+)`", cell))


def anchors(page: Path) -> set[str]:
    """What a link may name behind its `#`: the page's headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
