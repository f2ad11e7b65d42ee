"""The one reader of what speaks Kafka: `kafka://host:9092`, several hosts, or these alone, as its clients have them.

TLS and a login are meant by a scheme, as in `sasl_ssl://user:password@host:9093?sasl_mechanism=SCRAM-SHA-512`.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from blackstart.base import trust
from blackstart.base.trust import TlsOptions
from blackstart.base.urls import parts, tls_options
from blackstart.base.urls.parts import Place

PORT = 9092
SUCH_AS = "kafka://localhost:9092"
# Each scheme, and whether it means TLS; most are the protocols of a broker's listeners.
SCHEMES = {
    "kafka": False, "plaintext": False, "sasl_plaintext": False, "kafka+ssl": True, "ssl": True, "sasl_ssl": True
}  # fmt: skip
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_MECHANISM = "sasl_mechanism"


@dataclass(frozen=True)
class KafkaUrl:
    """The servers through which a cluster is found, its login, where it wants one, and its TLS, where it has one."""

    places: tuple[Place, ...]
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    mechanism: str = MECHANISMS[0]
    tls: TlsOptions | None = None

    def context(self) -> trust.Tls | None:
        """For a socket of our own. Raises BadTarget as `trust.tls`."""
        return trust.tls(self.tls) if self.tls else None

    def login(self) -> dict[str, str]:
        """For kafka-python; nothing, where none is meant."""
        if not self.user:
            return {}
        return {_MECHANISM: self.mechanism, "sasl_plain_username": self.user, "sasl_plain_password": self.password}

    def security(self, tls: trust.Tls | None) -> dict[str, Any]:
        """The rest for kafka-python, with the context of above."""
        protocol = f"{'SASL_' if self.user else ''}{'SSL' if tls else 'PLAINTEXT'}"
        return {"security_protocol": protocol, "ssl_context": tls.context if tls else None}


def read(text: str) -> KafkaUrl:
    """The cluster behind a URL, or behind hosts with commas between. Raises ValueError."""
    word = parts.one_word(text)
    found = parts.split(word if "://" in word else f"kafka://{word}", SUCH_AS, SCHEMES)
    options = dict(reversed(parse_qsl(found.query, keep_blank_values=True)))
    if options.keys() - tls_options.NAMES - {_MECHANISM}:
        known = ", ".join((_MECHANISM, *sorted(tls_options.NAMES)))
        raise ValueError(f"has an option that is not known: it takes {known}")
    encrypted, mechanism = SCHEMES[found.scheme], options.get(_MECHANISM, MECHANISMS[0]).upper()
    if options.keys() & tls_options.NAMES and not encrypted:
        raise ValueError("has options of TLS, but no TLS: begin it with ssl:// or, with a login, sasl_ssl://")
    if mechanism not in MECHANISMS:
        raise ValueError(f"has a {_MECHANISM} that is none of {', '.join(MECHANISMS)}: others are not supported")
    login = found.scheme.startswith("sasl_") or _MECHANISM in options or found.user is not None
    if login and not (found.user and found.password):
        raise ValueError(f"means a login, and lacks a part of it: {found.scheme}://user:password@host:port")
    return KafkaUrl(
        places=tuple(parts.place_in(each, PORT, SUCH_AS) for each in found.where.split(",")),
        user=found.user or "",
        password=found.password or "",
        mechanism=mechanism,
        tls=tls_options.read(options) if encrypted else None,
    )
