"""The keys of attestations: Ed25519, in PEM. The private one is in a file or the environment, and is shown nowhere.

A key is called by the SHA-256 of its public half as DER, so that anybody can tell whose it is:
`openssl pkey -pubin -in FILE.pub -outform DER | sha256sum`
"""

import hashlib
import os
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from blackstart.base.errors import BadFlag, Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

VARIABLE = "BLACKSTART_SIGNING_KEY"
_LARGEST = 1 << 16
_MAKE_ONE = "`report.keygen --out FILE` makes one"


@dataclass(frozen=True)
class Signer:
    """A private key."""

    keyid: str
    _key: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """The signature, 64 bytes; the same for the same data."""
        return self._key.sign(data)


@dataclass(frozen=True)
class Verifier:
    """A public key."""

    keyid: str
    _key: "Ed25519PublicKey" = field(repr=False)

    def signed(self, data: bytes, signature: bytes) -> bool:
        """Whether it was this key that signed that."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  (runs without a key load none of it)

        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


def from_environ(environ: Mapping[str, str]) -> Signer | None:
    """The key that BLACKSTART_SIGNING_KEY holds, or is the path of; None where it is not set. Raises BadFlag that shows
    nothing of it."""
    given = environ.get(VARIABLE, "").strip()
    if not given:
        return None
    if given.startswith("-----BEGIN"):
        return _signer(given.encode("utf-8", "replace"), VARIABLE)
    # What is there can be named; what is not may be a key that was pasted in some other form.
    path = Path(given).expanduser()
    try:
        if not path.exists():
            raise FileNotFoundError
    except OSError:
        told = f"{VARIABLE}: must be a key in PEM (-----BEGIN PRIVATE KEY-----), or the path of a file that has one"
        raise BadFlag(f"{told}; {_MAKE_ONE}") from None
    return _signer(_private(path), f"{VARIABLE}={path}")


def _private(path: Path) -> bytes:
    """What is in a file that must be its owner's alone. Raises BadFlag."""
    called = f"{VARIABLE}={path}"
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            there = os.fstat(file.fileno())
            if not stat.S_ISREG(there.st_mode):
                raise BadFlag(f"{called}: is no file")
            if there.st_uid not in (0, os.geteuid()):
                raise BadFlag(f"{called}: is another user's file, and who signs with another's key vouches for him")
            if there.st_mode & 0o077:
                raise BadFlag(f"{called}: others may read or change it. Do: chmod 600 {shlex.quote(str(path))}")
            return file.read(_LARGEST)
    except OSError as error:
        raise BadFlag(f"{called}: can't be read: {error.strerror}") from error


def _signer(pem: bytes, called: str) -> Signer:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  (runs without a key load none of it)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        raise BadFlag(f"{called}: the key needs a password, and nobody is there to type it; {_MAKE_ONE}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadFlag(f"{called}: is no private key in PEM; {_MAKE_ONE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadFlag(f"{called}: is no Ed25519 key; {_MAKE_ONE}")
    return Signer(_keyid(key.public_key()), key)


def public(path: Path) -> Verifier:
    """The public key in a file in PEM. Raises BadFlag."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  (runs without a key load none of it)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            key = load_pem_public_key(file.read(_LARGEST))
    except OSError as error:
        raise BadFlag(f"--key={path}: can't be read: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm):
        raise BadFlag(f"--key={path}: is no public key in PEM (FILE.pub, where report.keygen made it)") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadFlag(f"--key={path}: is no Ed25519 key, and attestations are signed by no other")
    return Verifier(_keyid(key), key)


def make(path: Path) -> tuple[Path, str]:
    """A new key: the private half at `path`, for its owner alone, the public one in the file that is returned, with the
    key's id. Raises Refused where either is there already, or can't be written."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  (runs without a key load it not)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    key, beside = Ed25519PrivateKey.generate(), path.with_name(f"{path.name}.pub")
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    shown = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    if os.path.lexists(beside):
        raise Refused(f"{beside} is there already, and a key is never written over")
    for file, data, mode in ((path, private, 0o600), (beside, shown, 0o644)):
        try:
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as out:
                out.write(data)
        except FileExistsError:
            raise Refused(f"{file} is there already, and a key is never written over") from None
        except OSError as error:
            raise Refused(f"the key can't be written to {file}: {error.strerror}") from error
    return beside, _keyid(key.public_key())


def _keyid(key: "Ed25519PublicKey") -> str:
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  (as above)

    return hashlib.sha256(key.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)).hexdigest()
