"""HEAL.sh: what it prints, and what it takes from the environment."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping

import pytest

from blackstart.base.secrets import references
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.safety.heal import heal_script
from tests.unit.commands.test_hostile_texts import HOSTILE, steers


def attempted(
    step: Command, turn: int = 1, secrets: Mapping[str, str] | None = None, **env: str
) -> subprocess.CompletedProcess[bytes]:
    """One attempt at the step, as HEAL.sh makes it."""
    text = heal_script.text("r", [Change("do it", "redis", (), (step,), (), ())], SecretPlaceholders(secrets or {}))
    once = text.replace("\neverything\n", f"\ntries=1 turn={turn}; attempt step_0; exit\n", 1)
    return subprocess.run(
        ["/bin/sh", "-c", once], env={"PATH": "/usr/local/bin:/usr/bin:/bin", **env}, capture_output=True, timeout=30,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (r"\033[31mred\007\177\000\r\n", b"[31mred\n"),
        ("::error::é\\n  ::notice ::x\\n", ": :error::é\n  : :notice ::x\n".encode()),
        (r"\r::error::no\n", b": :error::no\n"),
        (r"##[error]no\na ##vso[task.complete]\n", b"# #[error]no\na # #vso[task.complete]\n"),
        (r"a::b ## c\tfine\n", b"a::b ## c\tfine\n"),
    ],
)
@pytest.mark.parametrize(("code", "codes"), [(0, (0,)), (7, (0,)), (3, (0, 3))])
def test_what_a_step_says_steers_neither_a_terminal_nor_a_ci_server(
    said: str, shown: bytes, code: int, codes: tuple[int, ...]
) -> None:
    step = Command(("sh", "-c", f"printf '{said}'; printf '{said}' >&2; exit {code}"), ok_codes=codes)
    done = attempted(step)
    assert done.returncode == (0 if code in codes else code)
    if codes == (0,):
        assert (done.stdout, done.stderr) == (shown, shown)
    else:  # both were looked at for what is accepted
        assert done.stdout.startswith(shown) and b"\033" not in done.stdout


def test_of_a_hostile_text_lines_and_letters_are_left_and_nothing_else() -> None:
    said = f"{HOSTILE}é ×5 ‘q’ … 5 – 6\u061c 中"
    done = attempted(Command(("sh", "-c", f"printf %s {shlex.quote(said)} | tee /dev/stderr; exit 7")))
    for shown in (done.stdout.decode(), done.stderr.decode()):
        # The line is the step's own: it may print as many as it likes.
        assert [found for found in steers(shown) if found != "FORGED"] == []
        assert shown.endswith("forged??FORGED????😀|`*<b>é ×5 ‘q’ … 5 – 6? 中")


def test_no_blank_hides_the_beginning_of_a_command() -> None:
    # Those that .NET's TrimStart takes away, and with them GitHub's runner.
    blanks = [sign for sign in map(chr, range(0x10000)) if sign.isspace() and sign not in "\t\n"]
    assert len(blanks) > 20
    said = "".join(f"a{sign}b\n{sign}::error title=x::y\n" for sign in blanks)
    shown = attempted(Command(("printf", "%s", said))).stdout.decode()
    assert steers(shown) == [] and shown.count(":error title=x::y\n") == len(blanks)


@pytest.mark.parametrize(
    ("reference", "value", "secret"),
    [
        ("env:A", "\ufeffp w-p w\r\n", "p w-p w"),
        ("env:A:password", "\ufeffredis://:p'$x-y@h/0\r\n", "p'$x-y"),
        ("env:A:password", "postgresql://u:a?b#c-d@h/x", "a?b#c-d"),
        ("env:A:password", "postgresql://u:pw-pw@h?sslpassword=a@b", "pw-pw"),
    ],
)
def test_a_secret_of_the_environment_is_what_python_takes_it_for(
    reference: str, value: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A", value)
    assert references.find(reference) == secret
    step = Command(("printf", "%s", secret))
    assert attempted(step, secrets={reference: secret}, A=value).stdout == secret.encode()


def test_a_step_is_carried_out_where_its_words_can_not_be_kept() -> None:
    done = attempted(Command(("sh", "-c", "echo said; exit 7")), TMPDIR="/nowhere")
    assert done.returncode == 7 and done.stdout == b""
    assert attempted(Command(("sh", "-c", "exit 7")), turn=2).returncode == 7
