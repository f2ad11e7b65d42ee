"""The flash sale's quick test without Invoke: `python3 scripts/chaos-test.py --target lab`.

It sets the stock, starts the load, kills the worker, starts it again and waits for the rest: `flash-sale.worker-crash`,
with its options and exit codes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

try:
    from blackstart.tasks import main
except ImportError:  # outside of the project's environment: ./scripts/run makes it
    import os

    os.execv(Path(__file__).with_name("run"), ["run", "flash-sale.worker-crash", *sys.argv[1:]])

if __name__ == "__main__":
    main(["blackstart", "flash-sale.worker-crash", *sys.argv[1:]])
