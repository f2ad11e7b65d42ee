"""`python -m blackstart.proxy`: the embedded fault proxy in the foreground."""

import sys

from blackstart.proxy.server import main

if __name__ == "__main__":
    sys.exit(main())
