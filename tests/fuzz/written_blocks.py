"""Chaos blocks as text, in any of the forms that the language has for what they say, among what is none."""

from __future__ import annotations

from random import Random

from blackstart.dsl import tree

# Between two words: nothing; no end of a line; an end of a line.
_TIGHT, _INLINE, _BROKEN = "\0tight", "\0inline", "\0broken"
_GAPS = (
    " ",
    " ",
    " ",
    " ",
    " ",
    "  ",
    "\n",
    "\t",
    "\r\n",
    "\n\n\n",
    " /* { chaos ' */ ",
    " // } \" it's\n",
    " # (\n",
    " /***/\n",
)
_INLINE_GAPS = (" ", "\t", "  ", ' /* " */ ')
_AROUND = (
    "", "\n", "// chaos {\n", "/* chaos { */ ", "it's { } ", "enum E { chaos } ", "entity chaos { a: '}' } ",
    '"chaos {" ', "import { chaos } from 'x'\n", "type T = { min: 0 } // don't\n", 'domain Shop version "1.0"\n',
    "scope: behavior\n", "domain Shop;", "behavior Other;\n",
)  # fmt: skip
_LEVELS = {"implies": 0, "or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6}


class Writer:
    """Writes one document, each choice by `random`."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def document(self, blocks: tuple[tree.Block, ...]) -> str:
        return "".join(f"{self._around(block)}" for block in blocks) + self.random.choice(_AROUND)

    def _around(self, block: tree.Block) -> str:
        before = self.random.choice(_AROUND)
        named = block.behavior and self._maybe()
        inner = self._joined(self._block(block, bool(named) or not block.behavior))
        if block.behavior and not named:
            return f"{before}\nbehavior {block.behavior} {{ {self.random.choice(_AROUND)}\n{inner} }}\n"
        return f"{before}\n{inner}\n" if self._maybe() else f"domain D {{ {before}\n{inner} }}\n"

    def _block(self, block: tree.Block, named: bool) -> list[str]:
        name = [block.behavior] if named and block.behavior else []
        members = [self._scenario(scenario) for scenario in block.scenarios]
        limits = self._limits(block.retries, block.timeout_s)
        return ["chaos", *name, "{", *self._mixed([members, *([limit] for limit in limits)]), "}"]

    def _scenario(self, scenario: tree.Scenario) -> list[str]:
        kinds = [
            self._injections(scenario.injections),
            [["with", ":", *self._call(use)] for use in scenario.uses],
            self._gathered("when", [self._step(step) for step in scenario.when]),
            self._expectations(scenario.expectations),
            self._limits(scenario.retries, scenario.timeout_s),
        ]
        word = self.random.choice(("scenario", "scenario", "chaos"))
        return [word, self._string(scenario.name), "{", *self._mixed(kinds), "}"]

    def _mixed(self, kinds: list[list[list[str]]]) -> list[str]:
        """The members of all kinds in any order that keeps that of each kind."""
        order = [number for number, kind in enumerate(kinds) for _ in kind]
        self.random.shuffle(order)
        waiting = [iter(kind) for kind in kinds]
        return [word for number in order for word in next(waiting[number])]

    def _limits(self, retries: int | None, timeout_s: float | None) -> list[list[str]]:
        given = [["retries", ":", str(retries)]] if retries is not None else []
        given += [["timeout", ":", self._duration(timeout_s)]] if timeout_s is not None else []
        if given and self._maybe():
            return [[_BROKEN, "with", "{", *(word for each in given for word in [*each, *self._comma()]), "}"]]
        return given

    def _injections(self, injections: tuple[tree.Injection, ...]) -> list[list[str]]:
        if len(injections) > 1 and self._maybe():
            words = [word for injection in injections for word in [*self._injection(injection), *self._comma()]]
            return [["inject", "{", *words, "}"]]
        return [["inject", *self.random.choice(([":"], [])), *self._injection(each)] for each in injections]

    def _injection(self, injection: tree.Injection) -> list[str]:
        given = list(injection.arguments)
        words = [injection.name]
        target = given[-1] if given and given[-1].name == "target" else None
        if target is not None and len(given) == 1 and self._maybe():
            return [*words, "on", *self._expression(target.value, 8)]
        if given and given[0].name == "target" and self._maybe():
            words += [_INLINE, "on", _INLINE, *self._expression(given.pop(0).value, 8)]
            return [*words, _INLINE, "with", "{", *self._entries([(str(a.name), a.value) for a in given]), "}"]
        if given and self._maybe():
            return [*words, _INLINE, "with", "{", *self._entries([(str(a.name), a.value) for a in given]), "}"]
        return [*words, *self._arguments(injection.arguments)] if given or self._maybe() else words

    def _gathered(self, word: str, members: list[list[str]]) -> list[list[str]]:
        return [[word, "{", *(part for member in members for part in [_BROKEN, *member]), "}"]] if members else []

    def _expectations(self, expectations: tuple[tree.Expectation, ...]) -> list[list[str]]:
        claims = [self._claim(expectation) for expectation in expectations]
        if self._maybe():
            return [["expect", ":", *claim] for claim in claims]
        return self._gathered(self.random.choice(("expect", "then")), claims)

    def _claim(self, expectation: tree.Expectation) -> list[str]:
        message = [] if expectation.message is None else [self._string(expectation.message)]
        if isinstance(expectation.claim, tree.WhenParametersDiffer):
            return [expectation.claim.code, "when \t parameters  differ", *message]
        return [*self._expression(expectation.claim, 0), *message]

    def _step(self, step: tree.Step) -> list[str]:
        if isinstance(step, tree.Assignment):
            return [step.name, "=", *self._expression(step.value, 0)]
        return self._call(step)

    def _expression(self, node: tree.Expression, level: int) -> list[str]:
        own, words = self._written(node)
        return ["(", *words, ")"] if own < level or (level < 8 and self.random.random() < 0.05) else words

    def _written(self, node: tree.Expression) -> tuple[int, list[str]]:
        """How tightly it binds, and its words."""
        match node:
            case tree.Binary(operator=operator, left=left, right=right):
                own = _LEVELS.get(operator, 4)
                above = own + 1
                sides = {0: (1, 0), 4: (5, 5)}.get(own, (own, above))
                return own, [*self._expression(left, sides[0]), operator, *self._expression(right, sides[1])]
            case tree.Unary(operator="not", operand=inner):
                return 3, [self.random.choice(("not", "!")), *self._expression(inner, 3)]
            case tree.Unary(operand=inner):
                return 7, ["-", *self._expression(inner, 7)]
            case tree.Eventually(within_s=within_s, claim=inner):
                return 0, ["eventually", "within", self._duration(within_s), ":", *self._expression(inner, 0)]
            case tree.Call():
                return 8, self._call(node)
            case tree.Attribute(of=of, name=name):
                return 8, [*self._expression(of, 8), ".", name]
            case _:
                return 9, self._leaf(node)

    def _leaf(self, node: tree.Expression) -> list[str]:
        match node:
            case tree.ListOf(items=items):
                return ["[", *self._listed([self._expression(item, 0) for item in items]), "]"]
            case tree.MapOf(entries=entries):
                return ["{", *self._entries(list(entries)), "}"]
            case tree.Text(value=value):
                return [self._string(value)]
            case tree.Duration(seconds=seconds):
                return [self._duration(seconds)]
            case tree.Percent(share=share):
                return [f"{share * 100:.4f}".rstrip("0").rstrip(".") + "%"]
            case tree.Truth(value=value):
                return ["true" if value else "false"]
            case tree.Number(value=number):
                return [str(number)]
            case tree.Name(name=name):
                return [name]
            case _:
                return ["null"]

    def _call(self, call: tree.Call) -> list[str]:
        return [*self._expression(call.function, 8), *self._arguments(call.arguments)]

    def _arguments(self, arguments: tuple[tree.Argument, ...]) -> list[str]:
        given = [[*([each.name, ":"] if each.name else []), *self._expression(each.value, 0)] for each in arguments]
        return [_TIGHT, "(", *self._listed(given), ")"]

    def _listed(self, members: list[list[str]]) -> list[str]:
        words = [word for member in members for word in [*member, ","]]
        return words if self.random.random() < 0.2 else words[:-1]

    def _entries(self, entries: list[tuple[str, tree.Expression]]) -> list[str]:
        words: list[str] = []
        for key, value in entries:
            shown = key if key.isidentifier() and key.isascii() and self._maybe() else self._string(key)
            words += [shown, ":", *self._expression(value, 0), *self._comma()]
        return words

    def _comma(self) -> list[str]:
        return self.random.choice(([","], []))

    def _duration(self, seconds: float) -> str:
        if not seconds.is_integer():
            return f"{round(seconds * 1000)}{self.random.choice(('ms', ' milliseconds', '.milliseconds', ' ms'))}"
        whole = int(seconds)
        if whole % 60 == 0 and self._maybe():
            return f"{whole // 60}{self.random.choice(('m', ' minutes', '.min'))}"
        return f"{whole}{self.random.choice(('s', '.0s', ' seconds', '.seconds', 'sec'))}"

    def _string(self, value: str) -> str:
        quote = self.random.choice("\"'")
        known = {"\n": "\\n", "\t": self.random.choice(("\\t", "\t")), "\\": "\\\\", quote: f"\\{quote}"}
        return quote + "".join(known.get(sign, sign) for sign in value) + quote

    def _maybe(self) -> bool:
        return self.random.random() < 0.5

    def _joined(self, words: list[str]) -> str:
        made, gap = "", ""
        for word in words:
            if word.startswith("\0"):
                gap = word if gap != _BROKEN else gap
                continue
            made += f"{self._gap(gap, made[-1:], word)}{word}"
            gap = ""
        return made

    def _gap(self, kind: str, before: str, word: str) -> str:
        if kind == _TIGHT or not before:
            return ""
        if kind == _INLINE:
            return self.random.choice(_INLINE_GAPS)
        if kind == _BROKEN:
            return "\n"
        tight = (before in "{[,:" or word in ("}", "]", ",", ":", ")")) and self._maybe()
        return "" if tight else self.random.choice(_GAPS)
