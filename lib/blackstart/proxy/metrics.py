"""What Prometheus sees at `/metrics`: the byte counters under Toxiproxy's names, and what it does not count."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from blackstart.proxy.collection import Collection
from blackstart.proxy.stage import HITS
from blackstart.proxy.toxic import DOWNSTREAM, UPSTREAM


class ProxyMetrics(Collector):
    """Reads every figure when it is asked for: open connections count as they are, not once they are closed."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def collect(self) -> Iterable[Metric]:
        yield from self._bytes()
        proxies = list(self._collection.proxies.values())
        accepted = CounterMetricFamily("blackstart_proxy_connections", "Accepted connections", labels=["proxy"])
        failed = CounterMetricFamily("blackstart_proxy_dials_failed", "Upstream not reached", labels=["proxy"])
        opened = GaugeMetricFamily("blackstart_proxy_open_connections", "Connections open now", labels=["proxy"])
        enabled = GaugeMetricFamily("blackstart_proxy_enabled", "1 while the proxy is enabled", labels=["proxy"])
        toxics = GaugeMetricFamily("blackstart_proxy_toxics", "Toxics in place now", labels=["proxy"])
        hits = CounterMetricFamily("blackstart_proxy_toxic_hits", "Chunks it dropped", labels=["proxy", "toxic"])
        for proxy in proxies:
            accepted.add_metric([proxy.name], proxy.accepted)
            failed.add_metric([proxy.name], proxy.dials_failed)
            opened.add_metric([proxy.name], len(proxy.connections))
            enabled.add_metric([proxy.name], proxy.enabled)
            toxics.add_metric([proxy.name], len(proxy.toxics))
            for toxic in proxy.toxics:
                hits.add_metric([proxy.name, toxic.name], toxic.shared.get(HITS, 0))
        yield from (accepted, failed, opened, enabled, toxics, hits)

    def _bytes(self) -> Iterator[Metric]:
        labels = ["direction", "proxy", "listener", "upstream"]
        received = CounterMetricFamily("toxiproxy_proxy_received_bytes", "Bytes read from the sender", labels=labels)
        sent = CounterMetricFamily("toxiproxy_proxy_sent_bytes", "Bytes handed on to the receiver", labels=labels)
        for proxy in self._collection.proxies.values():
            for direction in (UPSTREAM, DOWNSTREAM):
                values = [direction, proxy.name, str(proxy.listen), str(proxy.upstream)]
                totals = proxy.totals(direction)
                received.add_metric(values, totals.received)
                sent.add_metric(values, totals.sent)
        yield from (received, sent)


def exposition(collection: Collection) -> CollectorRegistry:
    """A registry of these metrics and of the process's own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ProxyMetrics(collection))
    for make in (ProcessCollector, PlatformCollector, GCCollector):
        make(registry=registry)
    return registry
