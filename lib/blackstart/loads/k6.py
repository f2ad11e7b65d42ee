"""A user's own k6 script as a load: its rows become history, its thresholds expectations."""

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.loads.naming import check_name
from blackstart.loads.statuses import Statuses

# What a row, a threshold or a thrown exception is read from, and its short form. A script, an argument or a variable
# that changes it would take the evidence away.
OPTIONS = {
    "--out": "-o",
    "--address": "-a",
    "--paused": "-p",
    "--linger": "-l",
    "--summary-export": "",
    "--summary-mode": "",
    "--summary-trend-stats": "",
    "--config": "-c",  # it may set any of them
    "--no-summary": "",
    "--no-thresholds": "",
    "--system-tags": "",
    "--include-system-env-vars": "",
    "--log-output": "",
    "--log-format": "",
}
VARIABLES = {
    *(f"K6_{option.strip('-').replace('-', '_').upper()}" for option in OPTIONS),
    "K6_CSV_FILENAME",
    "K6_CSV_TIME_FORMAT",
    "K6_CSV_SAVE_INTERVAL",
    "K6_AUTO_EXTENSION_RESOLUTION",
    "K6_BINARY_PROVISIONING",
}
KEEP_FROM_SENDING = ("K6_BLACKLIST_IPS", "K6_BLOCK_HOSTNAMES")
"""Not overruled, since they may be meant: what they keep from being sent would look like the target's failure."""

# All of them: rows need some, a script's thresholds may be of any, and a script's own list would leave some out.
_SYSTEM_TAGS = (
    "proto,subproto,status,method,url,name,group,check,error,error_code,tls_version,scenario,service,"
    "expected_response,iter,vu,ocsp_status,ip"
)
# Its count tells whether a trend had a sample; a list of the shell's or the script's could leave it out.
_TREND_STATS = "count,min,med,max,avg,p(90),p(95)"
ARGUMENTS = (
    "--quiet", "--no-color", "--no-usage-report", "--paused", "--out", "csv=-", "--system-tags", _SYSTEM_TAGS,
    "--linger=false", "--summary-trend-stats", _TREND_STATS, "--no-summary=false", "--no-thresholds=false",
    "--include-system-env-vars=true", "--log-output=stderr",
)  # fmt: skip
"""What follows `k6 run` wherever it runs: its rows on stdout, its messages on stderr, armed and paused."""
VARIABLES_SET = {
    "K6_CSV_TIME_FORMAT": "unix_micro",
    "K6_CSV_SAVE_INTERVAL": "100ms",
    "K6_AUTO_EXTENSION_RESOLUTION": "false",  # it would fetch other builds of k6
}


@plain("load.k6")
class K6:
    """`script` run by `binary` (from PATH), with `args` after `k6 run` and `env` in the script's `__ENV`.

    A value `env:NAME` in `env` is read from the environment when the load starts. What the rows, the thresholds and
    the thrown exceptions are read from is not the script's, nor a variable's, to change (`OPTIONS`, `VARIABLES`).
    A request's key is its tag or metadata named `key_tag`; without one its row has no key, nor where the key does not
    begin with `key_prefix` or the method is not `key_method` (as of where a redirect led). k6 does not tell when a
    request was due, so `intended_s` is its start, and what it left out shows as dropped iterations: any make the load
    incomplete. The row's operation is k6's `name` tag. A k6 that is stopped before its end forgets what its users have
    under way: such a request has no row, and the service may have seen it.
    """

    script: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    binary: str = "k6"
    name: str = "k6"
    key_tag: str = "key"
    key_prefix: str = ""
    key_method: str = ""
    instance_tag: str = "instance"
    ok_statuses: tuple[str | int, ...] = ("2xx",)
    fail_statuses: tuple[str | int, ...] = ("4xx",)
    info_statuses: tuple[str | int, ...] = ("5xx",)

    kind: ClassVar[str] = "k6"

    def __post_init__(self) -> None:
        for name in ("args", "ok_statuses", "fail_statuses", "info_statuses"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        check_name(self.name)
        if not self.script:
            raise ValueError("a k6 load needs a script")
        ours = {*OPTIONS, *filter(None, OPTIONS.values())}
        taken = [arg for arg in self.args if arg.split("=")[0] in ours or arg[:2] in OPTIONS.values()]
        taken += [name for name in self.env if name in VARIABLES]
        if taken:
            raise ValueError(f"{', '.join(taken)}: Blackstart sets this option of k6 itself")
        self.statuses()

    @property
    def says(self) -> str:
        """The script."""
        return f"k6 run {self.script}"

    def at(self, base_url: str, headers: Mapping[str, str] | None = None) -> Self:
        """The same with `API` in the script's `__ENV`, unless it is set already. Headers are the script's affair."""
        return dataclasses.replace(self, env={"API": base_url, **self.env})

    def statuses(self) -> Statuses:
        """What each status means."""
        return Statuses(self.ok_statuses, self.fail_statuses, self.info_statuses)
