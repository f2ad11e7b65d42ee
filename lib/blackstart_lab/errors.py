"""The one way a lab says no."""


class NotStarted(Exception):
    """A lab can't be brought up; the message says what, where and what next. Shown as `Not started: …`, exit 40."""

    exit_code = 40

    def __str__(self) -> str:
        return f"Not started: {super().__str__()}"
