"""HEAL.sh: the undo of a run as plain shell, for when our Python does not work.

It holds no secret. What an undo needs is looked up where the target has it, or taken from a variable that the script
names: a variable of the environment by the shell alone, a place in a target file by whatever Python 3.11 there is.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from blackstart.base import trust
from blackstart.base.codec import from_data, to_data
from blackstart.base.printable import one_line
from blackstart.base.secrets import references
from blackstart.base.secrets.placeholders import SecretPlaceholders, marks, masked
from blackstart.controls.steps.shell import held, to_shell
from blackstart.model.change import Change
from blackstart.model.step import Ask, Command, HttpCall, Step
from blackstart.safety.processes.identity import BOOT_FILE, Process, myself

# A start that is asked for while a stop is still under way can fail, or be lost: what failed is tried again, and all
# of it is done twice.
_HEAD = """#!/bin/sh
# Undoes what the run {run} did. Safe to run at any time, and more than once.
{elsewhere}failed=0
turn=1
# What a step says is shown at its first try, and at the very last one: the same words ten times help nobody.
undo() {{
  tries=1
  until attempt "$@"; do
    [ "$tries" -lt 5 ] || {{ failed=1; echo "failed ×$tries in $(($(date +%s) - began)) s" >&2; return 0; }}
    tries=$((tries + 1))
    sleep 1
  done
}}
attempt() {{
  [ "$tries" -gt 1 ] || began=$(date +%s)
  case $turn$tries in 11|25) said=$(mktemp -d) ;; *) false ;; esac || {{ "$@" >/dev/null 2>&1; return; }}
  # Into files: what a step has started may hold a pipe open for ever.
  "$@" >"$said/out" 2>"$said/err"
  code=$?
  harmless <"$said/out"
  harmless <"$said/err" >&2
  rm -r "$said"
  return "$code"
}}
# Nothing that a step says steers a terminal or a CI server. Not every sed knows \\302, so that printf makes the bytes:
# UTF-8's C1, its tags, and what turns, hides or ends a line unseen (U+061C, U+200B to U+200F, U+2028 to U+206F). Other
# blanks become plain ones first: a CI server skips them all at a line's beginning (U+00A0, U+1680, U+2000 to U+200A,
# U+202F, U+205F, U+3000).
harmless() {{
  LC_ALL=C tr -d '\\000-\\010\\013-\\037\\177' |
    LC_ALL=C sed -e "$(printf 's/\\302\\240/ /g; s/\\341\\232\\200/ /g; s/\\342\\200[\\200-\\212\\257]/ /g')" \\
      -e "$(printf 's/\\342\\201\\237/ /g; s/\\343\\200\\200/ /g')" \\
      -e "$(printf 's/\\302[\\200-\\237]/?/g; s/\\363\\240[\\200-\\277]*/?/g; s/\\330\\234/?/g')" \\
      -e "$(printf 's/\\342\\200[\\213-\\217\\250-\\256]/?/g; s/\\342\\201[\\240-\\257]/?/g')" \\
      -e 's/^\\([[:blank:]]*\\):\\{{1,\\}}:/\\1: :/' -e 's/#\\(#[A-Za-z]*\\[\\)/# \\1/g'
}}
"""
# Another place's rules and services are not the run's. A namespace's number means it until the machine's next start.
_ELSEWHERE = """elsewhere() {{
  echo "NOTHING was undone: this is not {where}. Run there: $*" >&2
  echo "If it can be undone from here all the same: BLACKSTART_HERE=1 sh $0" >&2
  exit 1
}}
if [ -n "${{BLACKSTART_HERE-}}" ] || [ ! -r {boot_file} ]; then
  :
elif [ "$(cat {boot_file})" = {boot} ]; then
  here=$(readlink /proc/self/ns/net) && [ "$here" != {network} ] && elsewhere {way} sh "$0"
elif [ "$(uname -n)" != {host} ]; then
  elsewhere sh "$0"
fi
"""
_TAIL = """
everything
sleep 1
failed=0 turn=2
everything
if [ "$failed" = 0 ]; then
  echo 'Every undo was carried out. Whether it took effect is not looked at here: chaos.heal proves it.'
else
  echo 'NOT everything was undone: see the messages above' >&2
