import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.proxy.address import Address, bind, name_of, read_address
from blackstart.proxy.errors import ApiError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:6379", Address("localhost", 6379)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        (":6379", Address("", 6379)),
        ("[::1]:80", Address("::1", 80)),
        ("[::]:80", Address("::", 80)),
    ],
)
def test_an_address_is_read_and_shown_again_the_same(text: str, address: Address) -> None:
    assert read_address("listen", text, least_port=0) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "localhost", "localhost:", "h:x", "h:-1", "h:65536", "h:١", "a b:1", "::1:80", "h/x:1", 7, None, []]
)
def test_what_is_no_address_is_refused_by_the_name_of_its_field(text: object) -> None:
    with pytest.raises(ApiError, match="upstream") as caught:
        read_address("upstream", text, least_port=1)
    assert caught.value.status == 400


def test_port_zero_is_no_upstream() -> None:
    with pytest.raises(ApiError, match="port from 1"):
        read_address("upstream", "localhost:0", least_port=1)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_address("listen", text, least_port=0)
    except ApiError as error:
        assert error.status == 400


def test_a_taken_port_is_a_bind_failure_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ApiError, match=f"listen tcp 127.0.0.1:{port}: bind: address already in use") as caught:
            bind(Address("127.0.0.1", port))
    assert caught.value.status == 500


def test_every_interface_means_both_families() -> None:
    with bind(Address("", 0)) as bound:
        bound.listen()
        port = name_of(bound).port
        with socket.create_connection(("127.0.0.1", port), 5):
            pass
