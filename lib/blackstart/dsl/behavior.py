"""What a target file says of a behavior: how it is invoked, what names its result, and where what it made is recorded.

Three tables: `[behaviors.NAME]`, `[components]` (names in specifications → services) and `[records]` (name → query of
two columns, key and id, with the hole `{prefix}` for a pattern of keys).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blackstart.base.errors import BadTarget, did_you_mean
from blackstart.loads import Operation
from blackstart.model import protocols
from blackstart.model.target import Target
from blackstart.probes.sql import SqlScalar

TABLES = ("behaviors", "components", "records")
REQUEST = "request"
_NOT_KNOWN = (408,)  # the server's time was over: what it had done by then it does not say
_CODES = {"conflict": "IDEMPOTENCY_CONFLICT", "limited": "RATE_LIMITED", "timeout": "TIMEOUT"}
_KEYS = {
    "route": str, "method": str, "key_header": str, "body": dict, "other_body": dict, "result_from": str,
    "code_from": str, "client_header": str, "creates": str, "created": int, "same": int, "conflict_code": str,
    "limited_code": str, "timeout_code": str,
}  # fmt: skip

_WORDS = {str: "text", dict: "a table", int: "a status"}


@dataclass(frozen=True)
class Behavior:
    """One behavior of a target. `creates` is the name of the record of what it makes."""

    target: Target
    name: str
    table: Mapping[str, Any]

    @classmethod
    def of(cls, target: Target, name: str) -> "Behavior":
        """As the target's file says it. Raises BadTarget that names the key and what would be right."""
        known = target.routes.get("behaviors", {})
        if not name and len(known) == 1:
            name = next(iter(known))
        table = known.get(name)
        if not isinstance(table, Mapping):
            such = 'route = "/sessions", key_header = "Idempotency-Key", body = { … }'
            raise BadTarget(
                f'target "{target.name}" does not say how "{name or "the behavior"}" is invoked: write '
                f"[behaviors.{name or 'NAME'}] with {such}.{did_you_mean(name, known) if known else ''}"
            )
        for key, value in table.items():
            if key not in _KEYS or not isinstance(value, _KEYS[key]):
                right = f"must be {_WORDS[_KEYS[key]]}" if key in _KEYS else "is not known."
                hint = "" if key in _KEYS else did_you_mean(key, _KEYS)
                raise BadTarget(f'target "{target.name}", [behaviors.{name}]: "{key}" {right}{hint}')
        if not table.get("route") or not table.get("key_header"):
            raise BadTarget(f'target "{target.name}", [behaviors.{name}]: it needs route and key_header')
        return cls(target, name, table)

    def operation(
        self, name: str, timeout_s: float, headers: Mapping[str, str] | None = None, other: bool = False
    ) -> Operation:
        """A request of it, `{key}` being its key; with `other` parameters under the same key."""
        if other and "other_body" not in self.table:
            raise BadTarget(
                f'target "{self.target.name}", [behaviors.{self.name}]: parameters can only differ where other_body '
                "says how, as in other_body = { … }"
            )
        return Operation(
            name=name,
            url=self.table["route"],
            method=self.table.get("method", "POST"),
            headers={"Content-Type": "application/json", self.table["key_header"]: "{key}", **(headers or {})},
            body=json.dumps(self.table.get("other_body" if other else "body", {})),
            timeout_s=timeout_s,
            info_statuses=("5xx", *_NOT_KNOWN),
            detail_from=self.table.get("result_from", ""),
            error_from=self.table.get("code_from", ""),
        )

    @property
    def creates(self) -> str:
        """The record of what it makes: as it says, else the target's only or first one."""
        records = self.target.routes.get("records", {})
        return str(self.table.get("creates") or next(iter(records), ""))

    def code(self, of: str) -> str:
        """The error that tells of a `conflict`, a limit (`limited`) or a `timeout`: as it says, else as usual."""
        return str(self.table.get(f"{of}_code") or _CODES[of])

    @property
    def statuses(self) -> dict[str, int]:
        """Those of what is `created` and of what was there (`same`): equal ones where it does not say both, since then
        they tell nothing."""
        named = {key: int(self.table[key]) for key in ("created", "same") if key in self.table}
        return named if len(named) == 2 else {"created": 200, "same": 200}

    def one_client(self, name: str) -> dict[str, str]:
        """The header by which all requests are of one client, where the target has one."""
        header = self.table.get("client_header", "")
        return {header: name} if header else {}


def record(target: Target, name: str, prefix: str) -> tuple[SqlScalar, SqlScalar, SqlScalar]:
    """What is read of a record in the end: the keys that begin so (`name`), how many (`name_count`), and the id with
    the key of each (`name_ids`). Raises BadTarget where the target has none of that name."""
    return (
        SqlScalar(f"select coalesce(json_agg(r.key), '[]')::text from ({_query(target, name, prefix)}) as r(key, id)",
                  name=name),
        SqlScalar(f"select count(*) from ({_query(target, name, prefix)}) as r(key, id)", name=f"{name}_count"),
        SqlScalar(
            f"select coalesce(json_agg(coalesce(r.id::text, '') || ' ' || r.key), '[]')::text "
            f"from ({_query(target, name, prefix)}) as r(key, id)", name=f"{name}_ids"),
    )  # fmt: skip


def lonely(target: Target, one: str, other: str, prefix: str) -> SqlScalar:
    """How many keys one of two records has and the other has not."""
    left, right = (_query(target, name, prefix) for name in (one, other))
    return SqlScalar(
        f"select count(*) from ({left}) as l(key, id) full join ({right}) as r(key, id) using (key) "
        "where l.id is null or r.id is null",
        name=f"{one}_without_{other}",
    )


def _query(target: Target, name: str, prefix: str) -> str:
    records = target.routes.get("records", {})
    query = records.get(name)
    if not isinstance(query, str) or "{prefix}" not in query:
        such = 'sessions = "select idempotency_key, id::text from sessions where idempotency_key like {prefix}"'
        raise BadTarget(
            f'target "{target.name}" does not say where "{name}" are recorded: write a query of key and id under '
            f"[records], as in {such}.{did_you_mean(name, records) if records else ''}"
        )
    pattern = prefix.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%").replace("'", "''")
    return query.replace("{prefix}", f"'{pattern}%'")


def component(target: Target, name: str, speaks: str = "") -> str:
    """The service that a specification means by that name; where it names none, the only one that `speaks` so. Raises
    BadTarget."""
    if not name:
        found = [one for one, service in target.services.items() if protocols.spoken_by(service) == speaks]
        if len(found) == 1:
            return found[0]
        raise BadTarget(f'target "{target.name}" has {len(found)} services that speak {speaks}: say which is meant, as '
                        "in target: Repository")  # fmt: skip
    known = target.routes.get("components", {})
    service = known.get(name, name)
    if not isinstance(service, str) or service not in target.services:
        raise BadTarget(
            f'target "{target.name}" does not say which service is "{name}": write {name} = "SERVICE" under '
            f"[components].{did_you_mean(name, {*known, *target.services})}"
        )
    return service


def entrance(target: Target) -> str:
    """The service that clients go to: the one whose address is that of `api`. Raises BadTarget."""
    place = protocols.read_http(target.api, f"the api of {target.name}").place.address if target.api else ""
    found = [name for name, service in target.services.items() if service.address and service.address == place]
    if found:
        return found[0]
    raise BadTarget(
        f'target "{target.name}": no service has the address of api ({place or "it has none"}), so that nothing can be '
        f'put in the way of its clients: write [services.api] with address = "{place}" and its proxy_name'
    )
