"""A key that can't sign is refused by name, and no part of it is ever shown."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from blackstart.base.errors import BadFlag, Refused
from blackstart.evidence import signing
from tests.unit.evidence.bundles import key


def pem(made: object, password: bytes = b"") -> bytes:
    encryption = form.BestAvailableEncryption(password) if password else form.NoEncryption()
    return made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, encryption)  # type: ignore[attr-defined]


def test_a_new_key_is_its_owners_alone_and_nothing_is_written_over(tmp_path: Path) -> None:
    public, keyid = signing.make(tmp_path / "k")
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600 and public == tmp_path / "k.pub"
    assert signing.public(public).keyid == keyid
    with pytest.raises(Refused, match="is there already"):
        signing.make(tmp_path / "k")
    public.unlink()
    with pytest.raises(Refused, match="k is there already"):
        signing.make(tmp_path / "k")
    assert not public.exists()


def test_a_key_comes_from_a_file_or_from_the_environment_itself(tmp_path: Path) -> None:
    path = key(tmp_path)
    signers = [signing.from_environ({signing.VARIABLE: given}) for given in (str(path), path.read_text())]
    public = signing.public(tmp_path / "key.pem.pub")
    for signer in signers:
        assert signer and signer.keyid == public.keyid and public.signed(b"x", signer.sign(b"x"))
        assert not public.signed(b"y", signer.sign(b"x"))
    assert signing.from_environ({}) is None and signing.from_environ({signing.VARIABLE: " "}) is None


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = key(tmp_path)
    for mode in (0o640, 0o604, 0o622):
        path.chmod(mode)
        with pytest.raises(BadFlag, match=f"chmod 600 {path}"):
            signing.from_environ({signing.VARIABLE: str(path)})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_key_is_refused(tmp_path: Path) -> None:
    path = key(tmp_path)
    os.chown(path, 12345, -1)
    with pytest.raises(BadFlag, match="another user's"):
        signing.from_environ({signing.VARIABLE: str(path)})


def test_what_is_no_such_key_is_told_without_a_part_of_it(tmp_path: Path) -> None:
    good = pem(ed25519.Ed25519PrivateKey.generate()).decode()
    body = good.splitlines()[1]
    bad = {
        body: "must be a key in PEM",
        "x" * 5000: "must be a key in PEM",
        good.replace(body, body[:20]): "is no private key in PEM",
        pem(ed25519.Ed25519PrivateKey.generate(), b"secret").decode(): "needs a password",
        pem(ec.generate_private_key(ec.SECP256R1())).decode(): "is no Ed25519 key",
        str(tmp_path): "",
    }
    for given, told in bad.items():
        with pytest.raises(BadFlag) as refused:
            signing.from_environ({signing.VARIABLE: given})
        assert told in str(refused.value) and body[:12] not in str(refused.value)
        assert signing.VARIABLE in str(refused.value)


def test_a_pipe_in_the_place_of_a_key_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(BadFlag, match="is no file"):
        signing.from_environ({signing.VARIABLE: str(tmp_path / "pipe")})


def test_what_is_no_public_key_is_told(tmp_path: Path) -> None:
    private = key(tmp_path)
    (tmp_path / "ec").write_bytes(
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    )
    for path, told in (
        (tmp_path / "none", "can't be read"),
        (private, "is no public key"),
        (tmp_path / "ec", "Ed25519"),
    ):
        with pytest.raises(BadFlag, match=told):
            signing.public(path)
