"""Questions to a supervisord of this machine over its own API.

supervisorctl takes 0.2 s to start, so what is read many times a second is asked here; supervisor's own client has no
time limits, hence this small one on the standard library's XML-RPC.
"""

from __future__ import annotations

import base64
import configparser
import glob
import http.client
import os
import socket
import xmlrpc.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from blackstart.errors import BadTarget, StepFailed, StepTimedOut


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
        with open(config, encoding="utf-8") as file:
            parser.read_file(file)
        for pattern in _expanded(parser.get("include", "files", fallback=""), config).split():
            parser.read(sorted(glob.glob(os.path.join(os.path.dirname(config), pattern))))
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


def ask(settings: Settings, method: str, *words: str, timeout_s: float = 5.0) -> Any:
    """What supervisord answers to `supervisor.METHOD(words)`. Raises xmlrpc's Fault, StepFailed, StepTimedOut."""
    request = xmlrpc.client.dumps(words, f"supervisor.{method}").encode()
    headers = {"Content-Type": "text/xml"}
    if settings.username:
        token = base64.b64encode(f"{settings.username}:{settings.password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    connection = _connection(settings.url, timeout_s)
    try:
        connection.request("POST", "/RPC2", request, headers)
        answer = connection.getresponse()
        body = answer.read()
    except TimeoutError as error:
        raise StepTimedOut(f"supervisord at {settings.url} did not answer within {timeout_s:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise StepFailed(f"supervisord at {settings.url} does not answer: {error}. Is it running?") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise StepFailed(f"supervisord at {settings.url} answered {answer.status} {answer.reason}")
    return xmlrpc.client.loads(body)[0][0]


def _expanded(text: str, config: str) -> str:
    text = text.replace("%(here)s", os.path.dirname(config))
    for name, value in os.environ.items():
        text = text.replace(f"%(ENV_{name})s", value)
    return text


def _connection(url: str, timeout_s: float) -> http.client.HTTPConnection:
    if url.startswith("unix://"):
        return _UnixConnection(os.path.expanduser(url.removeprefix("unix://")), timeout_s)
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "localhost", parts.port or 80, timeout=timeout_s)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
