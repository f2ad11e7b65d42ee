"""Chaos blocks made at random: a tree that says something possible, the same as text in any form, and text spoilt."""

from __future__ import annotations

from random import Random

from blackstart.dsl import tree
from blackstart.dsl.vocabulary import EXPECTATIONS, INJECTIONS

_NAMES = ("result", "input", "CheckoutRepository", "PaymentGateway", "OPEN", "withal", "inn", "issue", "chaos_1")
# Words of the language that are plain names where nothing else can stand.
_KEYS = ("timeout", "retries", "with", "target", "expect", "scenario", "chaos", "when", "on", "a")
_SIGNS = ('"', "'", "\\", "{", "}", "(", ")", "//", "/*", "*/", "#", "\n", "\t", "é", "chaos", "scenario", " ", "0")
_CODES = ("SERVICE_UNAVAILABLE", "IDEMPOTENCY_CONFLICT", "TIMEOUT")


def blocks(random: Random, most: int = 3) -> tuple[tree.Block, ...]:
    """Blocks that every rule of the language allows, up to so many, each with up to so many scenarios."""
    return tuple(_block(random, number, most) for number in range(random.randint(1, most)))


def _block(random: Random, block: int, most: int) -> tree.Block:
    names = [f"{block} {number} {text(random)}" for number in range(random.randint(1, most))]
    scenarios = tuple(_scenario(random, name) for name in names)
    return tree.Block(random.choice(("", *_NAMES)), scenarios, _retries(random), _limit_s(random))


def _retries(random: Random) -> int | None:
    return random.choice((None, 0, 3, 1000))


def _limit_s(random: Random) -> float | None:
    return random.choice((None, None, duration(random).seconds))


def _scenario(random: Random, name: str) -> tree.Scenario:
    key = tree.Call(tree.Name("idempotency_key"), (tree.Argument(None, tree.Text(f"k{text(random)}")),))
    injections = tuple(_injection(random) for _ in range(random.choice((0, 1, 1, 1, 2))))
    uses = (key,) * random.randint(0 if injections else 1, 1)
    steps = tuple(_step(random) for _ in range(random.choice((0, 0, 0, 1, 2))))
    claims = tuple(_expectation(random) for _ in range(random.choice((1, 1, 1, 2, 3))))
    return tree.Scenario(name, injections, uses, steps, claims, _retries(random), _limit_s(random))


def _injection(random: Random) -> tree.Injection:
    name = random.choice(sorted(INJECTIONS))
    words = INJECTIONS[name]
    wanted = [key for key, parameter in words.parameters.items() if parameter.required or random.random() < 0.5]
    if words.one_of:
        one = random.choice(words.one_of)
        wanted = [key for key in wanted if key not in words.one_of and not (key == "jitter" and one != "delay")] + [one]
    random.shuffle(wanted)
    return tree.Injection(name, tuple(tree.Argument(key, _parameter(random, key)) for key in wanted))


def _parameter(random: Random, key: str) -> tree.Expression:
    if key in ("count", "requests", "limit"):
        return tree.Number(random.randint(2, 100_000))
    if key in ("probability", "load", "usage"):
        percent = random.randint(1, 100)
        return random.choice((tree.Percent(percent / 100), tree.Number(percent / 100)))
    if key == "distribution":
        return random.choice((tree.Text, tree.Name))(random.choice(("fixed", "uniform", "normal", "exponential")))
    if key == "mode":
        return random.choice((tree.Text, tree.Name))(random.choice(("UNAVAILABLE", "TIMEOUT")))
    if key in ("target", "operation"):
        return random.choice((tree.Text(f"t{text(random)}"), tree.Name(random.choice(_NAMES))))
    given = duration(random)
    return tree.Unary("-", given) if key == "offset" and random.random() < 0.5 else given


def _step(random: Random) -> tree.Step:
    call = tree.Call(tree.Name(random.choice(_NAMES)), _arguments(random, 1))
    return random.choice((call, tree.Assignment(random.choice(_NAMES), value(random, 2))))


