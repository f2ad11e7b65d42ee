"""The ways in which a lab says no.

LabError
├── NotStarted   a lab can't be brought up or asked for; nothing of it is left
└── NotEnded     something of a lab could not be taken away
"""


class LabError(Exception):
    """The message says what, where and what next; `exit_code` is that of the command."""

    exit_code = 1
    prefix = ""

    def __str__(self) -> str:
        return f"{self.prefix}{super().__str__()}"


class NotStarted(LabError):
    """Shown as `Not started: …`."""

    exit_code = 40
    prefix = "Not started: "


class NotEnded(LabError):
    """Shown as `Not ended: …`."""

    exit_code = 50
    prefix = "Not ended: "
