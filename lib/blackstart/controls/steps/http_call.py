"""A step that is an HTTP call, such as an API's own pause."""

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from blackstart.base import clock, trust
from blackstart.base.errors import StepFailed, StepTimedOut
from blackstart.base.secrets.env import secret
from blackstart.controls.steps.outcome import KEPT_OUTPUT_BYTES, Outcome
from blackstart.controls.steps.shell import describe
from blackstart.model.step import HttpCall


def call(step: HttpCall) -> Outcome:
    """Make the call. Raises StepTimedOut past the time limit, StepFailed where there was no answer."""
    began_s = clock.now_s()
    headers = {name: secret(value) for name, value in step.headers.items()}
    try:
        with trust.session(step.url) as session:
            # No redirect is followed: what it leads to is not what was allowed.
            answer = session.request(
                step.method, step.url, json=step.body, headers=headers, timeout=step.timeout_s, stream=True,
                allow_redirects=False,
            )  # fmt: skip
            code, body = answer.status_code, b""
            # The status is what counts: an answer that drips or never ends is not waited for.
            while clock.now_s() < began_s + step.timeout_s and len(body) < KEPT_OUTPUT_BYTES:
                more = answer.raw.read1(KEPT_OUTPUT_BYTES, decode_content=True)
                if not more:
                    break
                body += more
    except (requests.Timeout, ReadTimeoutError) as error:
        raise StepTimedOut(f"`{describe(step)}` did not answer within {step.timeout_s:g} s") from error
    except (requests.RequestException, HTTPError, OSError) as error:
        if step.if_refused and _nobody_listens(error):
            return Outcome(True, 0, step.if_refused, "", clock.now_s() - began_s, already=True)
        raise StepFailed(f"`{describe(step)}` failed: {error}") from error
    text = body.decode("utf-8", "replace")
    return Outcome(code in step.ok_statuses, code, text, "", clock.now_s() - began_s)


def _nobody_listens(error: BaseException | None) -> bool:
    """Whether a refused connection is at the bottom of it."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        if isinstance(error, ConnectionRefusedError):
            return True
        seen.append(error)
        inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = error.__cause__ or error.__context__ or getattr(inner, "reason", None) or inner
    return False
