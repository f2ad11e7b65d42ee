"""Drives the lab shop from outside: its orders, its stores, its supervisor."""

from pathlib import Path

from tests.lab.lab_driver import LabDriver


class ShopDriver(LabDriver):
    """One state folder and the shop in it."""

    def up(self, *flags: str, **environment: str) -> "ShopDriver":
        # It has no profiles; campaigns name one to each lab.
        own = [word for word in flags if word not in ("--profile", "quick", "real")]
        result = self.command("up", "shop", "--within-s", "120", *own, within_s=400, **environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return self

    @property
    def folder(self) -> Path:
        return self.state / "labs" / "shop"
