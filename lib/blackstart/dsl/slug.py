"""What a scenario is called where it is typed. Listing the tasks reads it: it imports next to nothing."""

import re


def slug(name: str) -> str:
    """`rate limit storm` is `rate-limit-storm`; "" where there is neither a letter of a to z nor a digit."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
