"""What a string of the language says. Listing the tasks reads it: it imports next to nothing."""

import re

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "/": "/"}


def said(written: str) -> str:
    """Of a string with its quotes. Raises ValueError for an escape that means nothing, or half of a sign."""
    text = _ESCAPE.sub(_resolved, written[1:-1])
    try:
        # Two escapes may be the halves of one sign; a half alone can be neither written nor printed.
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ValueError("\\uD800 to \\uDFFF are halves of a sign: write both, or the sign itself") from None


def _resolved(match: re.Match[str]) -> str:
    sign = match[1]
    if len(sign) == 5:
        return chr(int(sign[1:], 16))
    if sign not in _ESCAPES:
        known = " ".join(f"\\{known}" for known in _ESCAPES)
        raise ValueError(f"\\{sign} means nothing in a string; there are {known} \\uXXXX")
    return _ESCAPES[sign]
