"""The one reader of what speaks Kafka: `kafka://host:9092`, several hosts, or these alone, as its clients have them."""

from dataclasses import dataclass

from blackstart.base.urls import parts
from blackstart.base.urls.parts import Place

PORT = 9092
SUCH_AS = "kafka://localhost:9092"
# Each scheme, and whether it means a login or TLS; most are the protocols of a broker's listeners.
SCHEMES = {"kafka": False, "plaintext": False, "ssl": True, "sasl_plaintext": True, "sasl_ssl": True}


@dataclass(frozen=True)
class KafkaUrl:
    """The servers through which a cluster is found; `secured` where they want a login or TLS."""

    places: tuple[Place, ...]
    secured: bool = False


def read(text: str) -> KafkaUrl:
    """The cluster behind a URL, or behind hosts with commas between. Raises ValueError."""
    word = parts.one_word(text)
    found = parts.split(word if "://" in word else f"kafka://{word}", SUCH_AS, SCHEMES)
    places = tuple(parts.place_in(each, PORT, SUCH_AS) for each in found.where.split(","))
    return KafkaUrl(places, SCHEMES[found.scheme] or found.user is not None)
