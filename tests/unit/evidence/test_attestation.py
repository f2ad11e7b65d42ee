"""What attests a run is read by programs that are not ours, follows from the run alone, and names what was changed."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib import dsse as theirs
from securesystemslib.exceptions import VerificationError  # type: ignore[attr-defined]
from securesystemslib.signer import SSlibKey

from blackstart.evidence import manifest, signing, verify
from blackstart.model.verdict import Verdict
from tests.requirements import require
from tests.unit.evidence.bundles import COMMIT, IMAGE, NAME, key, sealed

LINES = "manifest.json.intoto.jsonl"
SIGSTORE = "manifest.json.test-result.sigstore.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two keys, a run that is signed by the first, and one that nobody has signed."""
    place = tmp_path_factory.mktemp("made")
    key(place), key(place, "other.pem")
    sealed(place / "signed", place / "key.pem", load=True, flags={"tested": f"{IMAGE},{COMMIT}"})
    sealed(place / "unsigned")
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A copy to do something to."""
    return shutil.copytree(made, tmp_path / "copy")


def found(run: Path, by: Path | None = None) -> list[tuple[str, str, str]]:
    return [(f.level, f.where, f.what) for f in verify.verify(run, signing.public(by) if by else None)]


def wrong(run: Path, by: Path | None = None) -> list[tuple[str, str]]:
    return [(where, what) for level, where, what in found(run, by) if level == "wrong"]


def statements(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / LINES).read_text().splitlines()]
    return [json.loads(base64.b64decode(line["payload"])) if "payload" in line else line for line in lines]


def test_the_first_statement_is_a_test_result_on_the_manifest_and_on_what_was_tested(made: Path) -> None:
    run = made / "signed" / NAME
    said = statements(run)[0]
    assert (said["_type"], said["predicateType"]) == (
        "https://in-toto.io/Statement/v1", "https://in-toto.io/attestation/test-result/v0.1"
    )  # fmt: skip
    assert said["subject"] == [
        {
            "name": "manifest.json",
            "digest": {"sha256": hashlib.sha256((run / "manifest.json").read_bytes()).hexdigest()},
        },
        {"name": "registry/trader", "digest": {"sha256": "ab" * 32}},
        {"name": "git+https://example.org/trader", "digest": {"gitCommit": "c" * 40}},
    ]
    assert said["predicate"]["result"] == "PASSED"
    assert [one["name"] for one in said["predicate"]["configuration"]] == ["experiment/leader-lock", "target/trader"]
    assert all(len(one["digest"]["sha256"]) == 64 for one in said["predicate"]["configuration"])
    assert "leader-lock/fault/ready_503" in said["predicate"]["passedTests"]
    assert said["predicate"]["failedTests"] == []


@pytest.mark.parametrize("verdict", Verdict)
def test_only_what_held_has_passed_and_the_exact_word_is_in_the_second_statement(verdict: Verdict) -> None:
    results = {"scenarios": [{"name": "s", "assertions": [
        {"type": "fault", "name": name, "result": result}
        for name, result in (("a", "held"), ("b", "not observed"), ("c", "broke"), ("d", "inconclusive"), ("e", "new"),
                             ("f", "changed"))
    ]}]}  # fmt: skip
    from blackstart.evidence import statements as ours  # noqa: PLC0415

    text = dict.fromkeys(("run", "bundleId", "generatedAt", "reason"), "x")
    made = ours.of({**text, "verdict": str(verdict), "spec": {}, "target": {}, "tested": []}, results)
    said, exact = made["test-result"]["predicate"], made["verdict"]["predicate"]
    assert said["result"] == ("PASSED" if verdict == Verdict.HELD else "FAILED")
    assert (said["passedTests"], said["warnedTests"]) == (["s/fault/a"], ["s/fault/b", "s/fault/f"])
    assert said["failedTests"] == ["s/fault/c", "s/fault/d", "s/fault/e"]
    assert (exact["verdict"], exact["exitCode"]) == (verdict, verdict.exit_code)


@pytest.mark.parametrize("results", [None, 3, {}, {"scenarios": 1}, {"scenarios": [2, {"assertions": {}}]}])
def test_results_that_nobody_can_read_name_no_test(results: Any) -> None:
    from blackstart.evidence import statements as ours  # noqa: PLC0415

    text = dict.fromkeys(("run", "bundleId", "generatedAt", "reason", "verdict"), "x")
    made = ours.of({**text, "spec": {}, "target": {}, "tested": []}, results)
    assert made["test-result"]["predicate"]["passedTests"] == []


def test_both_signatures_are_good_by_securesystemslib_and_by_no_other_key(made: Path) -> None:
    for line in (made / "signed" / NAME / LINES).read_text().splitlines():
        envelope = theirs.Envelope.from_dict(json.loads(line))
        (keyid,) = envelope.signatures
        for name in ("key", "other"):
            public = load_pem_public_key((made / f"{name}.pem.pub").read_bytes())
            if name == "key":
                assert envelope.verify([SSlibKey.from_crypto(public, keyid)], 1)
                continue
            with pytest.raises(VerificationError):
                envelope.verify([SSlibKey.from_crypto(public, keyid)], 1)


def test_the_signature_is_good_by_openssl_and_the_keys_id_is_what_openssl_says(made: Path, tmp_path: Path) -> None:
    require("openssl")
    envelope = json.loads((made / "signed" / NAME / LINES).read_text().splitlines()[0])
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))

    def verified(data: bytes) -> int:
        (tmp_path / "signed").write_bytes(data)
        argv = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", made / "key.pem.pub"]
        argv += ["-in", tmp_path / "signed", "-sigfile", tmp_path / "signature"]
        return subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode

    assert verified(signed) == 0 and verified(signed + b" ") != 0
    argv = ["openssl", "pkey", "-pubin", "-in", made / "key.pem.pub", "-outform", "DER"]
    der = subprocess.run(argv, capture_output=True, timeout=60, check=True).stdout
    assert hashlib.sha256(der).hexdigest() == envelope["signatures"][0]["keyid"]


def test_a_sigstore_bundle_has_the_envelope_and_only_a_hint_of_the_key(made: Path) -> None:
    run = made / "signed" / NAME
    lines = [json.loads(line) for line in (run / LINES).read_text().splitlines()]
    for envelope, name in zip(lines, manifest.SIGSTORE.values(), strict=True):
        assert json.loads((run / name).read_bytes()) == {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": envelope["signatures"][0]["keyid"]}},
            "dsseEnvelope": {**envelope, "signatures": [{"sig": envelope["signatures"][0]["sig"]}]},
        }


def test_cosign_takes_the_bundle_by_the_key_alone_and_no_other_key_or_manifest(made: Path, tmp_path: Path) -> None:
    require("cosign")
    cosign = shutil.which("cosign") or Path.home() / "go" / "bin" / "cosign"
    run, root, changed = made / "signed" / NAME, tmp_path / "root.json", tmp_path / "manifest.json"
    root.write_text('{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}')
    changed.write_bytes((run / "manifest.json").read_bytes() + b" ")

    def verified(key: Path, of: Path) -> bool:
        argv = [
            cosign, "verify-blob-attestation", "--new-bundle-format", "--key", key, "--bundle", run / SIGSTORE,
            "--type", "https://in-toto.io/attestation/test-result/v0.1", "--insecure-ignore-tlog",
            "--trusted-root", root, of,
        ]  # fmt: skip
        return subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == 0

    assert verified(made / "key.pem.pub", run / "manifest.json")
    assert not verified(made / "other.pem.pub", run / "manifest.json")
    assert not verified(made / "key.pem.pub", changed)


def test_a_signed_run_is_as_it_was_and_by_whom_is_told(made: Path) -> None:
    run, keyid = made / "signed" / NAME, signing.public(made / "key.pem.pub").keyid
    assert ("note", LINES, f"is signed by the key {keyid}, which is the given one") in found(run, made / "key.pem.pub")
    assert wrong(run) == wrong(run, made / "key.pem.pub") == []
    assert any("was not checked: name it with --key" in what for level, _, what in found(run) if level == "note")


def test_an_unsigned_run_says_so_and_is_wrong_where_a_signature_is_asked_for(made: Path) -> None:
    run = made / "unsigned" / NAME
    assert wrong(run) == [] and any("unsigned" in what for level, where, what in found(run) if where == LINES)
    ((where, what),) = wrong(run, made / "key.pem.pub")
    assert where == LINES and "unsigned" in what
    assert not [name for name in manifest.SIGSTORE.values() if (run / name).exists()]
    assert "signatures" not in (run / LINES).read_text()


def test_another_key_than_the_one_that_signed_is_named(made: Path) -> None:
    by, given = (signing.public(made / f"{name}.pem.pub").keyid for name in ("key", "other"))
    told = wrong(made / "signed" / NAME, made / "other.pem.pub")
    assert [where for where, _ in told] == [LINES, LINES] and by in told[0][1] and given in told[0][1]


def flipped(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def test_one_byte_changed_anywhere_is_named(place: Path) -> None:
    """In every file of the bundle, first, in the middle and last; of the attestation, at 16 places more."""
    run = place / "signed" / NAME
    for path in [*run.rglob("*"), run.with_name(f"{NAME}.log")]:
        if path.is_dir():
            continue
        before = path.read_bytes()
        places = range(0, len(before), max(1, len(before) // 16)) if path.name.startswith("manifest.json") else ()
        for at in {0, len(before) // 2, len(before) - 1, *places}:
            flipped(path, at)
            told = [where for where, _ in wrong(run, place / "key.pem.pub")]
            assert any(Path(where).name.startswith(path.name) for where in told), (path.name, at, told)
            path.write_bytes(before)
    assert wrong(run, place / "key.pem.pub") == []


def test_a_file_that_is_removed_added_or_renamed_is_named(place: Path) -> None:
    run = place / "signed" / NAME
    for path in [*run.rglob("*"), run.with_name(f"{NAME}.log")]:
        if path.is_dir():
            continue
        other = path.with_name(f"{path.name}.x")
        path.rename(other)
        told = {Path(where).name for where, _ in wrong(run)}
        # Without a manifest nobody can tell what is one too many; beside the run's folder stands what is not its own.
        alone = path.name == manifest.NAME or path.suffix == ".log"
        assert path.name in told and (other.name in told or alone), (path.name, told)
        other.rename(path)
    (run / "results" / "more.json").write_text("{}")
    assert wrong(run) == [("results/more.json", "was added after the run was sealed")]


def reordered(run: Path) -> None:
    data = manifest.read(run)
    data["files"].reverse()
    (run / "manifest.json").write_bytes(manifest.canonical(data))


def edited(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """One Statement of an unsigned run, changed as a forger would who knows the form."""
    said = statements(run)
    change(said[0])
    (run / LINES).write_bytes(b"".join(manifest.canonical(one) + b"\n" for one in said))


FORGED: dict[str, tuple[str, Callable[[Path], object], str, str]] = {
    "a manifest in another order": ("signed", reordered, "manifest.json", "was re-ordered"),
    "a result": (
        "unsigned", lambda run: edited(run, lambda said: said["predicate"].update(result="FAILED")), LINES,
        'line 1 is not what follows from the bundle: predicate.result is "FAILED", and should be "PASSED"',
    ),
    "a subject": (
        "unsigned", lambda run: edited(run, lambda said: said["subject"].append({"name": "b"})), LINES, "subject is [",
    ),
    "a field more": ("unsigned", lambda run: edited(run, lambda s: s.update(x=1)), LINES, "x is too much"),
    "a field less": (
        "unsigned", lambda run: edited(run, lambda s: s["predicate"].pop("failedTests")), LINES,
        "predicate.failedTests is missing",
    ),
    "one line": (
        "signed", lambda run: (run / LINES).write_text((run / LINES).read_text().splitlines()[0] + "\n"), LINES,
        "has 1 lines, and should have 2",
    ),
    "the signatures taken off": (
        "signed",
        lambda run: (run / LINES).write_bytes(b"".join(manifest.canonical(s) + b"\n" for s in statements(run))),
        SIGSTORE, "was added: the Statement is unsigned",
    ),
    "one signature taken off": (
        "signed",
        lambda run: (run / LINES).write_bytes(
            manifest.canonical(statements(run)[0]) + b"\n" + (run / LINES).read_bytes().splitlines()[1] + b"\n"
        ),
        LINES, "is signed in part only",
    ),
    "the lines changed about": (
        "signed", lambda run: (run / LINES).write_bytes(b"".join((run / LINES).read_bytes().splitlines(True)[::-1])),
        LINES, "line 1 is not what follows from the bundle: predicate.bundleId is too much",
    ),
    "no Sigstore bundle": ("signed", lambda run: (run / SIGSTORE).unlink(), SIGSTORE, "is missing"),
    "rubbish": ("signed", lambda run: (run / LINES).write_text("[" * 9999 + "\n\n"), LINES, "is not JSON"),
    "an envelope of another form": ("signed", lambda run: (run / LINES).write_text('{"payload":1}\n' * 2), LINES,
                                    "the signature in line 1 can't be read"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_what_a_forger_does_is_named(place: Path, what: str) -> None:
    kind, act, where, told = FORGED[what]
    act(place / kind / NAME)
    assert any(at == where and told in text for at, text in wrong(place / kind / NAME)), wrong(place / kind / NAME)


def test_a_signature_from_another_run_is_named(place: Path) -> None:
    other = sealed(place / "more", place / "key.pem", run="leader_lock_2026-11-20T15-00-00")
    run = place / "signed" / NAME
    for name in manifest.ATTESTED:
        shutil.copy(other / name, run / name)
    assert wrong(run)[0][0] == LINES and "subject is [" in wrong(run)[0][1]


def test_a_run_of_an_older_form_has_no_statements(place: Path) -> None:
    run = place / "unsigned" / NAME
    data = manifest.read(run) | {"schemaVersion": manifest.WITHOUT_STATEMENTS}
    (run / "manifest.json").write_bytes(manifest.canonical(data))
    assert wrong(run) == [(LINES, "was added: bundles of that form have none")]
    (run / LINES).unlink()
    assert wrong(run) == []
    assert [where for where, _ in wrong(run, place / "key.pem.pub")] == ["manifest.json"]