fi
exit "$failed"
"""
# find_secret REFERENCE: prints what it refers to. A value of the environment needs no Python.
_FIND = """reader() {{
cat <<'FIND_SECRET'
{source}FIND_SECRET
}}
find_secret() {{
  for python in {python} python3; do
    reader | "$python" - "$1" 2>/dev/null && return 0
  done
  return 1
}}
within_quotes() {{ sed "s/'/'\\"'\\"'/g"; }}
known() {{
  [ -n "$1" ] && return 0
  echo "a secret is missing: it was $3. Give it in the variable $2, and run this again." >&2
  return 1
}}
"""
# curl, wget and python3 do not read the variables that clients of Python do.
_TRUSTED = """for bundle in "${{REQUESTS_CA_BUNDLE-}}" "${{CURL_CA_BUNDLE-}}" "${{SSL_CERT_FILE-}}" \\
  "${{SSL_CERT_DIR-}}" {bundle}
do [ -z "$bundle" ] || break; done
unset CURL_CA_BUNDLE
if [ -d "$bundle" ]; then export SSL_CERT_DIR="$bundle"; elif [ -n "$bundle" ]; then export SSL_CERT_FILE="$bundle"; fi
"""

CURL = Path(__file__).with_name("curl.sh")
"""What stands in for a curl that is missing."""


def lacks(changes: Sequence[Change]) -> str:
    """What the script would need here and does not find, as in "curl, wget or python3"; empty where all is there."""
    if not _calls(changes) or shutil.which("curl") or shutil.which("python3"):
        return ""
    if wget := shutil.which("wget"):  # not every wget sends more than GET
        told = subprocess.run([wget, "--help"], capture_output=True, text=True, timeout=10, check=False)
        if "--body-data" in told.stdout:
            return ""
    return "curl, wget or python3"


def _calls(changes: Sequence[Change]) -> bool:
    return any(isinstance(step, HttpCall) for change in changes for step in change.undo)


def write(path: Path, run: str, changes: Sequence[Change], placeholders: SecretPlaceholders | None = None) -> None:
    """Write the script, durable before anything is broken. The newest change is undone first. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text(run, changes, placeholders))
        file.flush()
        os.fsync(file.fileno())


def text(run: str, changes: Sequence[Change], placeholders: SecretPlaceholders | None = None) -> str:
    """The script itself: one function per step, so that each can be tried again. It holds no secret."""
    functions: list[str] = []
    calls: list[str] = []
    secrets = _Secrets()
    placeholders = placeholders or SecretPlaceholders()
    for change in reversed(changes):
        told = one_line(masked(placeholders.conceal(f"undoing: {change.what}")))
        calls.append(f"  printf '%s\\n' {shlex.quote(told)}")
        for step in from_data(placeholders.conceal(to_data(change.undo))):
            name = f"step_{len(functions)}"
            functions.append(f"{name}() {{\n{secrets.put_into(step)}\n}}")
            calls.append(f"  {name}" if isinstance(step, Ask) else f"  undo {name}")
    steps = "\n".join((*functions, "everything() {", *calls, "  :", "}"))
    curl = _trusted() + CURL.read_text(encoding="utf-8") if _calls(changes) else ""
    return _HEAD.format(run=run, elsewhere=_elsewhere(myself())) + secrets.lookups() + curl + steps + _TAIL


def _trusted() -> str:
    """Shell that makes its calls trust whom ours do, in a shell of tomorrow that knows nothing of our variables."""
    named = next((os.environ[name].strip() for name in trust.VARIABLES if os.environ.get(name, "").strip()), "")
    return _TRUSTED.format(bundle=shlex.quote(os.path.abspath(named) if named else ""))


def _elsewhere(runner: Process) -> str:
    """Shell that ends the script in another network namespace, or on another machine, than the run's (Linux only)."""
    place = runner.place
    if not place.network:
        return ""
    way = ("ip", "netns", "exec", place.named) if place.named else ("nsenter", "--net=/proc/PID/ns/net")
    return _ELSEWHERE.format(
        where=_within_double_quotes(f"{place.named or place.network} on {place.host}"), boot_file=BOOT_FILE,
        boot=shlex.quote(runner.boot), network=shlex.quote(place.network), host=shlex.quote(place.host),
        way=shlex.join(way),
    )  # fmt: skip


def _within_double_quotes(text: str) -> str:
    return re.sub(r'([\\$`"])', r"\\\1", text)


class _Secrets:
    """The shell variables of a script: one for each secret and each depth of quotes that it stands in."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, str], str] = {}

    def put_into(self, step: Step) -> str:
        """The step as shell, every mark in it a variable; it fails, and says why, where one is not known."""
        if isinstance(step, Ask):
            return masked(to_shell(step))
        line, needed = to_shell(step), []
        # What goes to another host passes through one more shell.
        further = 1 if isinstance(step, Command) and step.host else 0
        for mark, depth, reference in marks(line):
            name = self._names.setdefault((depth + further, reference), f"secret_{len(self._names) + 1}")
            # Every mark stands in single quotes: it has braces, which `shlex` quotes.
            line = line.replace(mark, f"'\"${name}\"'")
            asked, told = references.variable(reference), shlex.quote(one_line(references.shown(reference)))
            needed.append(f'known "${name}" {asked} {told} || return 1\n')
        return "".join(needed) + line

    def lookups(self) -> str:
        """What is looked up once, at the beginning."""
        if not self._names:
            return ""
        source = Path(references.__file__).read_text(encoding="utf-8")
        lines = [_FIND.format(python=shlex.quote(sys.executable), source=source)]
        for (depth, reference), name in self._names.items():
            given = references.variable(reference)
            lines.append(
                f"# {one_line(references.shown(reference))}\n"
                f'if [ -n "${{{given}-}}" ]; then {name}=${given}; else {name}=$({_look_up(reference)}); fi\n'
            )
            if depth:
                lines.append(f"{name}=$(printf '%s' \"${name}\"{' | within_quotes' * depth})\n")
        return "".join(lines)


def _look_up(reference: str) -> str:
    """Shell that prints it."""
    kind, _, rest = reference.partition(":")
    name, _, pick = rest.partition(":")
    if kind == "env" and name.isidentifier():
        if not pick:
            return f"printf '%s' \"{held(name)}\""
        if pick == "password":
            login = "v=${v#*://}; v=${v%%/*}; case ${v%%[?#]*} in (*@*) v=${v%%[?#]*} ;; esac; v=${v%@*}"
            return f"v={held(name)}; {login}; printf '%s' \"${{v#*:}}\""
    return f"find_secret {shlex.quote(reference)}"
