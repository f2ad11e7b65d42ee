from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.proxy.attributes import declared
from blackstart.proxy.errors import ApiError
from blackstart.proxy.toxic import read_toxic
from blackstart.proxy.toxics import kinds

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["latency", "jitter", "rate", "delay", "timeout", "average_size", "size_variation", "bytes", "count", "how"]


def test_every_toxic_of_toxiproxy_is_there_with_its_attributes() -> None:
    theirs = {
        "bandwidth": ["rate"],
        "latency": ["latency", "jitter"],
        "limit_data": ["bytes"],
        "noop": [],
        "reset_peer": ["timeout"],
        "slicer": ["average_size", "size_variation", "delay"],
        "slow_close": ["delay"],
        "timeout": ["timeout"],
    }
    ours = {name: [a for a, how in declared(kind).items() if not how.extra] for name, kind in kinds().items()}
    assert {name: ours[name] for name in theirs} == theirs
    assert sorted(ours.keys() - theirs.keys()) == ["down", "fail_first", "lose_statements"]


def test_defaults_are_those_of_toxiproxy() -> None:
    assert read_toxic({"type": "latency"}).to_json() == {
        "attributes": {"latency": 0, "jitter": 0},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
    }


def test_what_toxiproxy_does_not_know_shows_only_where_it_was_asked_for() -> None:
    body = {"type": "bandwidth", "stream": "both", "attributes": {"rate": 5, "scope": "proxy"}}
    shown = read_toxic(body).to_json()
    assert (shown["name"], shown["attributes"]) == ("bandwidth_both", {"rate": 5, "scope": "proxy"})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "bad request body: an object is needed, not []"),
        ({"type": "rainy"}, "invalid toxic type, known are bandwidth, down,"),
        ({"type": 7}, "invalid toxic type"),
        ({"type": "latency", "stream": "sideways"}, "stream was invalid, can be either upstream or downstream"),
        ({"type": "latency", "toxicity": 7}, "toxicity must be a number from 0 to 1, not 7"),
        ({"type": "latency", "toxicity": -0.1}, "toxicity must be"),
        ({"type": "latency", "toxicity": float("nan")}, "toxicity must be"),
        ({"type": "latency", "toxicity": True}, "toxicity must be"),
        ({"type": "latency", "name": 3}, "name must be a string"),
        ({"type": "latency", "attributes": []}, "attributes must be an object"),
        ({"type": "latency", "attributes": {"latency": -1}}, "latency must be a whole number of ms from 0"),
        ({"type": "latency", "attributes": {"latency": 1.5}}, "latency must be a whole number"),
        ({"type": "latency", "attributes": {"latency": "1"}}, "latency must be a whole number"),
        ({"type": "latency", "attributes": {"latency": True}}, "latency must be a whole number"),
        ({"type": "latency", "attributes": {"latancy": 1}}, "unknown attribute 'latancy', known are latency"),
        ({"type": "latency", "attributes": {"distribution": "flat"}}, "distribution must be one of uniform, normal"),
        ({"type": "bandwidth", "attributes": {"rate": -1}}, "rate must be a whole number of 1000 bytes/s from 0"),
        ({"type": "slicer"}, "attribute average_size is missing"),
        ({"type": "slicer", "attributes": {"average_size": 0}}, "average_size must be a whole number of bytes from 1"),
        ({"type": "slicer", "attributes": {"average_size": 9, "size_variation": 9}}, "less than average_size"),
        ({"type": "fail_first"}, "attribute count is missing"),
        ({"type": "down", "toxicity": 0.5}, "toxicity of down is always 1"),
        ({"type": "noop", "lease": {}}, "a lease needs a pid or seconds"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(body: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_toxic(body)
    assert message in str(caught.value)
    assert caught.value.status == 400


def test_null_counts_as_absent_and_capitals_do_not_matter() -> None:
    toxic = read_toxic({"Type": "latency", "NAME": "n", "toxicity": None, "attributes": {"Latency": 5, "jitter": None}})
    assert (toxic.name, toxic.toxicity, toxic.values["latency"], toxic.values["jitter"]) == ("n", 1.0, 5, 0)


def test_an_update_changes_what_is_given_and_nothing_else() -> None:
    toxic = read_toxic({"type": "latency", "toxicity": 0.5, "attributes": {"latency": 5, "jitter": 2}})
    toxic.update({"type": "noop", "name": "other", "stream": "both", "attributes": {"latency": 9}})
    shown = toxic.to_json()
    assert shown["attributes"] == {"latency": 9, "jitter": 2}
    assert (shown["name"], shown["type"], shown["stream"], shown["toxicity"]) == (
        "latency_downstream",
        "latency",
        "downstream",
        0.5,
    )


def test_a_refused_update_changes_nothing() -> None:
    toxic = read_toxic({"type": "latency", "attributes": {"latency": 5}})
    before = toxic.to_json()
    with pytest.raises(ApiError):
        toxic.update({"toxicity": 0.3, "attributes": {"latency": 9, "jitter": -1}})
    assert toxic.to_json() == before


@given(JSON)
def test_any_json_is_read_or_refused_with_a_client_error(body: Any) -> None:
    try:
        read_toxic(body)
    except ApiError as error:
        assert 400 <= error.status < 500


@given(
    st.sampled_from(sorted(kinds())),
    st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4),
    st.none() | st.floats() | st.integers(),
)
def test_whatever_is_accepted_can_be_sent_back_and_means_the_same(kind: str, attributes: Any, toxicity: Any) -> None:
    try:
        toxic = read_toxic({"type": kind, "attributes": attributes, "toxicity": toxicity})
    except ApiError as error:
        assert 400 <= error.status < 500
        return
    assert 0 <= toxic.toxicity <= 1
    assert read_toxic(toxic.to_json()).to_json() == toxic.to_json()
