"""Whose certificates are trusted, found in one place for every client: probes, steps, proofs and loads alike.

Trusted is what this machine trusts, what any of the usual variables names, and what a URL itself names.
"""

import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from blackstart.base.errors import BadTarget

if TYPE_CHECKING:
    import requests

# The last two stand for this machine's own.
_READ_BY_OPENSSL = ("SSL_CERT_FILE", "SSL_CERT_DIR")
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
Demand = Literal["required", "optional", "none"]
_MODES = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}


@dataclass(frozen=True)
class TlsOptions:
    """What a URL says of its TLS: a file or folder of certificates, whether one of them must have signed, and a
    client's own certificate."""

    ca_certs: str = ""
    ca_path: str = ""
    demand: Demand = "required"
    check_hostname: bool = True
    certfile: str = ""
    keyfile: str = ""
    password: str = ""


@dataclass(frozen=True)
class Tls:
    """How a connection is secured; `told` says whom it trusts."""

    context: ssl.SSLContext
    told: str

    def refused(self, error: OSError) -> str:
        """Why a handshake failed; of a certificate that is not trusted, also whom we trust."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"no TLS: certificate not trusted: {error.verify_message} ({self.told})"
        return f"no TLS: {error.strerror or error}"


def tls(options: TlsOptions = TlsOptions()) -> Tls:
    """The context of a client. Raises BadTarget that names the variable or option whose file can't be used."""
    named = _named(options)
    context = ssl.create_default_context()
    for name, path in named.items():
        if name in _READ_BY_OPENSSL or path == named.get("SSL_CERT_FILE"):
            continue  # a bundle takes tens of milliseconds, and each reader has a context of its own
        try:
            context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
        except OSError as error:
            raise BadTarget(f"{name} names {path}, which holds no certificates that can be read: {error}") from error
    if options.certfile:
        try:
            context.load_cert_chain(options.certfile, options.keyfile or None, options.password or "")
        except OSError as error:
            raise BadTarget(f"ssl_certfile names {options.certfile}, which can't be used: {error}") from error
    context.check_hostname = options.check_hostname and options.demand != "none"
    context.verify_mode = _MODES[options.demand]
    own = f"what is named by {', '.join(named)}" if named else "what this machine trusts"
    return Tls(context, f"trusted is {own}; the file of another authority can be named in {VARIABLES[2]}")


def session(url: str) -> "requests.Session":
    """A client of requests for what is below that URL: no web proxy and no .netrc of this shell, which would get the
    target's headers, but the authorities that all others trust. Raises BadTarget as `tls`."""
    import requests  # noqa: PLC0415  (declarations load no client)

    made = requests.Session()
    made.trust_env = False
    if url.startswith("https://"):  # the certificates take a while to load
        made.mount("https://", adapter())
    return made


def adapter(**options: Any) -> "requests.adapters.HTTPAdapter":
    """What makes the connections of such a session, with these options of it. Raises BadTarget as `tls`."""
    from requests.adapters import HTTPAdapter  # noqa: PLC0415  (as above)

    class Trusting(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
            super().init_poolmanager(*arguments, **more, ssl_context=tls().context)

    return Trusting(**options)


def redis_arguments(options: TlsOptions) -> dict[str, Any]:
    """The same for redis-py, which begins with what OpenSSL trusts. Raises BadTarget as `tls`."""
    tls(options)
    named = _named(options)
    files = {path: name for name, path in named.items() if name not in _READ_BY_OPENSSL}
    bundles = [path for path in files if path != named.get("SSL_CERT_FILE") and not os.path.isdir(path)]
    return {
        "ssl": True,
        "ssl_cert_reqs": options.demand,
        "ssl_check_hostname": options.check_hostname,
        "ssl_ca_data": "\n".join(_text(path) for path in bundles) or None,
        "ssl_ca_path": next(filter(os.path.isdir, files), None),
        "ssl_certfile": options.certfile or None,
        "ssl_keyfile": options.keyfile or None,
        "ssl_password": options.password or None,
    }


def _named(options: TlsOptions) -> dict[str, str]:
    """The files and folders that are named somewhere, by who names them. Raises BadTarget."""
    from_shell = {name: os.environ.get(name, "").strip() for name in VARIABLES}
    named = {"ssl_ca_certs": options.ca_certs, "ssl_ca_path": options.ca_path, **from_shell}
    for name, path in named.items():
        if path and not os.access(path, os.R_OK):
            raise BadTarget(f"{name} names {path}, which can't be read: name a file of certificates, or leave it out")
    found = {name: path for name, path in named.items() if path}
    usual = ssl.get_default_verify_paths()
    if not (usual.cafile or usual.capath and any(os.scandir(usual.capath))):
        from requests.utils import DEFAULT_CA_BUNDLE_PATH  # noqa: PLC0415  (for a machine without any of its own)

        found["this machine"] = DEFAULT_CA_BUNDLE_PATH
    return found


def _text(path: str) -> str:
    with open(path, encoding="ascii", errors="ignore") as source:
        return source.read()
