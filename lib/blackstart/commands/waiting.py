"""`chaos.wait`: what is to be drilled is ready, or it is said what it answers instead."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from blackstart.base import writer
from blackstart.base.durations import shown
from blackstart.base.errors import EXIT_HELD, Refused
from blackstart.base.secrets.env import secret
from blackstart.base.secrets.redact import Redactor
from blackstart.commands.answer import answering
from blackstart.commands.choose_target import target_for
from blackstart.commands.target_file import variables
from blackstart.model import flags
from blackstart.model.flags import Flags
from blackstart.model.reading import Reading
from blackstart.probes.http import HttpStatus
from blackstart.probes.read import read_once
from blackstart.suites import systems

_LOOK_EVERY_S = 0.2
_ANSWER_WITHIN_S = 5.0


@answering()
def wait(redactor: Redactor, options: Mapping[str, Any]) -> int:
    """Wait until the target's API says that it is ready; returns the exit code. Raises Refused with what was seen last,
    where it does not in WAIT_READY_TIMEOUT, and at once where a variable that its file refers to says nothing: the
    drills would miss it minutes later."""
    given = flags.read(options)
    target = target_for(_kind(given), given)
    if target.file:
        for name in variables(tomllib.loads(Path(target.file).read_text(encoding="utf-8-sig"))):
            secret(f"env:{name}")
    probe = HttpStatus(target.system.ready_page, "ready").bind(target)
    limit_s = given.wait_ready_timeout_s
    looks = Retrying(
        stop=stop_after_delay(limit_s),
        wait=wait_fixed(_LOOK_EVERY_S),
        retry=retry_if_result(lambda one: one.value != 200),
    )
    try:
        looks(read_once, probe, _ANSWER_WITHIN_S)
    except RetryError as late:
        seen: Reading = late.last_attempt.result()
        told = f"it answers {seen.value}" if seen.kind == "value" else seen.note or seen.kind
        raise Refused(
            f"{probe.path} did not answer 200 within {shown(limit_s)}: {told}. Look at the log of {target.name}, or "
            "wait longer: WAIT_READY_TIMEOUT"
        ) from None
    writer.line(redactor(f"ready: {probe.path} answers 200"))
    return EXIT_HELD


def _kind(given: Flags) -> str:
    """Any that a target file says; without one the kind that flags alone can describe."""
    if given.target or any(Path("targets").glob("*.toml")):
        return ""
    return next(kind for kind in systems.kinds() if systems.of(kind).by_flags)
