"""What a client of PostgreSQL asks is told from its messages, in whatever pieces they come."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.proxy.postgres_statements import Statements, operations


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select 1", {"select"}),
        ("  (SELECT 1) union select 2", {"select"}),
        ("insert into t select * from s on conflict do update set a = 1", {"insert"}),
        ("UPDATE t SET a = (select 1)", {"update"}),
        ("select * from t for update", {"select"}),
        ("delete from t where id in (select 1)", {"delete"}),
        ("begin; insert into t values (1); commit", {"insert", "commit"}),
        ("with a as (insert into t values (1) returning id) insert into u select id from a", {"insert"}),
        ("with a as materialized (select 1) update t set a = 1", {"update"}),
        ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", {"delete"}),
        ("with a as (select '(insert into t') select * from a", {"select"}),
        ("-- insert into t\n/* update t */ select ';delete from t', \"; insert\", $a$; delete from t$a$", {"select"}),
        ("do $$ begin insert into t values (1); end $$", set()),
        ("set lock_timeout = 1", set()),
        ("inserts", set()),
        ("end", {"commit"}),
        ("begin; select 1; END TRANSACTION", {"select", "commit"}),
        # What holds a quote's sign, or a comment's end, and goes on.
        (r"select E'it\'s; delete from t'", {"select"}),
        (r"select e'\\'; delete from t", {"select", "delete"}),
        (r"select 'it\'; delete from t", {"select", "delete"}),
        ("select 'it''s; delete from t'", {"select"}),
        ('select "a""; delete from t"', {"select"}),
        (r"select where'\'; delete from t", {"select", "delete"}),  # the e is another word's
        ("/* a /* b */; delete from t */ select 1", {"select"}),
        ("select 1 -- it's\n; delete from t", {"select", "delete"}),
        ("select $a$; delete from t $$ $b$ $a$; commit", {"select", "commit"}),
        ("select $1, a$b$; delete from t where a$b$ = 1", {"select", "delete"}),
        # What is not closed, as where a message is read in part alone, is so to the end.
        ("select 'a''; delete from t", {"select"}),
        (r"select E'\\\'; delete from t", {"select"}),
        ('select "a; delete from t', {"select"}),
        ("select $$; delete from t", {"select"}),
        ("select /* /* */; delete from t", {"select"}),
        ("", set()),
    ],
)
def test_a_statement_is_what_its_first_word_says_and_with_is_what_it_changes(sql: str, told: set[str]) -> None:
    assert operations(sql.encode()) == told


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body


def untyped(code: int, body: bytes = b"") -> bytes:
    return (len(body) + 8).to_bytes(4) + code.to_bytes(4) + body


TLS, PROTOCOL = 80877103, 196608
SENT = (
    (untyped(TLS), ()),
    (untyped(PROTOCOL, b"user\0shop\0\0"), ()),
    (message(b"p", b"md5\0"), ()),
    (message(b"Q", b"insert into t values ('" + b"x" * 40_000 + b"')\0"), ("insert",)),
    (message(b"P", b"s1\0delete from t\0\0\0"), ()),
    (message(b"P", b"\0select 1\0\0\0"), ()),
    (message(b"B", b"here\0s1\0\0\0\0\0\0\0"), ()),
    (message(b"B", b"\0\0\0\0\0\0\0\0"), ()),
    (message(b"D", b"P\0"), ()),
    (message(b"E", b"\0\0\0\0\0"), ("select",)),
    (message(b"E", b"here\0\0\0\0\0"), ("delete",)),
    (message(b"S", b""), ()),
    (message(b"C", b"Ss1\0"), ()),
    (message(b"B", b"\0s1\0\0\0\0\0\0\0"), ()),
    (message(b"E", b"\0\0\0\0\0"), ()),
    (message(b"d", b"Q\0\0\0\x0binsert\0"), ()),
    (message(b"Q", b"commit\0"), ("commit",)),
)
WHOLE = b"".join(one for one, _ in SENT)


@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=12))
def test_the_pieces_in_which_it_comes_make_no_difference(cuts: list[int]) -> None:
    reader, found = Statements(), []
    ends = [*sorted(set(cuts)), len(WHOLE)]
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        found += [(start + at, told) for at, told in reader.asked(WHOLE[start:end])]
    assert [tuple(told) for _, told in found] == [told for _, told in SENT]
    # Each begins where it does, or where the piece does in which it ends.
    places = [sum(len(one) for one, _ in SENT[:at]) for at in range(len(SENT))]
    assert [place for place, _ in found] == [
        max(place, *(start for start in [0, *ends] if start < place + len(one)))
        for place, (one, _) in zip(places, SENT, strict=True)
    ]


@given(st.binary(max_size=400))
def test_what_is_no_postgresql_tells_nothing_and_harms_nothing(sent: bytes) -> None:
    assert not any(told for _, told in Statements().asked(b"\x16\x03\x01\x02\x00" + sent))
    list(Statements().asked(untyped(PROTOCOL) + sent))


def test_no_statement_holds_the_proxy_up() -> None:
    for sql in (b"$a$" * 9000, b"'" * 16_000, b"/*" * 9000, b"with " + b"(" * 16_000, b"(" * 16_000, b'"a' * 9000):
        began_s = time.process_time()
        list(Statements().asked(untyped(PROTOCOL) + message(b"Q", sql + b"\0")))
        assert time.process_time() - began_s < 1.0, sql[:9]
