"""docs/catalogue.md is what the code says today."""

import runpy

from tests.environment import ROOT

SCRIPT = ROOT / "scripts" / "catalogue.py"


def test_the_catalogue_is_that_of_the_code() -> None:
    made = runpy.run_path(str(SCRIPT))
    assert made["PAGE"].read_text() == made["page"](), "renew it: .venv/bin/python scripts/catalogue.py"
