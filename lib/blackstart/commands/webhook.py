"""Tells a webhook of a run that broke, or is not restored. Whatever becomes of that, the verdict stands."""

from collections.abc import Mapping
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from blackstart.base import trust
from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.base.urls import http
from blackstart.model.verdict import Verdict
from blackstart.probes.hard_cap import HardCap

TOLD_OF = (Verdict.BROKE, Verdict.NOT_RESTORED)
WITHIN_S = 10.0  # for all attempts: somebody waits for the verdict's last lines
_ONE_WITHIN_S = 5.0
_AGAIN_AFTER_S = 1.0


class NotTold(Exception):
    """It did not take the message; the text says why, in words that hold nothing of the URL."""


class Busy(NotTold):
    """... for now: nobody answered, or it said to come again."""


def job_url(environ: Mapping[str, str]) -> str:
    """The page of the pipeline's job that this is, by the variables of GitLab, Jenkins and GitHub; "" elsewhere."""
    told = environ.get("CI_JOB_URL") or environ.get("BUILD_URL") or ""
    parts = [environ.get(f"GITHUB_{part}", "") for part in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    server, repository, number = parts
    return told or (f"{server}/{repository}/actions/runs/{number}" if all(parts) else "")


def tell(url: str, message: Mapping[str, Any], within_s: float = WITHIN_S) -> str:
    """Send the message. Returns why it did not arrive, in a line without the secret that the URL is; "" if it did."""
    host = http.read(url).netloc
    retrying = Retrying(
        retry=retry_if_exception_type(Busy),
        stop=stop_after_delay(max(0.0, within_s - _ONE_WITHIN_S)),
        wait=wait_fixed(_AGAIN_AFTER_S),
        reraise=True,
    )
    try:
        HardCap(f"the webhook at {host}").run(lambda: retrying(_post, url, message), Deadline(within_s))
    except NotTold as failure:
        return f"the webhook at {host} was not told: {failure}"
    except NoAnswer:
        return f"the webhook at {host} may not have been told: it did not answer within {within_s:g} s"
    except Exception as error:  # its text may hold the URL
        return f"the webhook at {host} was not told: {type(error).__name__}"
    return ""


def _post(url: str, message: Mapping[str, Any]) -> None:
    import requests  # noqa: PLC0415  (most runs tell nobody)

    try:
        with trust.session(url) as session:
            proxies = requests.utils.get_environ_proxies(url)  # it is no part of the target
            answer = session.post(
                url, json=message, timeout=_ONE_WITHIN_S, allow_redirects=False, proxies=proxies, stream=True
            )
            status = answer.status_code
            answer.close()
    except requests.Timeout as error:
        raise Busy(f"no answer within {_ONE_WITHIN_S:g} s") from error
    except requests.ConnectionError as error:
        raise Busy("no connection") from error
    if status == requests.codes.too_many_requests or status >= requests.codes.server_error:
        raise Busy(f"it answers {status}")
    if not requests.codes.ok <= status < requests.codes.multiple_choices:
        raise NotTold(f"it answers {status}")
