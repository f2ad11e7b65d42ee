"""Who sits at the keyboard, for records: the user and the machine."""

import os
import pwd
import socket


def name() -> str:
    """`anna@drills-1`; under sudo the one who called it."""
    try:
        user = os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's number without a name
        user = str(os.geteuid())
    return f"{user}@{socket.gethostname()}"
