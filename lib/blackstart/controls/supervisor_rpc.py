"""Questions to a supervisord of this machine over its own API.

supervisorctl takes 0.2 s to start, so what is read many times a second is asked here; supervisor's own client has no
time limits, hence this small one on the standard library's XML-RPC.
"""

import base64
import configparser
import glob
import http.client
import os
import socket
import xmlrpc.client
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.parsers.expat import ExpatError

from blackstart.base.errors import BadTarget, StepFailed, StepTimedOut
from blackstart.base.sockets import Deadline, NoAnswer, connect
from blackstart.model.protocols import read_http

_SHARED_BYTES = 64 * 1024


@dataclass(frozen=True)
class Settings:
    """What one supervisord.conf says: where it listens, who may ask, and which programs are revived."""

    url: str
    username: str
    password: str
    revived: dict[str, bool]


def read_settings(config: str) -> Settings:
    """The settings in a configuration file with what it includes. Raises BadTarget where it can't be used."""
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
    try:
        with open(config, encoding="utf-8-sig") as file:
            parser.read_file(file)
        for pattern in _expanded(parser.get("include", "files", fallback=""), config).split():
            parser.read(sorted(glob.glob(os.path.join(os.path.dirname(config), pattern))), encoding="utf-8-sig")
    except (OSError, configparser.Error, UnicodeDecodeError) as error:
        raise BadTarget(f"supervisor's configuration {config} can't be read: {error}") from error
    if not parser.has_section("supervisorctl"):
        raise BadTarget(f"supervisor's configuration {config} has no [supervisorctl] section to say where it listens")

    def said(option: str, otherwise: str) -> str:
        return _expanded(parser.get("supervisorctl", option, fallback=otherwise), config).strip()

    # autorestart defaults to `unexpected`, which revives what a signal has ended.
    revived = {
        name.partition(":")[2]: parser.get(name, "autorestart", fallback="unexpected").strip().lower() != "false"
        for name in parser.sections()
        if name.startswith("program:")
    }
    return Settings(said("serverurl", "http://localhost:9001"), said("username", ""), said("password", ""), revived)


def remembered_settings(config: str) -> Settings:
    """As `read_settings`, and read again only where the file has changed: for what is asked many times a second."""
    try:
        seen = os.stat(config)
    except OSError:
        return read_settings(config)
    return _settings(config, (seen.st_mtime_ns, seen.st_size, seen.st_ino))


@lru_cache(maxsize=8)
def _settings(config: str, mark: tuple[int, ...]) -> Settings:
    return read_settings(config)


def ask(settings: Settings, method: str, *words: str, timeout_s: float = 5.0) -> Any:
    """What supervisord answers to `supervisor.METHOD(words)`. Raises xmlrpc's Fault, StepFailed, StepTimedOut.

    What it gives may be shared with other askers, and is only to be read.
    """
    try:
        answer, body = _exchange(settings, method, words, Deadline(timeout_s))
    except NoAnswer as failure:
        if failure.kind == "timed_out":
            raise StepTimedOut(f"supervisord at {settings.url} did not answer within {timeout_s:g} s") from failure
        raise StepFailed(f"supervisord at {settings.url} does not answer: {failure.note}. Is it running?") from failure
    except http.client.HTTPException as error:
        raise StepFailed(f"what answers at {settings.url} is no supervisord: {str(error).strip()}") from error
    if answer.status != 200:
        raise StepFailed(f"supervisord at {settings.url} answered {answer.status} {answer.reason}")
    try:
        return _understood(body) if len(body) <= _SHARED_BYTES else xmlrpc.client.loads(body.decode())[0][0]
    except (ExpatError, xmlrpc.client.ResponseError, ValueError, IndexError) as error:
        raise StepFailed(f"what supervisord at {settings.url} answered can't be read: {error}") from error


@lru_cache(maxsize=32)
def _understood(body: bytes) -> Any:
    # supervisord's clock has seconds: fifty looks in one of them get the same words.
    return xmlrpc.client.loads(body.decode())[0][0]


def _exchange(
    settings: Settings, method: str, words: tuple[str, ...], deadline: Deadline
) -> tuple[http.client.HTTPResponse, bytes]:
    headers = {"Content-Type": "text/xml"}
    if settings.username:
        token = base64.b64encode(f"{settings.username}:{settings.password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    parts: list[bytes] = []
    with _connected(settings.url, deadline) as sock:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = sock
        try:
            connection.request("POST", "/RPC2", xmlrpc.client.dumps(words, f"supervisor.{method}").encode(), headers)
            answer = connection.getresponse()
            while not answer.isclosed():
                sock.settimeout(deadline.left_s())
                parts.append(answer.read1(_SHARED_BYTES))
                if not parts[-1]:
                    break
        except http.client.HTTPException:
            raise
        except TimeoutError as error:
            raise deadline.passed() from error
        except OSError as error:
            raise NoAnswer("unreachable", error.strerror or str(error)) from error
    return answer, b"".join(parts)


def _connected(url: str, deadline: Deadline) -> socket.socket:
    if not url.startswith("unix://"):
        place = read_http(url, "the serverurl of supervisor").place
        return connect(place.host, place.port, deadline)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(deadline.left_s())
        sock.connect(os.path.expanduser(url.removeprefix("unix://")))
    except TimeoutError as error:
        sock.close()
        raise deadline.passed() from error
    except OSError as error:
        sock.close()
        raise NoAnswer("unreachable", error.strerror or str(error)) from error
    return sock


def _expanded(text: str, config: str) -> str:
    text = text.replace("%(here)s", os.path.dirname(config))
    for name, value in os.environ.items():
        text = text.replace(f"%(ENV_{name})s", value)
    return text