def _expectation(random: Random) -> tree.Expectation:
    message = random.choice((None, None, text(random)))
    if random.random() < 0.1:
        return tree.Expectation(tree.WhenParametersDiffer(random.choice(_CODES)), message)
    return tree.Expectation(condition(random, random.choice((0, 0, 0, 1, 1, 2, 3))), message)


def condition(random: Random, depth: int) -> tree.Expression:
    kind = random.choice(("word", "call", "compare", "compare", *(("join", "not", "later") if depth else ())))
    if kind == "word":
        return tree.Name(random.choice(EXPECTATIONS))
    if kind == "call":
        code, limit = tree.Name(random.choice(_CODES)), duration(random)
        return random.choice((
            tree.Call(tree.Name("error_returned"), (tree.Argument(None, code),)),
            tree.Call(tree.Name("response_within"), (tree.Argument(random.choice((None, "timeout")), limit),)),
            tree.Call(tree.Name("latency_within"), (tree.Argument(None, limit),)),
        ))  # fmt: skip
    if kind == "compare":
        operator = random.choice(("is", "==", "!=", "<", "<=", ">", ">=", "in"))
        return tree.Binary(operator, _observed(random), value(random, depth))
    if kind == "not":
        return tree.Unary("not", condition(random, depth - 1))
    if kind == "later":
        return tree.Eventually(duration(random).seconds, condition(random, depth - 1))
    return tree.Binary(
        random.choice(("and", "or", "implies")), condition(random, depth - 1), condition(random, depth - 1)
    )


def _observed(random: Random) -> tree.Expression:
    made: tree.Expression = tree.Name(random.choice(_NAMES))
    for _ in range(random.randint(0, 2)):
        made = tree.Attribute(made, random.choice(_NAMES + _KEYS))
    return tree.Call(made, _arguments(random, 1)) if random.random() < 0.2 else made


def value(random: Random, depth: int) -> tree.Expression:
    leaf = random.choice((
        tree.Text(text(random)), tree.Number(random.randint(0, 10**17)), tree.Number(random.randint(0, 9999) / 100),
        duration(random), tree.Percent(random.randint(0, 999) / 100), tree.Truth(random.random() < 0.5), tree.Null(),
        _observed(random) if depth else tree.Name(random.choice(_NAMES)),
    ))  # fmt: skip
    if depth <= 0 or random.random() < 0.4:
        return leaf
    few = tuple(value(random, depth - 1) for _ in range(random.randint(0, 3)))
    return random.choice((
        tree.ListOf(few),
        tree.MapOf(tuple((random.choice((*_KEYS, text(random))), item) for item in few)),
        tree.Unary("-", value(random, depth - 1)),
        tree.Binary(random.choice("+-*/"), value(random, depth - 1), value(random, depth - 1)),
        tree.Call(tree.Name(random.choice(_NAMES)), _arguments(random, depth - 1)),
    ))  # fmt: skip


def _arguments(random: Random, depth: int) -> tuple[tree.Argument, ...]:
    names = (None, *_KEYS)
    return tuple(tree.Argument(random.choice(names), value(random, depth)) for _ in range(random.randint(0, 2)))


def duration(random: Random) -> tree.Duration:
    return tree.Duration(random.choice((float(random.randint(1, 86_400)), random.randint(1, 999) * 0.001)))


def text(random: Random) -> str:
    return "".join(random.choice(_SIGNS) for _ in range(random.randint(0, 3)))


def spoilt(random: Random, whole: str) -> str:
    """The text with some of it lost, doubled, moved or replaced."""
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(whole))
        end = min(len(whole), start + random.choice((1, 1, 3, 20, 200)))
        part = random.choice((
            "", "", whole[start:end] * 2, random.choice(_SIGNS), random.choice((*_KEYS, *_NAMES, *EXPECTATIONS)),
            f"{random.choice('-+=!<>.:,;@[](){}')}", chr(random.choice((0, 9, 11, 13, 0x85, 0x2028, 0xFEFF, 0x1F600))),
            str(random.choice((10**30, 1e9, "1..2", "5.sec", "5 s", "0x1", "99%%", "1e5", "5.5.5"))),
            whole[(cut := random.randint(0, len(whole))) : cut + 30],
        ))  # fmt: skip
        whole = whole[:start] + part + whole[end:]
    return whole
