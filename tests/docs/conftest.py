"""What the tests of pages and of files for users share."""

from collections.abc import Iterator

import pytest

from tests.environment import require_own_environment
from tests.lab.lab_driver import LabDriver


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    """A trader for all the tests of one file, for commands that run in an environment made by `./scripts/run`."""
    require_own_environment()
    driver = LabDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")
