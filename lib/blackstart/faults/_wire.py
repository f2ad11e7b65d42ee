"""What faults on the wire share: where a service is reached, and what can be measured there.

Everything is asked through the service's `address`: that is what its clients use, whatever stands between.
"""

from dataclasses import dataclass

from blackstart.base.errors import BadTarget, Refused
from blackstart.base.urls.redis import RedisUrl
from blackstart.model import protocols
from blackstart.model.expect import Condition
from blackstart.model.reading import Probe, Reading
from blackstart.model.target import Service, Target
from blackstart.probes.http import HttpStatus
from blackstart.probes.kafka_ping import KafkaPing
from blackstart.probes.postgres_ping import PostgresPing
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.tcp import Tcp, service_address
from blackstart.probes.wire import RoundTrip, Throughput

SPARE_S = 30
"""After a change's lease, by which a run's part of it is over: then what nobody took back is taken back where it is."""
_BASELINE_READS = 3
# What a busy machine adds to a round trip by itself.
_NOISE_MS = 2.0
# Half a second's worth of a narrow wire, so that it shows; not so much that a wide one is busy with it.
_LEAST_BYTES, _MOST_BYTES = 16 * 1024, 8 * 1024 * 1024
# The first bytes pass before a narrow wire has begun to count.
_ABOVE = 1.5


@dataclass(frozen=True)
class Route:
    """The way to a service, and who answers at its end. `speaks` is empty where that is not known."""

    service: Service
    address: str
    speaks: protocols.Name
    user: str
    read_timeout_s: float

    @property
    def name(self) -> str:
        """The service's."""
        return self.service.name

    def port(self) -> Tcp:
        """Whether it takes connections."""
        return Tcp(address=self.address, name=f"{self.name}_wire_port")

    def liveness(self) -> Probe | None:
        """Whether it answers in its own protocol; None where that is not known. Needs no password."""
        name = f"{self.name}_wire_answer"
        if self.speaks == "redis":
            return RedisPing(service=self.name, name=name, dsn=self.redis().without_login())
        if self.speaks == "postgres":
            return PostgresPing(service=self.name, name=name, address=self.address, user=self.user)
        if self.speaks == "kafka" and not self._encrypted():
            return KafkaPing(service=self.name, name=name, address=self.address)
        if self.speaks == "http":
            scheme = "https" if self.service.url.startswith("https") else "http"
            return HttpStatus(f"{scheme}://{self.address}/", name=name)
        return None

    def _encrypted(self) -> bool:
        """Whether its clients speak TLS with it, as far as its dsn tells."""
        return bool(self.service.dsn and protocols.read_kafka(self.service.dsn).tls)

    def redis(self) -> RedisUrl:
        """The Redis at the end, by this way."""
        place = protocols.places_of(Service(self.name, address=self.address))[0]
        return protocols.redis_of(self.service).through(place)

    def answers(self) -> Condition:
        """It answers in its own protocol, or at least takes connections."""
        probe = self.liveness()
        return Condition(probe, "answers") if probe else self.port().is_("open")

    def silent(self) -> Condition:
        """Nobody is there: the port refuses, or what takes connections for it (a published port) hangs up at once."""
        probe = self.liveness()
        return Condition(probe, "unreachable") if probe else self.port().unreachable()

    def normal(self) -> None:
        """Raise Refused where it does not answer now, since only what works can be broken."""
        condition = self.answers()
        reading = read_once(condition.probe, self.read_timeout_s)
        if not condition.matches(reading):
            raise self._dead(reading)

    def _dead(self, reading: Reading) -> Refused:
        return Refused(
            f"{self.name} does not answer at {self.address} ({reading.note or reading.kind}), and only what works can "
            "be broken"
        )

    def round_trip(self, fault: str) -> RoundTrip:
        """The round trip in ms. Raises Refused where nobody could measure it."""
        probe = self.liveness()
        if probe is None:
            raise Refused(
                f"nobody could see whether {fault} works: no answer of {self.name} can be timed. Give it a dsn "
                f"(redis://…, postgresql://…) or a url."
            )
        return RoundTrip(probe, f"{self.name}_round_trip_ms")

    def normal_ms(self, trip: RoundTrip) -> float:
        """What a round trip takes now. Raises Refused where there is none."""
        took = []
        for _ in range(_BASELINE_READS):
            reading = read_once(trip, self.read_timeout_s)
            if reading.kind != "value" or not isinstance(reading.value, int | float) or reading.note:
                raise self._dead(reading)
            took.append(float(reading.value))
        return min(took)

    def narrowed(self, rate_bytes_per_s: int) -> tuple[Condition, Condition]:
        """That no more than the rate gets through, and that more does. Raises Refused where nobody could measure it."""
        if self.speaks != "redis" or self.redis().tls:
            raise Refused(
                f"nobody could see how much gets through to {self.name}: that is measured with a Redis that echoes, "
                "without TLS"
            )
        size_bytes = min(max(rate_bytes_per_s // 2, _LEAST_BYTES), _MOST_BYTES)
        through = Throughput(self.address, size_bytes, f"{self.name}_bytes_per_s", self.service.dsn)
        narrow = round(rate_bytes_per_s * _ABOVE)
        return through.at_most(narrow), through.above(narrow)

    def slower_by(self, trip: RoundTrip, added_ms: float) -> float:
        """The round trip, in ms, from which on so much delay is taken for seen.

        Most of what is added on top of what is normal now; where that would take longer than a read may, most of that.
        """
        limit_ms = self.normal_ms(trip) + max(min(_NOISE_MS, added_ms), added_ms * 0.8)
        return round(min(limit_ms, self.read_timeout_s * 1000 * 0.75), 1)


def route_to(target: Target, name: str) -> Route:
    """The way to a service of the target. Raises BadTarget where it has no address."""
    service = target.service(name)
    address = service_address(target, name)
    user, speaks = protocols.user_of(service), protocols.spoken_by(service)
    return Route(service, address, speaks, user, min(2.0, target.read_timeout_s))


def positive(**values: float) -> None:
    """Raise ValueError that names the first value which is not above 0."""
    for name, value in values.items():
        if isinstance(value, bool) or not value > 0:
            raise ValueError(f"{name} must be above 0, not {value}")


def share_of(share: float) -> str:
    """In words, as in "30 % of "; "" for all. Raises ValueError for a share that is none."""
    if not 0 < share <= 1:  # written so that NaN is refused too
        raise ValueError(f"share must be above 0 and at most 1, not {share}")
    return "" if share == 1 else f"{share * 100:g} % of "


def need(text: str, what: str) -> str:
    """The text; BadTarget with `what` where it is empty."""
    if not text:
        raise BadTarget(what)
    return text
