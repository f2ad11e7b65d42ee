"""The checkout as a lab: an API, a payment gateway and PostgreSQL, each reached through the fault proxy."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blackstart_lab import ports, programs
from blackstart_lab.checkout import mutants
from blackstart_lab.checkout.promise import PROMISED
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.servers import fault_proxy, postgres
from blackstart_lab.workspace import Workspace

_MAX_RATE_HZ = 50
_MOST_PER_S = 10_000
_DATABASE = "checkout"
_PLAIN = "sslmode=disable&gssencmode=disable"  # to ask for either costs each new connection a round trip


class CheckoutLab:
    """Sessions are opened once per idempotency key, paid, and written."""

    name = "checkout"
    summary = "sessions opened once per idempotency key in PostgreSQL, paid at an unreliable gateway, rate-limited"

    def mutants(self) -> dict[str, dict[str, Any]]:
        return {name: mutants.load(name).declaration() for name in mutants.names()}

    def lay_out(self, workspace: Workspace, options: Namespace) -> Layout:
        if options.mutant:
            mutants.load(options.mutant)
        if not 1 <= options.limit_per_s <= _MOST_PER_S:
            raise NotStarted(f"--limit-per-s {options.limit_per_s} is out of range; choose 1 to {_MOST_PER_S}")
        # All at once, so that none is taken twice.
        db_port, db_way, pay_port, pay_way, api_port, api_way, proxy_port = ports.take(7)
        api_way = ports.demand(options.port) if options.port else api_way
        rows = fault_proxy.proxied(postgres.service(workspace, db_port, _DATABASE), db_way)
        book = {"--dsn": rows.target["dsn"], **({"--reliable": None} if options.reliable_payments else {})}
        payments = _spoken_to(fault_proxy.proxied(_program(workspace, "payments", pay_port, "/health", book), pay_way))
        where = {
            "--dsn": f"postgresql://{_DATABASE}@{rows.target['address']}/{_DATABASE}?{_PLAIN}",
            "--payments": f"http://{payments.target['address']}",
            "--events": workspace.folder / "api.events.jsonl",
            "--limit-per-s": options.limit_per_s,
            **({"--mutant": options.mutant} if options.mutant else {}),
        }
        api = _spoken_to(fault_proxy.proxied(_program(workspace, "api", api_port, "/ready", where), api_way))
        api = replace(api, target={**api.target, "events": str(where["--events"])})
        proxied = (rows, payments, api)
        routes = {each.name: (str(each.target["address"]), each.address) for each in proxied}
        proxy = fault_proxy.service(workspace, proxy_port, routes)
        return Layout((rows, proxy, payments, api), _head(options, f"http://127.0.0.1:{api_way}", proxy))


LAB = CheckoutLab()


def _head(options: Namespace, api: str, proxy: Service) -> dict[str, Any]:
    return {
        "name": "checkout",
        "kind": "checkout",
        "lab": True,
        **({"mutant": options.mutant} if options.mutant else {}),
        "api": api,
        "proxy": proxy.target["url"],
        "max_rate_hz": _MAX_RATE_HZ,
        "facts": replace(PROMISED, limit_per_s=options.limit_per_s).facts(),
        "behaviors": {
            "CreateCheckoutSession": {
                "route": "/checkout/sessions",
                "method": "POST",
                "key_header": "Idempotency-Key",
                "client_header": "X-Client-Id",
                "body": {"customer": "{key}", "items": [{"sku": "A-1", "quantity": 2, "unit_cents": 1250}]},
                "other_body": {"customer": "{key}", "items": [{"sku": "B-2", "quantity": 1, "unit_cents": 900}]},
                "result_from": "json:session.id",
                "code_from": "json:error.code",
                "created": 201,
                "same": 200,
            }
        },
        "components": {"CheckoutRepository": "postgres", "PaymentGateway": "payments", "CheckoutAPI": "api"},
        "records": {
            "sessions": "SELECT idempotency_key, id::text FROM checkout_sessions WHERE idempotency_key LIKE {prefix}",
            "charges": "SELECT reference, id::text FROM payment_charges WHERE reference LIKE {prefix}",
        },
    }


def _spoken_to(service: Service) -> Service:
    """With what is spoken on the way through the fault proxy, which its own url does not tell."""
    return replace(service, target={**service.target, "dsn": f"http://{service.target['address']}"})


def _program(workspace: Workspace, name: str, port: int, up: str, flags: Mapping[str, Any]) -> Service:
    """One of the checkout's own programs, named like its module; `up` is the route that says when it is."""
    words = [str(word) for pair in {"--port": port, **flags}.items() for word in pair if word is not None]
    url = f"http://127.0.0.1:{port}"
    return Service(
        name=name,
        program=Program(
            (sys.executable, "-m", f"blackstart_lab.checkout.{name}", *words),
            workspace.folder,
            programs.environment(),
            final_exit_codes=(programs.PORT_TAKEN,),
        ),
        address=f"127.0.0.1:{port}",
        lacks=lambda: programs.lacks(f"{url}{up}", {}),
        target={"url": url},
    )
