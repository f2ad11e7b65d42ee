"""The payment gateway as its client sees it: each try has a limit, and all of them are one purchase."""

import asyncio
from types import TracebackType

import aiohttp

from blackstart_lab.checkout.failures import PaymentUnavailable
from blackstart_lab.checkout.promise import Promise

_PAUSE_S = 0.05
_CONNECTIONS = 50


class PaymentClient:
    """Raises PaymentUnavailable when every try has failed; whether it was charged is then unknown."""

    def __init__(self, url: str, promise: Promise) -> None:
        self.url = url
        self.tries = promise.payment_tries
        self.timeout_s = promise.payment_timeout_s

    async def __aenter__(self) -> "PaymentClient":
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=self.timeout_s),
        )
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.session.close()

    def key(self, reference: str) -> str:
        """The gateway charges once for each of these: the purchase's own, at every try and after every restart."""
        return reference

    async def charge(self, reference: str, amount_cents: int) -> str:
        """Charge once, however many tries it takes; returns the charge's id."""
        body = {"reference": reference, "amount_cents": amount_cents}
        why = ""
        for number in range(1, self.tries + 1):
            try:
                return await self._once(body, self.key(reference))
            except (TimeoutError, aiohttp.ClientError, ValueError, KeyError) as error:
                why = str(error) or type(error).__name__
            if number < self.tries:
                await asyncio.sleep(_PAUSE_S * number)
        raise PaymentUnavailable(f"the payment gateway after {self.tries} tries: {why}")

    async def _once(self, body: dict[str, object], key: str) -> str:
        headers = {"Idempotency-Key": key}
        async with self.session.post(f"{self.url}/charges", json=body, headers=headers) as answer:
            if answer.status not in (200, 201):
                raise ValueError(f"it answered {answer.status}")
            return str((await answer.json())["charge"]["id"])

    async def which(self) -> str:
        """The instance that answers, "" where none does."""
        try:
            async with self.session.get(f"{self.url}/health") as answer:
                return str((await answer.json())["instance"])
        except (TimeoutError, aiohttp.ClientError, ValueError, KeyError):
            return ""
