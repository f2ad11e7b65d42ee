"""Entry point of `python -m blackstart_lab`."""

import sys

from blackstart_lab.cli import main

if __name__ == "__main__":
    sys.exit(main())
