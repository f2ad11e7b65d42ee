"""What a client's error says in the end: what lies at the bottom of it, not what a library wraps around it."""

import pytest
import requests

from blackstart.base.errors import reason_of, root_cause
from tests.services import free_port


def test_a_refused_connection_is_said_in_two_words() -> None:
    with pytest.raises(requests.ConnectionError) as raised:
        requests.get(f"http://127.0.0.1:{free_port()}/pause", timeout=5)
    assert "Max retries" in str(raised.value)
    assert reason_of(raised.value) == "Connection refused"
    assert isinstance(root_cause(raised.value), ConnectionRefusedError)


def test_an_error_without_words_is_its_kind_and_a_circle_ends() -> None:
    assert reason_of(ValueError()) == "ValueError"
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__context__ = other, one
    assert reason_of(one) == "other"


def test_a_long_one_is_cut() -> None:
    assert reason_of(ValueError("x" * 1000)) == "x" * 300
