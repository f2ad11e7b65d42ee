"""What the tests of real systems share."""

import pytest

from tests.requirements import require


@pytest.fixture
def engine() -> None:
    """A container engine with an image of Redis, or the reason why there is none."""
    require("docker", "redis")
