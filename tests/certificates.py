"""Certificates of servers under test, signed by themselves: whoever trusts one has been told to."""

import subprocess
from pathlib import Path

from tests.requirements import require


def made(folder: Path) -> tuple[Path, Path]:
    """Key and certificate of localhost and 127.0.0.1, in that folder."""
    require("localhost", "openssl")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    argv += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    return key, certificate
