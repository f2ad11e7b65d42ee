"""Let a service's clock go wrong: it takes another time for now than everybody else."""

import zlib
from dataclasses import replace
from pathlib import Path

from blackstart.base.codec import plain
from blackstart.base.errors import NotAvailable, Refused
from blackstart.controls import process_tree
from blackstart.controls.steps.local import run
from blackstart.faults._service import ServiceUnderTest, service_under_test
from blackstart.faults._stress import local_pid
from blackstart.model import protocols
from blackstart.model.change import Change
from blackstart.model.reading import Probe
from blackstart.model.step import Command, Step
from blackstart.model.target import Target
from blackstart.probes.clock_offset import ClockOffset, HttpDate
from blackstart.probes.read import read_once
from blackstart.probes.redis_value import RedisCommand
from blackstart.probes.sql import SqlScalar

_LEAST_S = 5.0  # HTTP tells whole seconds, and many a server a second late
_READ_WITHIN_S = 3.0
_FILE = "FAKETIME_TIMESTAMP_FILE"
_MARK = "BLACKSTART_CLOCK_SKEW"
_PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")
_WRITE = 'printf "%s\\n" "$2" >"$1"'
_WRITE_BACK = 'printf "%s" "$2" >"$1"'
_MAY_WRITE = (
    'if [ -e "$1" ]; then [ -w "$1" ]; else [ -w "${1%/*}" ]; fi || { echo "$1 may not be written" >&2; exit 77; }'
)
# Only what was started with our mark is stopped: on a healthy system nothing is. It is found by that mark alone: a
# program that hangs under the library may never come so far that its control knows of it.
_STOP_SKEWED = (
    "mark=$1; signal=$2; every=; for one in /proc/[0-9]*/environ; do "
    '{ tr "\\0" "\\n" <"$one"; } 2>/dev/null | grep -qxF "$mark" || continue; one=${one#/proc/}; one=${one%/environ}; '
    'set -- $(look "$one") && every="$every $one:$3"; done; '
    'for one in $every; do signal "$signal" "$one" || exit 1; done; left=200; '
    'for one in $every; do while is "$one"; do left=$((left - 1)); [ $left -gt 0 ] || signal KILL "$one"; '
    "sleep 0.05 2>/dev/null || sleep 1; done; "
    # The library's own, by process: it takes them away at an orderly exit only.
    'rm -f "/dev/shm/faketime_shm_${one%%:*}" "/dev/shm/sem.faketime_sem_${one%%:*}"; done'
)
_STOP_TIMEOUT_S = 60.0
# Allocators that ask the time before the library is ready for it: the program hangs.
_CLASH = "jemalloc"


