"""The embedded proxy as a process of its own: started in the foreground or detached, ended, looked at."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from blackstart.base import writer
from blackstart.base.errors import EXIT_INCONCLUSIVE, Refused, StepFailed
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import invoke, state_dir
from blackstart.base.urls import http
from blackstart.base.urls.parts import shown
from blackstart.commands.answer import answering
from blackstart.proxy.client import DEFAULT_URL, ProxyInfo, ProxyProblem, ProxyUnreachable, ToxiproxyClient
from blackstart.safety.processes.identity import Process, boot_id, started

START_WITHIN_S = 20.0
END_WITHIN_S = 10.0
_LAST_PORT = 65535


@dataclass(frozen=True)
class Detached:
    """A proxy that was started with `--detach`: where its API is, and which process it is."""

    url: str
    pid: int
    started: str
    boot: str
    log: str
    warning: str = ""

    def alive(self) -> bool:
        """Whether exactly that process still runs."""
        return Process(self.boot, self.pid, self.started).alive()


def argv(host: str, port: int, config: str, seed: str, allow_hosts: Sequence[str] = ()) -> list[str]:
    """The command line of the proxy's process."""
    line = [sys.executable, "-m", "blackstart.proxy", "--host", host, "--port", str(port)]
    line += [f"--allow-host={name}" for name in allow_hosts]
    return line + (["--config", config] if config else []) + (["--seed", seed] if seed else [])


def _port(text: str) -> int:
    """The port that is meant. Refused for what is none: a number above 65535 would be another one to the kernel."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= _LAST_PORT):
        raise Refused(f"--port={text!r}: must be a number from 0 (a free one) to {_LAST_PORT}")
    return int(text)


@answering()
def up(_: Redactor, host: str, port: str, config: str, seed: str, detach: bool, allow_hosts: Sequence[str] = ()) -> int:
    """`proxy.up`: become the proxy, or start it detached. Returns an exit code: 0, or 40 where it can't start."""
    number = _port(port)
    if not detach:
        sys.stdout.flush()
        os.execv(sys.executable, argv(host, number, config, seed, allow_hosts))
    made = start(host, number, config, seed, allow_hosts)
    if made.warning:
        writer.line(made.warning)
    writer.line(f"Proxy up: {made.url}, pid {made.pid}, log {made.log}. Ends with `{invoke()} proxy.down`.")
    return 0


def start(host: str, port: int, config: str = "", seed: str = "", allow_hosts: Sequence[str] = ()) -> Detached:
    """Start a detached proxy and wait until its API listens. Refused says why it does not."""
    folder = _folder()
    log = folder / f"{port or f'any-{os.getpid()}-{time.monotonic_ns()}'}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv(host, port, config, seed, allow_hosts),
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    listens = re.compile(r"Proxy API listens on (\S+)")
    _until(lambda: process.poll() is not None or bool(listens.search(log.read_text("utf-8"))), START_WITHIN_S)
    text = log.read_text("utf-8")
    found = listens.search(text)
    if process.poll() is not None or found is None:
        process.kill()
        process.wait(END_WITHIN_S)
        why = text.strip().splitlines()[-1:] or [f"the proxy said nothing within {START_WITHIN_S:g} s"]
        raise Refused(why[0].removeprefix("Not started: "))
    warned = re.search(r"WARNING: .*", text)
    warning = warned[0] if warned else ""
    made = Detached(found[1], process.pid, started(process.pid) or "", boot_id(), str(log), warning)
    (folder / f"{process.pid}.json").write_text(json.dumps(asdict(made)), "utf-8")
    return made


def running() -> list[Detached]:
    """The detached proxies of this state folder that are alive; records of dead ones are removed."""
    found: list[Detached] = []
    for record in sorted(_folder().glob("*.json")):
        one = Detached(**json.loads(record.read_text("utf-8")))
        if one.alive():
            found.append(one)
        else:
            record.unlink(missing_ok=True)
    return found


def stop(one: Detached) -> None:
    """End that process, by force if it has to be. StepFailed where it stays all the same."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if one.alive():
            os.kill(one.pid, number)
            _until(lambda: not one.alive(), END_WITHIN_S)
    if one.alive():
        raise StepFailed(f"the proxy at {one.url} (pid {one.pid}) does not end; see {one.log}")
    (_folder() / f"{one.pid}.json").unlink(missing_ok=True)


@answering(starts=False)
def down(_: Redactor, port: str) -> int:
    """`proxy.down`: end the detached proxy of that port, or with 0 all of them. Returns an exit code."""
    number = _port(port)
    ours = [one for one in running() if number in (0, int(one.url.rpartition(":")[2]))]
    for one in ours:
        stop(one)
        writer.line(f"Proxy down: {one.url}")
    if not ours:
        writer.line("No detached proxy is up" + (f" on port {number}." if number else "."))
    return 0


@answering(starts=False)
def status(_: Redactor, url: str) -> int:
    """`proxy.status`: what a proxy server has, ours or Toxiproxy's: that of the URL, else the detached, else 8474's.

    Returns an exit code: 0; 40 for a URL that is none; 30 where the one of the URL, or a detached one, tells nothing.
    That nobody listens at 8474 where nothing was named or started is an answer, too.
    """
    if url and not _is_url(url):
        raise Refused(f"--url={shown(url)!r}: must be a URL such as {DEFAULT_URL}")
    expected = [url] if url else [proxy.url for proxy in running()]
    silent = 0
    for one in expected or [DEFAULT_URL]:
        client = ToxiproxyClient(one)
        try:
            version, proxies = client.version(), client.proxies()
        except ProxyUnreachable:
            writer.line(f"{one}: no proxy answers. Start one with `{invoke()} proxy.up`.")
            silent += bool(expected)
            continue
        except ProxyProblem as problem:
            writer.line(str(problem))
            silent += 1
            continue
        writer.line(f"{one}: up, API version {version}, proxies: {len(proxies)}")
        for info in proxies.values():
            _show(info)
    return EXIT_INCONCLUSIVE if silent else 0


def _is_url(text: str) -> bool:
    """`http://localhost:8474`, or `localhost:8474` as Toxiproxy's own client takes it."""
    whole = text if "://" in text else f"http://{text}"
    try:
        http.read(whole)
    except ValueError:
        return False
    return "://" in text or re.search(r":[0-9]+/?$", text) is not None


def _show(info: ProxyInfo) -> None:
    writer.line(f"  {info.name}: {info.listen} -> {info.upstream}, {'enabled' if info.enabled else 'disabled'}")
    for toxic in info.toxics:
        told = ", ".join(f"{name} {value}" for name, value in toxic.attributes.items())
        lease = f", lease {dict(toxic.lease)}" if toxic.lease else ""
        writer.line(
            f"    {toxic.name}: {toxic.type} {toxic.stream}, toxicity {toxic.toxicity:g}, {told or 'as is'}{lease}"
        )


def _folder() -> Path:
    folder = state_dir() / "proxies"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _until(fact: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.02)
