"""What people have told of in public, as it is typed: what becomes of it, and that no part of a password is shown.

Each id begins with the number and the name of the case in the collection of such reports; the drills on others of them
are in `tests/lab/test_field_cases.py`.
"""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from blackstart.base import sockets
from blackstart.commands import plan, run
from blackstart.engine import run as engine
from tests.unit.choosing import empty_folder
from tests.unit.probes.servers import http, requests_of, serving
from tests.unit.stage import NoGuardian

HELD, BROKE, REFUSED = 0, 20, 40
TARGET = """name = "shop"
kind = "trader"
api = "API"
MORE
[facts]
db_timeout_s = 2.0
[orders]
route = "/orders"
[services.redis]
dsn = "env:SHOP_REDIS"
control = { pidfile = "worker.pid", start = ["true"] }
[services.postgres]
dsn = "env:SHOP_DB"
control = { pidfile = "worker.pid", start = ["true"] }
[services.worker]
control = { pidfile = "worker.pid", start = ["true"] }
"""


@dataclass
class Shop:
    """A shop whose API says that it trades LIVE: a run that has understood all that it was told ends there."""

    port: int
    folder: Path
    capsys: pytest.CaptureFixture[str]
    asked: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    let_in: str = ""
    mode: str = "LIVE"

    def answer(self, conn: socket.socket) -> None:
        for head in requests_of(conn):
            first, _, rest = head.decode().partition("\r\n")
            login = re.search(r"(?im)^authorization: (.*)$", rest)
            self.asked.append(first.removesuffix(" HTTP/1.1"))
            self.sent.append(login[1].strip() if login else "")
            self.keys.update(re.findall(r"(?i)\bx-ops-key: ([^\r\n]*)", rest))
            who = f"{self.sent[-1]} hun@ter2Secret hun%40ter2Secret"  # as one that quotes what it was given
            told = f'{{"status": "healthy", "mode": "{self.mode}", "is_paused": true, "who": "{who}"}}'
            let_in = self.sent[-1] == self.let_in
            conn.sendall(http(told.encode()) if let_in else http(who.encode(), "401 Unauthorized"))

    def target(self, api: str = "", more: str = "") -> str:
        file = self.folder / "mine.toml"
        file.write_text(TARGET.replace("API", api or f"http://127.0.0.1:{self.port}").replace("MORE", more))
        return str(file)

    def typed(self, task: Callable[..., int], name: str, **options: Any) -> tuple[int, str]:
        """Exit code and all that was said. Nobody is there, and the reports are in a folder of that name."""
        code = task(name, {"noninteractive": True, "reports": str(self.folder / "reports"), **options})
        said = self.capsys.readouterr()
        return code, said.out + said.err

    def written(self, secret: str) -> list[str]:
        """The files with that in them; but for what it was taken from."""
        found = [path for path in self.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
        return [path.name for path in found if path.name != "mine.toml"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    empty_folder(tmp_path, monkeypatch)
    monkeypatch.setenv("SHOP_REDIS", "redis://127.0.0.1:3/0")
    monkeypatch.setenv("SHOP_DB", "postgresql://shop@127.0.0.1:2/shop")
    made = Shop(0, tmp_path, capsys)
    with serving(made.answer) as made.port, subprocess.Popen(["sleep", "600"]) as worker:
        (tmp_path / "worker.pid").write_text(str(worker.pid))
        yield made
        worker.kill()


def refused(shop: Shop, task: Callable[..., int], name: str, *words: str, **options: Any) -> None:
    """One line says why; nothing was sent to the shop, and there is no evidence of a run."""
    code, said = shop.typed(task, name, **options)
    assert code == REFUSED, said
    (line,) = [line for line in said.splitlines() if "Not started" in line]
    assert all(word in line for word in words), line
    assert "Traceback" not in said and not re.search("kW9|Zp4|mVb|pw1234", said)
    assert shop.asked == [] and not (shop.folder / "reports").exists()


# ---------------------------------------------------------------- where a service is, and how one gets in

DB, REDIS = "postgres-blip", "leader-lock"
TOO_SOON = "percent-encode it"
NOWHERE = "use the port that is published on this machine (localhost:PORT), or leave it out"
NEVER_TAKEN = {
    "01-password-with-slash": ("DATABASE_URL", "postgresql://shop:kW9xTq/Zp4mVb7@localhost:5432/shop", TOO_SOON),
    "01-password-with-slash-a-number-first": (
        "DATABASE_URL", "postgresql://shop:77/Zp4mVb7kW9@localhost:5432/shop", TOO_SOON),
    "01-password-with-slash-of-redis": ("REDIS_URL", "redis://:kW9xTq/Zp4mVb7@localhost:6379/0", TOO_SOON),
    "01-password-with-hash-of-redis": ("REDIS_URL", "redis://:kW9xTq#Zp4mVb7@localhost:6379/0", TOO_SOON),
    "02-several-database-hosts": (
        "DATABASE_URL", "postgres://shop@127.0.0.1:1,127.0.0.1:2/shop?target_session_attrs=read-write",
        "names 2 hosts: say which of them is meant"),
    "03-prisma-schema-query": (
        "DATABASE_URL", "postgresql://shop@127.0.0.1:2/shop?schema=public&connection_limit=5&pgbouncer=true",
        'has the option "schema", which is not PostgreSQL\'s: leave it out'),
    "04-sqlalchemy-driver-in-scheme-ssl": (
        "DATABASE_URL", "postgresql+asyncpg://shop@127.0.0.1:2/shop?ssl=require",
        "write sslmode, as in sslmode=require"),
    "05-unix-socket-dsn-of-redis": ("REDIS_URL", "unix:///run/redis/redis.sock?db=0", "is a socket"),
    "05-unix-socket-dsn-sentinel": ("REDIS_URL", "redis+sentinel://127.0.0.1:26379/mymaster/0", "leads to Sentinel"),
    "07-compose-names-in-env": ("REDIS_URL", "redis://redis:6379", NOWHERE),
    "07-compose-names-in-env-database": ("DATABASE_URL", "postgresql://shop:pw12345678@db:5432/shop", NOWHERE),
    "21-newline-in-the-middle-of-a-secret": ("DATABASE_URL", "postgresql://shop@127.0.0.1:2\n/shop", "a line end"),
}  # fmt: skip


@pytest.fixture
def no_such_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the name server of this machine makes of the names of a compose network."""
    known = sockets.resolve

    def resolve(host: str, port: int, deadline: sockets.Deadline) -> Any:
        if host in ("redis", "db"):
            raise sockets.NoAnswer("unreachable", "no such name")
        return known(host, port, deadline)

    monkeypatch.setattr(sockets, "resolve", resolve)


@pytest.mark.usefixtures("no_such_names")
@pytest.mark.parametrize("place", ["flag", "target"])
@pytest.mark.parametrize(("variable", "url", "told"), NEVER_TAKEN.values(), ids=NEVER_TAKEN)
def test_a_url_that_can_not_be_meant_is_refused_by_its_variable_before_anything_is_sent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, variable: str, url: str, told: str, place: str
) -> None:
    """In a flag's variable as in one that a target file names; that a name is allowed makes it no address."""
    name, options = DB if variable == "DATABASE_URL" else REDIS, {"allow": "redis,db"}
    if place == "target":
        variable = {"DATABASE_URL": "SHOP_DB", "REDIS_URL": "SHOP_REDIS"}[variable]
        options["target"] = shop.target()
    else:
        monkeypatch.setenv("API", f"http://127.0.0.1:{shop.port}")
    monkeypatch.setenv(variable, url)
    refused(shop, run.run, f"trader/{name}", variable, told, **options)
    code, said = shop.typed(plan.plan, name, **options)
    assert " started: " in said and told in said and not re.search("kW9|Zp4|mVb|pw1234", said)
    assert code in (HELD, REFUSED) and shop.asked == []


TAKEN = {
    "01-password-with-hash": ("SHOP_DB", "postgresql://shop:kW9xTq#Zp4mVb7@127.0.0.1:2/shop"),  # as libpq does
    "01-password-with-question-mark": ("SHOP_DB", "postgresql://shop:kW9xTq?Zp4mVb7@127.0.0.1:2/shop"),
    "01-password-percent-encoded": ("SHOP_DB", "postgresql://shop:kW9xTq%2FZp4mVb7@127.0.0.1:2/shop"),
    "04-sqlalchemy-driver-in-scheme": ("SHOP_DB", "postgresql+asyncpg://shop@127.0.0.1:2/shop"),
    "04-sqlalchemy-driver-in-scheme-psycopg2": ("SHOP_DB", "postgresql+psycopg2://shop@127.0.0.1:2/shop"),
    "05-unix-socket-dsn": ("SHOP_DB", "postgresql:///shop?host=/run/postgresql&port=2&user=shop"),
    "05-unix-socket-dsn-encoded": ("SHOP_DB", "postgresql://shop@%2Frun%2Fpostgresql/shop?port=2"),
    "05-unix-socket-dsn-the-usual": ("SHOP_DB", "postgresql:///shop?user=shop"),
    "08-redis-tls-self-signed": ("SHOP_REDIS", "rediss://localhost:3/0?ssl_cert_reqs=none"),
    "21-newline-at-the-end-of-a-secret": ("SHOP_DB", "postgresql://shop:kW9xTqZp4mVb7@127.0.0.1:2/shop\n"),
    "21-newline-at-the-end-of-a-secret-redis": ("SHOP_REDIS", "redis://:kW9xTqZp4mVb7@127.0.0.1:3/0\r\n"),
    "21-newline-at-the-end-of-a-secret-header": ("SHOP_KEY", "kW9xTqZp4mVb7\n"),
}


@pytest.mark.parametrize(("variable", "value"), TAKEN.values(), ids=TAKEN)
def test_a_url_that_a_client_library_takes_is_taken_by_plan_and_drill_alike(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("SHOP_KEY", "abcdefgh12345678")
    monkeypatch.setenv(variable, value)
    name = REDIS if variable == "SHOP_REDIS" else DB
    target = shop.target(more='headers = { X-Ops-Key = "env:SHOP_KEY" }')
    code, planned = shop.typed(plan.plan, name, target=target)
    assert code == HELD and "Would not be started" not in planned, planned
    code, said = shop.typed(run.run, f"trader/{name}", target=target)
    assert code == REFUSED and "mode is LIVE" in said, said
    assert shop.asked == ["GET /state"]
    assert not re.search("kW9|Zp4|mVb", planned + said)


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param("127.0.0.1:2,db.prod.invalid:5432", id="02-several-database-hosts-one-is-far"),
        pytest.param("127.0.0.1,db.prod.invalid:2", id="02-several-database-hosts-one-port-for-all"),
    ],
)
def test_a_host_beyond_this_machine_is_seen_wherever_it_stands_in_the_list(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, hosts: str
) -> None:
    monkeypatch.setenv("SHOP_DB", f"postgres://shop@{hosts}/shop")
    target = Path(shop.target())
    which = '[services.postgres]\naddress = "127.0.0.1:2"'
    target.write_text(target.read_text().replace("[services.postgres]", which))
    refused(shop, run.run, f"trader/{DB}", "SHOP_DB", "is at db.prod.invalid, not on this machine", target=str(target))
    code, said = shop.typed(plan.plan, DB, target=str(target))
    assert code == HELD and "Would not be started: the dsn of postgres (env:SHOP_DB) is at db.prod.invalid" in said
    code, said = shop.typed(run.run, f"trader/{DB}", target=str(target), allow="db.prod.invalid")
    assert code == REFUSED and "mode is LIVE" in said, said


# ---------------------------------------------------------------- credentials in the API's URL

LOGIN, SECRETS = "ops:hun%40ter2Secret", ("ter2Secret", "b3BzOmh1bkB0ZXIyU2VjcmV0")
LOOK = """
from blackstart.faults.pause import Pause
from blackstart.loads import OpenLoop, Operation, constant
from blackstart.model import Experiment
from blackstart.model.expect import always, eventually
from blackstart.model.experiment import Traffic
from blackstart.probes.http import HttpJson, HttpStatus


def experiment(target, flags, variant=""):
    within_s = 10 if flags.note == "healthy" else 1
    orders = OpenLoop((Operation("order", "/orders", "POST", body='{"k": "{key}"}'),), constant(20))
    return Experiment(
        name="look", target="shop", hypothesis="The shop answers whatever its worker does.",
        baseline=(eventually(HttpStatus("/ready").is_(200), name="ready"),),
        faults=(Pause("worker"),), hold_min_s=0.2, settle_s=0.2, traffic=Traffic(orders),
        always=(always(HttpStatus("/ready").is_(200), name="ready_all_along"),),
        recovery=(eventually(HttpJson("/health", "status").is_(flags.note), within_s=within_s, name="healthy"),),
        watch=(HttpJson("/health", "who"),),
    )
"""


@pytest.fixture
def guarded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop behind a login: whoever does not send what is in its URL is told so, and is told the password."""
    monkeypatch.setattr(engine, "Guardian", NoGuardian)
    # Beside other tests a process is long in starting, and their crowd is none of the shop's.
    monkeypatch.setattr("blackstart.engine.load._READY_SOON_S", 60.0)
    monkeypatch.setattr("blackstart.base.scheduling_lag._runnable", list)
    shop.let_in, shop.mode = f"Basic {SECRETS[1]}", "PAPER"
    (shop.folder / "look.py").write_text(LOOK)
    return shop


def shows_none(shop: Shop, said: str) -> None:
    for secret in SECRETS:
        assert secret not in said, said
        assert shop.written(secret) == []


@pytest.mark.parametrize(
    ("wanted", "code", "api"),
    [
        pytest.param("healthy", HELD, "", id="32-credentials-in-the-api-url-held"),
        pytest.param("healthy", HELD, "env:SHOP_API", id="32-credentials-in-the-api-url-of-a-variable"),
        pytest.param("sick", BROKE, "", id="32-credentials-in-the-api-url-broke"),
    ],
)
def test_a_run_logs_in_by_the_apis_url_and_writes_its_password_nowhere(
    guarded: Shop, monkeypatch: pytest.MonkeyPatch, wanted: str, code: int, api: str
) -> None:
    """Probes, load, metrics and the abort."""
    url = f"http://{LOGIN}@127.0.0.1:{guarded.port}"
    if api:
        monkeypatch.setenv("SHOP_API", url)
    more = {"target": guarded.target(api or url), "note": wanted, "assume_link": True, "pause_on_fail": True}
    got, said = guarded.typed(run.run, str(guarded.folder / "look.py"), **more)
    assert got == code, said
    assert set(guarded.sent) == {guarded.let_in} and {"POST /orders", "GET /metrics"} <= set(guarded.asked)
    assert "http://ops:[redacted]@127.0.0.1" in said and list((guarded.folder / "reports").glob("*/journal.jsonl"))
    if code == BROKE:
        assert "POST /pause" in guarded.asked
        assert re.search(r"resume: curl .* http://ops:\[redacted\]@127.0.0.1:\d+/resume", said)
    shows_none(guarded, said)


@pytest.mark.parametrize("end", [pytest.param("\n", id="21-newline-at-the-end-of-a-secret-in-all-requests")])
def test_a_line_end_behind_a_key_is_sent_by_nobody(guarded: Shop, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """Probes and load, which has a client of its own."""
    guarded.let_in = ""
    monkeypatch.setenv("SHOP_KEY", f"kW9xTqZp4mVb7{end}")
    target = guarded.target(more='headers = { X-Ops-Key = "env:SHOP_KEY" }')
    more = {"target": target, "note": "healthy", "assume_link": True}
    code, said = guarded.typed(run.run, str(guarded.folder / "look.py"), **more)
    assert code == HELD, said
    assert guarded.keys == {"kW9xTqZp4mVb7"} and {"POST /orders", "GET /ready"} <= set(guarded.asked)
    assert "kW9x" not in said and guarded.written("kW9xTqZp4mVb7") == []


WAYS_OUT = {
    "live": (LOGIN, "mode is LIVE"),
    "not-let-in": ("ops:hun%40ter2SecretX", "can't be asked whether it may be touched: mode is"),
    "nobody-there": (LOGIN, "can't be asked whether it may be touched: mode is unreachable"),
    "a-slash": ("ops:hun/ter2Secret", TOO_SOON),
    "a-bracket": ("ops:hun[ter2Secret", "has brackets or braces before its @: percent-encode them"),
    "braces": ("ops:hun{key}ter2Secret", "has brackets or braces before its @: percent-encode them"),
}


@pytest.mark.parametrize(
    ("login", "told"), WAYS_OUT.values(), ids=[f"32-credentials-in-the-api-url-{name}" for name in WAYS_OUT]
)
def test_a_refusal_shows_nothing_of_a_password_in_the_apis_url(guarded: Shop, login: str, told: str) -> None:
    guarded.mode, port = "LIVE", 1 if "unreachable" in told else guarded.port
    target = guarded.target(f"http://{login}@127.0.0.1:{port}")
    for task, name in ((plan.plan, REDIS), (run.run, f"trader/{REDIS}")):
        code, said = guarded.typed(task, name, target=target)
        shows_none(guarded, said)
    assert code == REFUSED and told in said, said
