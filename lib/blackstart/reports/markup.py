"""Elements of a page, built as a tree: everything that is put in is text, so that nothing can break out of it."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from blackstart.base.printable import printable

Child = Element | str | float | None


def clean(text: str) -> str:
    """The text with what neither HTML nor XML may contain, and what would turn or hide other text, as its number."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def e(tag: str, *children: Child | Iterable[Child], **attributes: str | float | bool | None) -> Element:
    """One element. `class_` and `for_` lose their underscore, others become hyphens; None and False are left out."""
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None and value is not False:
            key = name.removesuffix("_").replace("_", "-")
            made.set(key, "" if value is True else clean(number(value) if isinstance(value, float) else str(value)))
    for child in children:
        for item in child if _several(child) else (child,):  # type: ignore[union-attr]
            _add(made, item)  # type: ignore[arg-type]
    return made


def _several(child: object) -> bool:
    return isinstance(child, Iterable) and not isinstance(child, str | Element)


def _add(parent: Element, child: Child) -> None:
    if child is None:
        return
    if isinstance(child, Element):
        parent.append(child)
        return
    text = clean(number(child) if isinstance(child, float) else str(child))
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def number(value: float) -> str:
    """A figure of a drawing, with no more digits than can be seen."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def to_html(root: Element) -> str:
    return "<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html") + "\n"
