"""`chaos.postgres-blip` without Invoke: `python scripts/chaos_test_postgres.py`. Same flags and exit codes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from blackstart.tasks import main

if __name__ == "__main__":
    main(["blackstart", "chaos.postgres-blip", *sys.argv[1:]])
