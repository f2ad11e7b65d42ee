"""The envelope in which a signed Statement travels (DSSE), and the Sigstore bundle around that. Pure.

What is signed is neither JSON nor base64 but the "pre-authentication encoding" of type and payload, byte for byte:
https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

import base64
import json
from typing import Any

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def encoding(payload: bytes) -> bytes:
    """The bytes that are signed."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def envelope(payload: bytes, keyid: str, signature: bytes) -> dict[str, Any]:
    """A payload and its one signature."""
    signed = {"keyid": keyid, "sig": base64.b64encode(signature).decode()}
    return {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": [signed]}


def signature_of(made: Any) -> tuple[str, bytes]:
    """The key's id and the signature in an envelope. Raises ValueError where it does not have exactly one of ours."""
    try:
        (signed,) = made["signatures"]
        keyid, text = signed["keyid"], signed["sig"]
        return str(keyid), base64.b64decode(text.encode("ascii"), validate=True)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("it is no envelope with one signature") from error


def payload_of(made: Any) -> Any:
    """The Statement in an envelope; None where it has none that can be read."""
    try:
        return json.loads(base64.b64decode(made["payload"], validate=True))
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def sigstore_bundle(made: dict[str, Any]) -> dict[str, Any]:
    """The same envelope as `cosign verify-blob-attestation` reads it; the key is hinted at, and never in it.

    What the signature says of its key is left out: cosign calls a key by another name, and passes over a signature that
    names any other.
    """
    (signed,) = made["signatures"]
    return {
        "mediaType": _BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": signed["keyid"]}},
        "dsseEnvelope": {**made, "signatures": [{"sig": signed["sig"]}]},
    }
