"""What a URL says of its TLS, by the names that redis-py and kafka-python have for it."""

from collections.abc import Mapping

from blackstart.base.trust import Demand, TlsOptions

NAMES = frozenset((
    "ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile", "ssl_password",
))  # fmt: skip


def read(options: Mapping[str, str]) -> TlsOptions:
    """Raises ValueError for a value that is none."""
    demand = options.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    if demand not in ("required", "optional", "none"):
        raise ValueError("has an ssl_cert_reqs that is none of required, optional and none")
    check = options.get("ssl_check_hostname", "true").lower()
    if check not in ("true", "false", "1", "0", "yes", "no"):
        raise ValueError("has an ssl_check_hostname that is neither true nor false")
    known: Demand = "none" if demand == "none" else "optional" if demand == "optional" else "required"
    return TlsOptions(
        ca_certs=options.get("ssl_ca_certs", ""),
        ca_path=options.get("ssl_ca_path", ""),
        demand=known,
        check_hostname=check in ("true", "1", "yes"),
        certfile=options.get("ssl_certfile", ""),
        keyfile=options.get("ssl_keyfile", ""),
        password=options.get("ssl_password", ""),
    )
