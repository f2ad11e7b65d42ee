"""The freeze switch: while it is set, nobody breaks anything on purpose. What is broken is mended all the same.

Two switches are looked at: the machine's own, which `chaos.freeze` sets for all of its users, and the one that
`BLACKSTART_FREEZE` names, which many machines and CI jobs can share:

    /path/to/file                                  set while the file is there; its text is the reason
    https://host/path                              set as its answer says (`_told_by`)
    prometheus+http://host:9090/?alert=NAME        set while that alert fires

One that can't be read may be set. It refuses, too, unless BLACKSTART_FREEZE_UNREADABLE=go.
"""

import contextlib
import json
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from blackstart.base import clock, operator, trust
from blackstart.base.errors import BadFlag, Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import invoke
from blackstart.safety.preflight import service_lock

NAMED, UNREADABLE = "BLACKSTART_FREEZE", "BLACKSTART_FREEZE_UNREADABLE"
LOOKS_EVERY_S = 2.0
_ANSWERS_WITHIN_S = 5.0
_LONGEST_TEXT = 65536
_PROMETHEUS = ("prometheus+http", "prometheus+https")
_SCHEMES = ("http", "https", *_PROMETHEUS)


class Unreadable(Refused):
    """Nobody can tell whether a switch is set."""


@dataclass(frozen=True)
class Frozen:
    """A switch that is set. `since` is UTC, as the switch tells it; "" where it does not."""

    switch: str
    reason: str = ""
    by: str = ""
    since: str = ""

    @property
    def whose(self) -> str:
        """Who set it, where that is known, and which it is."""
        return ", ".join(filter(None, (self.by, self.switch)))

    def __str__(self) -> str:
        who = f", set by {self.by}" if self.by else ""
        since = f" since {self.since}" if self.since else ""
        return f"frozen by {self.switch}{who}{since}: {self.reason or 'no reason was given'}"


def refuse(environ: Mapping[str, str]) -> None:
    """Raise Refused where a switch is set, with its name, its reason, who set it, since when, and what to do."""
    frozen = look(environ)
    if frozen:
        raise Refused(f"{frozen}. Wait until it is lifted, or ask who set it; {_lifted(frozen.switch)}")


def look(environ: Mapping[str, str]) -> Frozen | None:
    """The first switch that is set. Raises Unreadable where one can't be read, and BLACKSTART_FREEZE_UNREADABLE does
    not say `go`; BadFlag where what names it can't be meant."""
    may_go = _may_go(environ)
    for switch in switches(environ):
        try:
            if frozen := _look_at(switch):
                return frozen
        except Unreadable:
            if not may_go:
                raise
    return None


def switches(environ: Mapping[str, str]) -> Iterator[str]:
    """Where to look, the machine's own first. Raises BadFlag."""
    yield str(machines_own())
    named = environ.get(NAMED, "").strip()
    scheme = named.partition("://")[0] if "://" in named else ""
    if scheme and scheme not in _SCHEMES:
        raise BadFlag(f"{NAMED}: nobody knows {scheme}://; name a file, or {', '.join(f'{s}://' for s in _SCHEMES)}")
    if scheme in _PROMETHEUS and not _alert(named):
        raise BadFlag(f"{NAMED}: which alert? Name it, as in {scheme}://host:9090/?alert=NAME")
    if named:
        yield named if scheme else str(Path(named).expanduser().absolute())


def machines_own() -> Path:
    """The switch of this machine: beside the locks that all of its users see."""
    return service_lock.lock_dir() / "freeze.json"


def freeze(reason: str, by: str, environ: Mapping[str, str]) -> Path:
    """Set the switch that is a file: the named one, else the machine's own. Raises Refused, also where it is set."""
    path = _files(environ)[-1]
    if frozen := _of_file(path):
        raise Refused(f"already {frozen}. {invoke()} chaos.thaw lifts it")
    told = {"reason": reason, "by": by or operator.name(), "since": clock.utc_iso()}
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except OSError as error:
        raise Refused(f"the switch {path} can't be set: {error.strerror}. Name another file in {NAMED}.") from error
    # Set from this moment, also for whoever looks before it says why, and if we are killed before that.
    with open(handle, "wb", buffering=0) as file:
        try:
            os.fchmod(handle, 0o644)  # whatever the umask: everybody must be able to read why
            file.write(f"{json.dumps(told, ensure_ascii=False)}\n".encode("utf-8", "replace"))
        except OSError as error:
            raise Refused(f"the switch {path} is set, and does not say why: {error.strerror}") from error
    return path


def thaw(environ: Mapping[str, str]) -> list[Frozen]:
    """Lift every switch that is a file; returns what was lifted. Raises Refused where one can't be."""
    lifted = [frozen for path in _files(environ) if (frozen := _of_file(path))]
    for frozen in lifted:
        try:
            Path(frozen.switch).unlink()
        except OSError as error:
            raise Refused(
                f"still {frozen}. It can't be removed ({error.strerror}): {_owner(Path(frozen.switch))} or root can"
            ) from error
    return lifted


