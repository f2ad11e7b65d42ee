"""The gateway: proxied routes with a rate limit in Redis, reached through a fault proxy, behind a circuit breaker."""
