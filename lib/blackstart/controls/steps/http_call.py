"""A step that is an HTTP call, such as an API's own pause."""

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from blackstart.base import clock, trust
from blackstart.base.errors import StepFailed, StepTimedOut, reason_of, root_cause
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
        if step.if_refused and isinstance(root_cause(error), ConnectionRefusedError):
            return Outcome(True, 0, step.if_refused, "", clock.now_s() - began_s, already=True)
        raise StepFailed(f"`{describe(step)}` failed: {reason_of(error)}") from error
    text = body.decode("utf-8", "replace")
    return Outcome(code in step.ok_statuses, code, text, "", clock.now_s() - began_s)