@plain("fault.clock_skew")
class ClockSkew:
    """The service's clock is `offset_s` seconds ahead (below 0: behind), by libfaketime. It bites when the service
    tells such a time itself: in the `Date` of HTTP, in Redis's INFO, in a query of PostgreSQL.

    A service that was started with libfaketime and FAKETIME_TIMESTAMP_FILE is told through that file, and goes on. One
    that is a process with a `start` of its own is started again with it, and again without it by the undo.
    """

    service: str
    offset_s: float

    def __post_init__(self) -> None:
        if abs(self.offset_s) < _LEAST_S:
            raise ValueError(
                f"offset_s must be at least {_LEAST_S:g} s, ahead or behind, to be seen: {self.offset_s:g}"
            )

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service's clock can't be set, or not be seen."""
        tested = service_under_test(target, self.service)
        tested.refuse_by_hand("how its process was started can't be seen")
        clock = self._clock(tested, target)
        environment = _environment(tested)
        if "libfaketime" in environment.get("LD_PRELOAD", "") and environment.get(_FILE):
            do, undo, rights = self._through_file(tested, environment[_FILE])
        else:
            do, undo, rights = self._started_again(tested, target)
        half = self.offset_s / 2
        bites, back = (
            (clock.at_least(half), clock.below(half)) if half > 0 else (clock.at_most(half), clock.above(half))
        )
        made = tested.change(self.describe(), do, undo, (bites,), rights)
        return (replace(made, gone=(*made.gone, back)),)

    def _through_file(self, tested: ServiceUnderTest, file: str) -> tuple[tuple[Step, ...], ...]:
        def there(*argv: str) -> Command:
            try:
                return tested.control.inside(argv)
            except NotAvailable:  # it lives where we do
                return Command(argv)

        told = run(there("cat", file))
        had = told.stdout if told.ok else None
        write = there("sh", "-c", _WRITE, "set clock", file, f"{self.offset_s:+g}")
        back = there("rm", "-f", file) if had is None else there("sh", "-c", _WRITE_BACK, "set clock back", file, had)
        may = there("sh", "-c", _MAY_WRITE, "may set clock", file)
        return (write,), (back, *tested.control.start()), (may,)

    def _started_again(self, tested: ServiceUnderTest, target: Target) -> tuple[tuple[Step, ...], ...]:
        control = tested.control
        try:
            control.with_environment({})
            signal = control.orderly_signal()
        except NotAvailable as lacking:
            raise Refused(
                f"{self.service} was not started with libfaketime, and {lacking.args[0]}. "
                f"Start it with LD_PRELOAD=libfaketime.so.1 and {_FILE}=/path/of/a/file"
            ) from None
        tested.refuse_lost(target)
        if _CLASH in _read(tested, "maps"):
            raise Refused(f"{self.service} has {_CLASH}, under which libfaketime lets a program hang")
        mark = f"{target.name}/{self.service}/{zlib.crc32(control.lock_name().encode()):08x}"
        faked = {
            "LD_PRELOAD": str(library()), "FAKETIME": f"{self.offset_s:+g}", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1", _MARK: mark,
        }  # fmt: skip
        words = ("stop skewed", f"{_MARK}={mark}", signal)
        unskew = Command(("sh", "-c", process_tree.script(_STOP_SKEWED), *words), timeout_s=_STOP_TIMEOUT_S)
        return (*control.stop(), *control.with_environment(faked).start()), (unskew, *control.start()), ()

    def _clock(self, tested: ServiceUnderTest, target: Target) -> ClockOffset:
        name, service = f"{self.service}_clock_ahead_s", tested.service
        speaks, per_s = protocols.spoken_by(service), 1.0
        of: Probe | None = None
        if speaks == "http":
            scheme = "https" if service.url.startswith("https") else "http"
            of = HttpDate(f"{scheme}://{service.address}/", name)
        elif speaks == "redis":
            of, per_s = RedisCommand(("INFO", "server"), self.service, "server_time_usec"), 1e6
        elif speaks == "postgres":
            of = SqlScalar("select extract(epoch from clock_timestamp())::float8", self.service, name=name)
        if of is None:
            raise Refused(f"nobody could see the clock of {self.service}: it speaks neither HTTP, Redis nor PostgreSQL")
        clock = ClockOffset(of.bind(target), name, per_s)
        seen = read_once(clock, _READ_WITHIN_S)
        if seen.number is None or abs(seen.number) >= _LEAST_S / 2:
            raise Refused(f"the clock of {self.service} does not agree with ours to begin with: {seen}")
        return clock

    def describe(self) -> str:
        """As in "set the clock of api 3600 s ahead"."""
        return f"set the clock of {self.service} {abs(self.offset_s):g} s {'ahead' if self.offset_s > 0 else 'back'}"


def library() -> Path:
    """libfaketime's own file; the one for programs with threads, where there is one. Raises Refused."""
    for place in _PLACES:
        for name in ("libfaketimeMT.so.1", "libfaketime.so.1"):
            if found := next(Path("/").glob(f"{place}/{name}".lstrip("/")), None):
                return found
    raise Refused("there is no libfaketime on this machine; install it (libfaketime)")


def _environment(tested: ServiceUnderTest) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in _read(tested, "environ").split("\0") if line)


def _read(tested: ServiceUnderTest, what: str) -> str:
    try:
        return Path(f"/proc/{local_pid(tested)}/{what}").read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise Refused(f"how {tested.service.name} was started can't be seen: {error}") from error
