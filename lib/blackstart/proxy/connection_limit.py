"""How many connections may be open at once: the API keeps files for itself, or nobody could take a toxic away."""

import logging
import resource
from collections.abc import Sized

_FILES_EACH = 2  # the client's socket and the upstream's
_KEPT_FILES, _KEPT_PART = 64, 4  # for the API, names looked up and owners looked at: so many, at most a fourth of all

log = logging.getLogger(__name__)


class ConnectionLimit:
    """What the process's limit of open files leaves for connections, all proxies together."""

    def __init__(self, proxies: Sized) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._files = None if soft == resource.RLIM_INFINITY else soft - min(_KEPT_FILES, soft // _KEPT_PART)
        self._proxies = proxies  # each holds its port by a file, too
        self._open = 0
        self._told = False

    def enter(self) -> bool:
        """One more connection is open; False where that is one too many."""
        self._open += 1
        if self._files is None or self._open * _FILES_EACH + len(self._proxies) <= self._files:
            self._told = False
            return True
        if not self._told:
            self._told = True
            log.warning(
                "Connections are reset: %d are open, and the limit of open files allows no more", self._open - 1
            )
        return False

    def leave(self) -> None:
        """One that had entered is over, also one that was too many."""
        self._open -= 1