class Watch:
    """Looks at the switches while a run goes on, so that one that is set meanwhile ends its fault.

    One that can't be read ends nothing: the run began when it could be.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.frozen: Frozen | None = None
        self._environ, self._over = environ, threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="freeze", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _look_on(self) -> None:
        while self.frozen is None and not self._over.is_set():
            with contextlib.suppress(Refused):
                self.frozen = look(self._environ)
            self._over.wait(LOOKS_EVERY_S)


# ---------------------------------------------------------------- one switch


def _look_at(switch: str) -> Frozen | None:
    if switch.startswith(_PROMETHEUS):
        return _of_alert(switch)
    return _of_url(switch) if "://" in switch else _of_file(Path(switch))


def _of_file(path: Path) -> Frozen | None:
    """Set while the file is there, whoever put it there and whatever it says."""
    # Anybody may add to the folder of the machine's own: a link there would have us print what only we may read.
    anybodys = path == machines_own()
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if anybodys else 0))
    except FileNotFoundError as error:
        if path.parent.is_dir() and not path.is_symlink():
            return None
        raise _unread(str(path), f"{path.parent} is not there") from error
    except OSError as error:
        why = "it is a link, which may be anybody's" if anybodys and path.is_symlink() else error.strerror
        raise _unread(str(path), why) from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise _unread(str(path), "it is no file")
        if anybodys and found.st_nlink > 1:
            raise _unread(str(path), "it is a file that has another name, too")
        text = os.read(handle, _LONGEST_TEXT).decode("utf-8", "replace").strip()
    finally:
        os.close(handle)
    since = clock.utc_iso(datetime.fromtimestamp(found.st_mtime, UTC))
    told = _object(text) or {"reason": text}
    return _frozen(str(path), {"by": _owner(path), "since": since, **told})


def _of_url(url: str) -> Frozen | None:
    """`{"frozen": true, "reason": …, "by": …, "since": …}`, or a text that begins with `frozen` or `thawed`."""
    text = _get(url, url)
    told = _object(text)
    if told is not None and isinstance(told.get("frozen"), bool):
        return _frozen(url, told) if told["frozen"] else None
    word, _, reason = text.partition("\n")[0].partition(":")
    if word.strip().lower() == "frozen":
        return _frozen(url, {"reason": reason.strip()})
    if word.strip().lower() == "thawed":
        return None
    raise _unread(url, 'it says neither {"frozen": true} nor {"frozen": false}, nor frozen or thawed')


def _of_alert(switch: str) -> Frozen | None:
    """By Prometheus' own rules, so that an alert that nobody has defined is told from one that does not fire."""
    name, parts = _alert(switch), urlsplit(switch)
    base = f"{parts.scheme.removeprefix('prometheus+')}://{parts.netloc}{parts.path.rstrip('/')}"
    told = _object(_get(switch, f"{base}/api/v1/rules?type=alert")) or {}
    try:
        rules = [rule for group in told["data"]["groups"] for rule in group["rules"] if rule["name"] == name]
        firing = [alert for rule in rules for alert in rule["alerts"] if alert["state"] == "firing"]
        health = {str(rule["health"]) for rule in rules}
    except (KeyError, TypeError) as error:
        raise _unread(switch, "that is no answer of Prometheus") from error
    if firing:
        notes = firing[0].get("annotations") or {}
        reason = notes.get("summary") or notes.get("description") or f"the alert {name} fires"
        return _frozen(switch, {"reason": reason, "by": "Prometheus", "since": firing[0].get("activeAt", "")})
    if health != {"ok"}:
        why = f"its rule's health is {', '.join(sorted(health))}" if rules else "no rule has that name"
        raise _unread(switch, f"whether the alert {name} fires can't be told: {why}")
    return None


def _get(switch: str, url: str) -> str:
    """The answer's body, read to a limit. Raises Unreadable."""
    import requests  # noqa: PLC0415  (most machines name no URL)

    try:
        with trust.session(url) as session, session.get(url, timeout=_ANSWERS_WITHIN_S, stream=True) as answer:
            body = b"".join(_limited(answer.iter_content(_LONGEST_TEXT), 64 * _LONGEST_TEXT))
    except (requests.RequestException, OSError, ValueError) as error:
        raise _unread(switch, type(error).__name__) from error
    if answer.status_code != 200:
        raise _unread(switch, f"it answers {answer.status_code}")
    return body.decode("utf-8", "replace").strip()


def _limited(parts: Iterator[bytes], most: int) -> Iterator[bytes]:
    until_s = clock.now_s() + _ANSWERS_WITHIN_S
    for part in parts:
        most -= len(part)
        if most < 0 or clock.now_s() > until_s:
            raise ValueError("more than is taken")
        yield part


def _frozen(switch: str, told: Mapping[str, Any]) -> Frozen:
    return Frozen(Redactor()(switch), *(str(told.get(word) or "") for word in ("reason", "by", "since")))


def _unread(switch: str, why: str | None) -> Unreadable:
    told = f"whether {Redactor()(switch)} freezes all drills can't be read: {why}"
    return Unreadable(f"{told}. Mend that, or go on all the same with {UNREADABLE}=go")


# ---------------------------------------------------------------- what names it


def _files(environ: Mapping[str, str]) -> list[Path]:
    return [Path(switch) for switch in switches(environ) if "://" not in switch]


def _may_go(environ: Mapping[str, str]) -> bool:
    said = environ.get(UNREADABLE, "").strip() or "refuse"
    if said not in ("refuse", "go"):
        raise BadFlag(f"{UNREADABLE}={said!r}: must be refuse or go")
    return said == "go"


def _alert(url: str) -> str:
    return next(iter(parse_qs(urlsplit(url).query).get("alert", [])), "")


def _lifted(switch: str) -> str:
    return f"lift it with {invoke()} chaos.thaw" if "://" not in switch else "it is lifted where it is kept"


def _object(text: str) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, RecursionError):
        made = json.loads(text)
        return made if isinstance(made, dict) else None
    return None


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (OSError, KeyError):
        return "its owner"
