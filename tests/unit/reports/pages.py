"""Reads a made page back, as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = ("meta", "br", "link", "img", "input", "hr")


class Page(HTMLParser):
    """Every element of a page with its attributes and its text; `unclosed` is what was left open."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.unclosed: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if dict(attrs).get("id"):
            self.ids.append(str(dict(attrs)["id"]))
        if tag not in VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed and self.unclosed[-1] == tag, f"</{tag}> closes {self.unclosed[-1:]}"
        self.unclosed.pop()

    def handle_data(self, data: str) -> None:
        for tag in set(self.unclosed):
            self.texts.setdefault(tag, []).append(data)

    def text(self, tag: str) -> str:
        """All text inside elements of that name."""
        return " ".join("".join(self.texts.get(tag, [])).split())

    def tags(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of that name."""
        return [attributes for tag, attributes in self.elements if tag == name]
