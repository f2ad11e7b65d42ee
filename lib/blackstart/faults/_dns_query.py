"""Whether a name server may be asked from here: `python _dns_query.py [UID GID]`, as that user.

Ends with 0 where the packet was dropped on its way out, with 1 where it left, with 2 where that can't be told. It goes
to this network's own loopback: what a rule says of it, it says of any name server.
"""

import os
import socket
import sys

# Asks for the name servers of the root: id, flags, one question; name, type NS, class IN.
_QUERY = bytes.fromhex("b5a7 0100 0001 0000 0000 0000 00 0002 0001")


def main(*user: str) -> int:
    """The exit code."""
    try:
        if user:
            os.setgroups([])
            os.setgid(int(user[1]))
            os.setuid(int(user[0]))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.sendto(_QUERY, ("127.0.0.1", 53))
    except PermissionError:
        return 0
    except OSError:
        return 2
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
