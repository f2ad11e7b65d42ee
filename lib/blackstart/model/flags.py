"""Options and environment flags: one table, one meaning, and every bad value refused by name before anything happens.

Each option of an experiment task has an environment flag; the option wins. The names of the original scripts are kept.
Listing the tasks reads this table: what reads the values is loaded when there are some.
"""

import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from blackstart.base.durations import seconds
from blackstart.base.errors import BadFlag

if TYPE_CHECKING:
    from blackstart.model.target import Target

# A kubectl for each waits on this machine until all begin: 16 MB and up to 0.2 s of a processor.
MOST_PODS = 100


def _switch(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.strip().lower() not in {*words, ""}:
        raise ValueError("must be 1 or 0")
    return words.get(text.strip().lower(), False)


def _verdicts(text: str) -> bool | str:
    """After which verdicts: False for none, True for broke and not restored, "inconclusive" for that, too."""
    try:
        return "inconclusive" if text.strip().lower() == "inconclusive" else _switch(text)
    except ValueError:
        raise ValueError("must be 1, 0 or inconclusive") from None


def _duration(text: str) -> float:
    value = seconds(text)
    if not 0 < value <= 86_400:
        raise ValueError("must be above 0 and at most a day, in seconds")
    return value


def _count(text: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit() or not 2 <= int(text) <= 1_000_000:
        raise ValueError("must be a whole number from 2 to 1000000")
    return int(text)


def _pods(text: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit() or not 1 <= int(text) <= MOST_PODS:
        raise ValueError(f"must be a whole number from 1 to {MOST_PODS}")
    return int(text)


def _http_url(text: str) -> str:
    from blackstart.base.urls import http  # noqa: PLC0415

    return http.read(text, base=True).text.rstrip("/")


def _webhook(text: str) -> str:
    from blackstart.base.urls import http  # noqa: PLC0415

    return http.read(text).text


def _redis_url(text: str) -> str:
    from blackstart.base.urls import parts, redis  # noqa: PLC0415

    redis.read(text)
    return parts.one_word(text)


def _postgres_url(text: str) -> str:
    from blackstart.base.urls import parts, postgres  # noqa: PLC0415

    postgres.read(text)
    return parts.one_word(text, " ")


def _command(text: str) -> str:
    shlex.split(_text(text))  # raises ValueError for a quotation that does not end
    return text


def _text(text: str) -> str:
    if any(ord(char) < 32 for char in text):
        raise ValueError("must not contain control characters")
    return text


def _words(text: str) -> str:
    """What is for people alone: nothing is looked up by it."""
    return _text(text)


def _share(text: str) -> int | float:
    """A count, or a share of all for what ends with %."""
    found = re.fullmatch(r"([0-9]{1,4})(%?)", text.strip(), re.ASCII)
    if not found or not 0 < int(found[1]) <= (100 if found[2] else 1000):
        raise ValueError("must be a number of hosts from 1 to 1000, or a share of them, as in 50%")
    return int(found[1]) / 100 if found[2] else int(found[1])


def _seed(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII):
        raise ValueError("must be a whole number from 0 to 999999999")
    return int(text)


def _names(text: str) -> str:
    words = [word.strip() for word in _text(text).split(",")]
    if not all(words):
        raise ValueError("must be names, with commas between them")
    return ",".join(words)


def _tested(text: str) -> str:
    for word in _names(text).split(","):
        if not re.fullmatch(r"[^\s@]\S*@(sha256:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{64})", word):
            raise ValueError("must be NAME@sha256:DIGEST of an image, or REPO@HASH of a commit, with all digits of it")
    return _names(text)


def flag(env: str, help_text: str, parse: Callable[[str], Any] = _text, default: Any = "") -> Any:
    """A field of Flags: its environment name, what `--help` says, and how its text is read."""
    return field(default=default, metadata={"env": env, "help": help_text, "parse": parse})


@dataclass(frozen=True)
class Flags:
    """Everything that a run can be told. `given` holds the names that were set, by option or environment; `typed`
    those that were set by option."""

    target: str = flag("TARGET", "target file, or name of a target or running lab ('lab': the one that runs)")
    api: str = flag("API", "base URL of the target (http://localhost:8000)", _http_url)
    redis_container: str = flag("REDIS_CONTAINER", "Redis container or compose service (redis)")
    postgres_container: str = flag("POSTGRES_CONTAINER", "PostgreSQL container or compose service (postgres)")
    redis_url: str = flag("REDIS_URL", "Redis URL (redis://localhost:6379/0)", _redis_url)
    database_url: str = flag("DATABASE_URL", "PostgreSQL URL", _postgres_url)
    heartbeat_max_s: float = flag("HEARTBEAT_MAX", "heartbeat limit in seconds (5)", _duration, 5.0)
    wait_ready_timeout_s: float = flag("WAIT_READY_TIMEOUT", "recovery limit in seconds (90)", _duration, 90.0)
    plan_count: int = flag("PLAN_COUNT", "plans in the rate-limit burst, 2 to 1000000 (15)", _count, 15)
    noninteractive: bool = flag("NONINTERACTIVE", "no prompts, plain lines", _switch, False)
    pause_on_fail: bool | str = flag(
        "PAUSE_ON_FAIL", "after broke, not restored [=inconclusive]: abort", _verdicts, False
    )
    assume_link: bool = flag("ASSUME_LINK", "do not demand proof that the service is the target's own", _switch, False)
    allow: str = flag("ALLOW", "what may be touched besides, by name: hosts, services, live (a,b)", _names)
    without: str = flag(
        "WITHOUT", "what is left out by choice: criteria told by what no target file says (a,b)", _names
    )
    hold_s: float = flag("HOLD", "hold the fault at least this long, in seconds", _duration, 0.0)
    on_hosts: int | float = flag(
        "ON_HOSTS", "of a service with several hosts: how many are broken, as 2 or 50% (1)", _share, 1
    )
    hosts_seed: int = flag("HOSTS_SEED", "the number that draws which of them (0)", _seed, 0)
    total_max_s: float = flag("TOTAL_MAX", "longest total time of the run in seconds (900)", _duration, 900.0)
    reports: str = flag("REPORTS", "folder of the evidence (reports/chaos)", _text, "reports/chaos")
    abort_command: str = flag("ABORT_COMMAND", "what PAUSE_ON_FAIL runs (make abort, else the API's routes)", _command)
    k6: str = flag("K6", "k6 script whose load replaces the experiment's own")
    pods: int = flag("K6_PODS", "play the k6 script in so many pods of the cluster in the target's [load]", _pods, 0)
    note: str = flag("NOTE", "a note for the evidence", _words)
    tested: str = flag("TESTED", "what is tested: an image NAME@sha256:DIGEST, a commit REPO@HASH (a,b)", _tested)
    json: bool = flag("BLACKSTART_JSON", "the result as JSON, the last line of standard output", _switch, False)
    webhook: str = flag("BLACKSTART_WEBHOOK", "URL that is told of what broke or is not restored", _webhook)
    quiet: bool = flag("BLACKSTART_QUIET", "print the verdict and how things stand, and no more", _switch, False)
    verbose: bool = flag("BLACKSTART_VERBOSE", "print what is read, too, while the run goes on", _switch, False)
    given: frozenset[str] = frozenset()
    typed: frozenset[str] = frozenset()

    def called(self, name: str) -> str:
        """How this flag was given: by its option's name or its variable's."""
        return f"--{option_name(name)}" if name in self.typed else self.variable(name)

    def variable(self, name: str) -> str:
        """The environment variable of this flag."""
        return str(next(item.metadata["env"] for item in fields(self) if item.name == name))

    @property
    def left_out(self) -> tuple[str, ...]:
        """The names in `without`."""
        return tuple(self.without.split(",")) if self.without else ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The names in `allow`."""
        return tuple(self.allow.split(",")) if self.allow else ()


def read(options: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Flags:
    """The flags in options (None or False: not given) and environment. Raises BadFlag by name, and shows no secret."""
    environ = os.environ if environ is None else environ
    options = options or {}
    values: dict[str, Any] = {}
    typed: set[str] = set()
    for item in fields(Flags):
        if not item.metadata:
            continue
        env = item.metadata["env"]
        given = options.get(item.name.removesuffix("_s"))
        if given is None or given is False:
            text, name = environ.get(env, ""), env
        else:
            text, name = "1" if given is True else str(given), f"--{option_name(item.name)}"
        if text == "" and name == env:
            continue
        if not text.strip() and name != env:
            raise BadFlag(f"{name}={text!r}: is empty; give it a value, or leave it out")
        values[item.name] = _parse(item.metadata["parse"], text, name)
        if name != env:
            typed.add(item.name)
    flags = Flags(**values, given=frozenset(values), typed=frozenset(typed))
    if flags.hold_s >= flags.total_max_s:
        raise BadFlag(
            f"HOLD={flags.hold_s:g} s: the run ends after TOTAL_MAX={flags.total_max_s:g} s; hold for less, or raise it"
        )
    return flags


def wants_json(options: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> bool:
    """Whether the result is wanted as JSON, also where the flags can't be read: that is a result, too."""
    try:
        asked = _switch((os.environ if environ is None else environ).get("BLACKSTART_JSON", ""))
    except ValueError:
        asked = False
    return asked or bool(options.get("json"))


def _parse(parse: Callable[[str], Any], text: str, name: str) -> Any:
    try:
        return parse(_as_utf8(text, parse is _words))
    except ValueError as error:
        # Nobody knows which part of a text that can't be read is a secret: what is to be short words alone is quoted.
        value = f"={text!r}" if parse in (_switch, _verdicts, _duration, _count) else ""
        raise BadFlag(f"{name}{value}: {error}") from None


def _as_utf8(text: str, whatever_the_locale: bool) -> str:
    """What the shell gave in another encoding can be written into no journal, and no name of a file or lock. Where the
    locale is none of UTF-8 and the text is, it is read as that, but for what a file or a lock is named by here."""
    try:
        read_so = text.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        raise ValueError("must be UTF-8") from None
    if read_so != text and not whatever_the_locale:
        raise ValueError("has characters that the locale here does not have; it would with LC_ALL=C.UTF-8")
    return read_so


def option_name(field_name: str) -> str:
    """`wait-ready-timeout` for the field `wait_ready_timeout_s`: units belong to the code, not to the command line."""
    return field_name.removesuffix("_s").replace("_", "-")


def secrets_of_run(target: "Target", given: Flags) -> dict[str, str]:
    """Every secret that a run is told, by the reference that leads to it again (see `secret_places`)."""
    from blackstart.base.secrets.places import in_flags  # noqa: PLC0415

    texts = {item.metadata["env"]: str(getattr(given, item.name)) for item in fields(given) if item.name in given.given}
    return {**target.secrets, **in_flags(texts)}
