"""How many connections this process may hold open."""

import resource

_SPARE = 64
_UNLIMITED = 1_000_000


def file_limit() -> int:
    """Files left for connections, after asking for as many as this process may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (soft, resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return (_UNLIMITED if soft == resource.RLIM_INFINITY else soft) - _SPARE
