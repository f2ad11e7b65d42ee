"""The sale as the public application is coded, and what of the promises that breaks."""

from typing import Any

PARTS: dict[str, type[Any]] = {}
