"""What the lab writes as TOML, the standard library reads back the same."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from blackstart_lab import toml

_plain = st.one_of(
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.lists(st.text(), max_size=3),
)
_table = st.dictionaries(st.text(min_size=1), _plain, max_size=4)


@given(st.dictionaries(st.text(min_size=1), st.one_of(_plain, _table), max_size=5))
def test_any_document_is_read_back_the_same(document: dict[str, object]) -> None:
    assert tomllib.loads(toml.dumps(document)) == {key: value for key, value in document.items() if value != {}}


def test_controls_and_headers_are_inline_tables() -> None:
    text = toml.dumps({"services": {"redis": {"control": {"supervisor": "redis"}}}, "headers": {"X-Ops-Key": "env:K"}})
    assert 'control = { supervisor = "redis" }' in text
    assert text.startswith('headers = { X-Ops-Key = "env:K" }')
