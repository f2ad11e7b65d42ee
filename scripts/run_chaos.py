"""The gateway's scenarios without Invoke: `python3 scripts/run_chaos.py [--scenario redis-latency]`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

try:
    from blackstart.tasks import main
except ImportError:  # outside of the project's environment: ./scripts/run makes it
    import os

    os.execv(Path(__file__).with_name("run"), ["run", "gateway.run", *sys.argv[1:]])

if __name__ == "__main__":
    main(["blackstart", "gateway.run", *sys.argv[1:]])
