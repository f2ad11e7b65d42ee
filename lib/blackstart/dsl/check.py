"""Whether a document says what can be done: every word known, every parameter right, every expectation able to fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain

from blackstart.base.errors import NotAvailable, did_you_mean
from blackstart.dsl import claims, possible, tree
from blackstart.dsl.problems import Problem
from blackstart.dsl.scan import Declared
from blackstart.dsl.slug import slug
from blackstart.dsl.vocabulary import CALLED_EXPECTATIONS, EXPECTATIONS, MOST_PER_S, USES, Parameter, Words

_ANSWER = (
    "A success has a status of 200 to 299 and no code, an error another one, up to 599, and perhaps a code; both take "
    "some time: claim what one answer can have and another not, as result.status < 500"
)
_LOGIC = ("and", "or", "implies")
_COMPARISONS = ("is", "==", "!=", "<", "<=", ">", ">=", "in")


def problems(blocks: tuple[tree.Block, ...], injections: Mapping[str, Words], declared: Declared) -> Iterator[Problem]:
    """Every mistake. Two scenarios that are typed alike are one, since a run is asked for by its name."""
    seen: dict[str, tree.Scenario] = {}
    for block in blocks:
        if not block.scenarios:
            yield Problem(block.place, 'a chaos block needs a scenario: scenario "name" { … }')
        if declared.behaviors and block.behavior not in ("", *declared.behaviors, *declared.imported):
            near = did_you_mean(block.behavior, declared.behaviors)
            yield Problem(block.place, f'this file declares no behavior "{block.behavior}".{near}')
        for scenario in block.scenarios:
            typed = slug(scenario.name)
            other = seen.setdefault(typed, scenario)
            if not typed:
                yield Problem(
                    scenario.place, "a scenario needs a name with a letter of a to z, or a digit: it is typed"
                )
            elif other.name == scenario.name and other is not scenario:
                yield Problem(scenario.place, f'scenario "{scenario.name}" is there already, in line '
                              f"{other.place.line}; give each a name of its own")  # fmt: skip
            elif other is not scenario:
                yield Problem(scenario.place, f'"{scenario.name}" and "{other.name}" in line {other.place.line} are '
                              f"both typed {typed}; give one another name")  # fmt: skip
            yield from _of_scenario(scenario, injections)
            if block.behavior not in declared.imported:
                yield from _undeclared(block.behavior, declared, scenario)


def _of_scenario(scenario: tree.Scenario, injections: Mapping[str, Words]) -> Iterator[Problem]:
    if not scenario.expectations:
        yield Problem(scenario.place, f'scenario "{scenario.name}" expects nothing, so nothing could fail: add expect')
    if not (scenario.injections or scenario.uses or scenario.when):
        yield Problem(scenario.place, f'scenario "{scenario.name}" does nothing: add inject, with: or when')
    for injection in scenario.injections:
        yield from _of_injection(injection, injections)
    for use in scenario.uses:
        yield from _of_use(use)
    for use in scenario.uses[1:]:
        yield Problem(use.place, "the requests have one key only: leave one of the idempotency_key out")
    differ = [one for one in scenario.expectations if isinstance(one.claim, tree.WhenParametersDiffer)]
    if differ and scenario.injections:
        yield Problem(differ[0].place, "a conflict is two requests of its own, beside no injection: give it a scenario")
    for other in scenario.expectations if differ else ():
        if other not in differ:
            yield Problem(
                other.place, "nothing else can be told of the three requests of a conflict: expect it elsewhere"
            )
    for step in scenario.when:
        if not _invokes(step):
            yield Problem(
                step.place, "only result = BEHAVIOR(input) is available here yet: the load is the behavior's own"
            )
    for expectation in scenario.expectations:
        yield from _of_claim(expectation.claim)


def _undeclared(behavior: str, declared: Declared, scenario: tree.Scenario) -> Iterator[Problem]:
    """Codes that are expected, and that the behavior never answers by what it says of itself; of one that says nothing,
    those that nothing in the file does."""
    own = declared.codes.get(behavior) if behavior else None
    known = [*own, *declared.codes.get("", ())] if own else [*chain.from_iterable(declared.codes.values())]
    who = behavior if own else "this file"
    for code, place in chain.from_iterable(claims.codes(one.claim) for one in scenario.expectations):
        if known and code not in known:
            yield Problem(place, f'{who} declares no error "{code}".{did_you_mean(code, known)}')


def _of_injection(injection: tree.Injection, injections: Mapping[str, Words]) -> Iterator[Problem]:
    words = injections.get(injection.name)
    if words is None:
        yield Problem(
            injection.place, f'unknown injection "{injection.name}".{did_you_mean(injection.name, injections)}'
        )
        return
    counted = Counter(argument.name for argument in injection.arguments)
    for argument in injection.arguments:
        yield from _of_argument(injection.name, argument, words.parameters)
    for name in (name for name, times in counted.items() if name is not None and times > 1):
        yield Problem(_last(injection, name), f'{injection.name}: "{name}" is given twice; leave one of them out')
    if None in counted:  # one without its name may be any of those that are missed
        return
    for name, parameter in words.parameters.items():
        if parameter.required and name not in counted:
            yield Problem(injection.place, f'{injection.name} needs "{name}": {parameter.what}')
    if words.one_of and sum(name in counted for name in words.one_of) != 1:
        yield Problem(injection.place, f"{injection.name} needs one of {' or '.join(words.one_of)}, and only one")
    for name, other in (words.only_with or {}).items():
        if name in counted and other not in counted:
            yield Problem(_last(injection, name), f'{injection.name}: "{name}" is for "{other}" only')
    for name, (other, word) in (words.never_with or {}).items():
        if name in counted and injection.value(other) == word:
            why = f'"{name}" says nothing beside {other}: "{word}"; leave one of them out'
            yield Problem(_last(injection, name), f"{injection.name}: {why}")

    if words.rate and (why := _too_fast(injection, *words.rate)):
        yield Problem(injection.place, why)


def _too_fast(injection: tree.Injection, many: str, span: str) -> str:
    number, span_s = injection.value(many), injection.value(span)
    if not (isinstance(number, int) and isinstance(span_s, float) and number > MOST_PER_S * span_s > 0):
        return ""
    return f"{injection.name}: {number / span_s:.0f} requests a second are more than {MOST_PER_S}: allow more {span}"


def _last(injection: tree.Injection, name: str) -> tree.Place:
    return [argument.place for argument in injection.arguments if argument.name == name][-1]


def _of_argument(of: str, argument: tree.Argument, known: Mapping[str, Parameter]) -> Iterator[Problem]:
    if argument.name is None:
        yield Problem(argument.place, f"{of}: a parameter needs its name, one of {', '.join(known)}")
    elif argument.name not in known:
        near = did_you_mean(argument.name, known)
        yield Problem(argument.place, f'{of} has no parameter "{argument.name}".{near}')
    elif not known[argument.name].fits(argument.value):
        yield Problem(argument.value.place, f"{of}: {argument.name} must be {known[argument.name].what}")


def _invokes(step: tree.Step) -> bool:
    call = step.value if isinstance(step, tree.Assignment) and step.name == "result" else None
    given = (tree.Argument(None, tree.Name("input")),)
    return isinstance(call, tree.Call) and isinstance(call.function, tree.Name) and call.arguments == given


def _of_use(use: tree.Call) -> Iterator[Problem]:
    name = use.function.name if isinstance(use.function, tree.Name) else ""
    if name not in USES:
        yield Problem(use.place, f'unknown use "{name}".{did_you_mean(name, USES)}')
    else:
        yield from _only_argument(use, name, "", USES[name])


def _only_argument(call: tree.Call, of: str, name: str, parameter: Parameter) -> Iterator[Problem]:
    """The one argument of a call, which may leave its name out."""
    if len(call.arguments) != 1:
        yield Problem(call.place, f"{of} takes one argument: {parameter.what}")
        return
    (argument,) = call.arguments
    if argument.name not in (None, name):
        known = did_you_mean(str(argument.name), (name,) if name else ())
        yield Problem(argument.place, f'{of} has no parameter "{argument.name}".{known}')
    elif not parameter.fits(argument.value):
        yield Problem(argument.value.place, f"{of} takes {parameter.what}")


def _of_claim(claim: tree.Expression) -> Iterator[Problem]:
    """A condition that a run can violate: a word of the language, or comparisons, each of every answer."""
    match claim:
        case tree.Name(name=name) if name in CALLED_EXPECTATIONS:
            yield Problem(claim.place, f"{name} takes one argument: {CALLED_EXPECTATIONS[name][1].what}")
        case tree.Name(name=name):
            if name not in EXPECTATIONS:
                near = did_you_mean(name, (*EXPECTATIONS, *CALLED_EXPECTATIONS))
                yield Problem(claim.place, f'unknown expectation "{name}".{near}')
        case tree.Call(function=tree.Name(name=name)):
            yield from _of_called(claim, name)
        case tree.WhenParametersDiffer(code=code):
            if not code.isupper():
                yield Problem(claim.place, "before when parameters differ stands an error's code in capitals")
        case tree.Eventually(claim=inner):
            yield from _told_apart(inner)
        case _:
            yield from _told_apart(claim)


def _told_apart(claim: tree.Expression) -> Iterator[Problem]:
    """What is wrong with comparisons, or with the least part of them that tells no answer from another."""
    if wrong := list(_of_answers(claim)):
        yield from wrong
        return
    try:
        constant = next(_constant(claim), None)
    except ValueError as error:
        yield Problem(claim.place, str(error))
        return
    if constant:
        part, word = constant
        never = "nothing could break it" if word else "nothing could meet it"
        yield Problem(part.place, f"{claims.as_text(part)} is {str(word).lower()} of every answer there can be, so "
                      f"{never}. {_ANSWER}")  # fmt: skip


def _constant(claim: tree.Expression) -> Iterator[tuple[tree.Expression, bool]]:
    """The parts that are true, or false, of every answer, the smaller ones first. Raises ValueError."""
    match claim:
        case tree.Binary(operator=operator, left=left, right=right) if operator in _LOGIC:
            yield from chain(_constant(left), _constant(right))
        case tree.Unary(operand=inner):
            yield from _constant(inner)
    if (word := possible.always(claims.as_data(claim))) is not None:
        yield claim, word


def _of_answers(claim: tree.Expression) -> Iterator[Problem]:
    """Comparisons joined by and, or, not, implies. Nothing else can be: it is no matter of one answer."""
    match claim:
        case tree.Binary(operator=operator, left=left, right=right) if operator in _LOGIC:
            yield from chain(_of_answers(left), _of_answers(right))
        case tree.Unary(operator="not", operand=inner):
            yield from _of_answers(inner)
        case tree.Binary(operator=operator) if operator in _COMPARISONS:
            try:
                claims.as_data(claim)
            except NotAvailable as refused:
                yield Problem(claim.place, refused.reason)
        case tree.Eventually():
            yield Problem(claim.place, "eventually begins an expectation: write it as one of its own")
        case tree.Name() | tree.Call(function=tree.Name()):
            told = claim.name if isinstance(claim, tree.Name) else claims.as_text(claim.function)
            why = f"{told} is no matter of one answer, so it is joined with nothing: expect it by a line of its own"
            yield from list(_of_claim(claim)) or [Problem(claim.place, why)]
        case _:
            yield Problem(claim.place, "is no condition; compare it with something, as in result is error")


def _of_called(call: tree.Call, name: str) -> Iterator[Problem]:
    if name in EXPECTATIONS:
        yield Problem(call.place, f"{name} takes no argument; write it without parentheses")
    elif name not in CALLED_EXPECTATIONS:
        near = did_you_mean(name, (*EXPECTATIONS, *CALLED_EXPECTATIONS))
        yield Problem(call.place, f'unknown expectation "{name}".{near}')
    else:
        yield from _only_argument(call, name, *CALLED_EXPECTATIONS[name])
