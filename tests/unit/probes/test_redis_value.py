"""Redis values: what is picked from a reply, and that only reading commands are taken."""

import json

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.model.reading import Answer
from blackstart.probes.redis_value import RedisCommand
from tests.unit.probes.servers import target_on


@pytest.mark.parametrize("command", [(), ("SET", "a", "b"), ("DEL", "a"), ("CLIENT", "KILL", "x"), ("FLUSHALL",)])
def test_command_that_changes_something_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="only reads"):
        RedisCommand(command)


def test_text_number_and_field_are_values() -> None:
    assert RedisCommand(("GET", "k")).pick(Answer("answer", b"v\xff"))[:2] == ("value", "v\ufffd")
    assert RedisCommand(("EXISTS", "k")).pick(Answer("answer", 0)) == ("value", 0, "")
    assert RedisCommand(("INFO",), field="uptime").pick(Answer("answer", {"uptime": 5})) == ("value", 5, "")
    assert RedisCommand(("HGETALL", "h"), field="a").pick(Answer("answer", {b"a": b"1"})) == ("value", "1", "")
    assert RedisCommand(("CLIENT", "LIST"), count=True).pick(Answer("answer", [{}, {}])) == ("value", 2, "")


def test_nothing_is_absent_and_a_list_is_unreadable() -> None:
    assert RedisCommand(("GET", "k")).pick(Answer("answer", None))[0] == "absent"
    assert RedisCommand(("INFO",), field="x").pick(Answer("answer", {}))[0] == "absent"
    assert RedisCommand(("LRANGE", "l", "0", "9")).pick(Answer("answer", [b"a"]))[0] == "unreadable"


def test_probe_comes_back_from_json_equal_and_hides_the_password() -> None:
    bound = RedisCommand(("INFO",), field="x").bind(target_on(6379))
    again = from_data(json.loads(json.dumps(to_data(bound))))
    assert again == bound
    assert again.endpoint() == bound.endpoint()
    assert "geheim" not in RedisCommand(("DBSIZE",), dsn="redis://:geheim@h:1/0").endpoint().describe()
