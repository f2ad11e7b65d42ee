"""The guardian's process: `python -m blackstart.safety.guardian HANDLE RUN`, started by `Guardian.start`."""

import os
import sys


def main() -> None:
    """Leave the runner's family at once, then watch."""
    if os.fork():
        # The guardian proper belongs to nobody: who ends a runner's whole process tree does not find it.
        os._exit(0)
    from blackstart.safety.guardian.watcher import serve  # noqa: PLC0415  (after the fork, which must be quick)

    serve(int(sys.argv[1]))


if __name__ == "__main__":
    main()
