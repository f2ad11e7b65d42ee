"""Secrets by reference: `env:NAME` in a target file is the variable's value, read when it is used."""

import os

from blackstart.base.errors import BadTarget
from blackstart.base.secrets.references import without_line_end


def secret(reference: str) -> str:
    """The value behind `env:NAME`, or the text itself. Raises BadTarget where the variable is missing, or empty,
    as CI servers give a secret that is not set.

    A line end behind the value and a byte order mark before it are no part of a secret: whatever wrote them into the
    variable (`echo` into a secret store, an editor) added them.
    """
    if not reference.startswith("env:"):
        return reference
    name = reference[4:]
    if not (value := without_line_end(os.environ.get(name, ""))):
        raise BadTarget(f"the environment variable {name} is empty or not set (the target refers to it as {reference})")
    return value
