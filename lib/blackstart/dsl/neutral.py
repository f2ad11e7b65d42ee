"""What no target could run: each scenario is lowered for a target that has, and allows, whatever it names.

What one target lacks, or takes longer for than a time limit, is no mistake of the file: `chaos.plan` tells it.
"""

from collections.abc import Iterator
from dataclasses import replace

from blackstart.dsl.lower import lowered, scenarios
from blackstart.dsl.problems import BadSpec, Problem
from blackstart.dsl.tree import Argument, Assignment, Block, Call, Document, Injection, Name, Place, Scenario, Text
from blackstart.dsl.vocabulary import INJECTIONS
from blackstart.model.target import Service, Target

_QUERY = "select key, id from made where key like {prefix}"
_AT_ONCE_S = 0.1
_ENTRANCE, _DATABASE = "the way of clients", "the database"


def problems(document: Document) -> Iterator[Problem]:
    """Each place once, though what stands there may be wrong beside several others."""
    for block, scenario in scenarios(document):
        injections = tuple(map(_any_fault, scenario.injections))
        unlimited = replace(block, timeout_s=None)
        whole = replace(scenario, injections=injections, timeout_s=None)
        alone = (replace(whole, expectations=(one,)) for one in whole.expectations)
        found: dict[Place, Problem] = {}
        for problem in (problem for one in (whole, *alone) for problem in _refused(document, unlimited, one)):
            found.setdefault(problem.place, problem)
        yield from found.values()


def _any_fault(injection: Injection) -> Injection:
    """A class of the user's, which is asked for nothing without a target's service, stands for any fault of one."""
    if injection.name in INJECTIONS:
        return injection
    service = Argument("target", Text(f"that of {injection.name}"))
    duration = tuple(one for one in injection.arguments if one.name == "duration")
    return Injection("service_unavailable", (service, *duration), place=injection.place)


def _refused(document: Document, block: Block, scenario: Scenario) -> tuple[Problem, ...]:
    try:
        lowered(document, block, scenario, _target(block, scenario))
    except BadSpec as refused:
        return refused.problems
    return ()


def _target(block: Block, scenario: Scenario) -> Target:
    """One that is quick, and whose services are those that the scenario names."""
    called = (step.value for step in scenario.when if isinstance(step, Assignment))
    names = (call.function.name for call in called if isinstance(call, Call) and isinstance(call.function, Name))
    behavior = block.behavior or next(names, "Behavior")
    services = {_ENTRANCE: _service(_ENTRANCE, 0, "http")}
    for number, one in enumerate(scenario.injections, 1):
        database = one.name == "database_failure"
        if name := str(one.value("target") or (_DATABASE if database else "")):
            services[name] = _service(name, number, "postgresql" if database else "http")
    return Target(
        "any",
        api=services[_ENTRANCE].dsn,
        proxy="http://localhost:1",
        services=services,
        facts={"answer_timeout_s": _AT_ONCE_S, "catch_up_s": _AT_ONCE_S},
        routes={
            "behaviors": {behavior: {"route": "/", "key_header": "Key", "body": {}, "other_body": {"other": True}}},
            "records": {"sessions": _QUERY, "charges": _QUERY},
        },
    )


def _service(name: str, number: int, scheme: str) -> Service:
    address = f"localhost:{number + 1}"
    return Service(name, address, dsn=f"{scheme}://{address}", proxy_name=name)
