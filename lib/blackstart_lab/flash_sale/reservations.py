"""Gate, idempotency key and stock in Redis, each order in one step.

An order's key is *open* from the moment that its unit is taken, with the order itself beside it, until Kafka has it;
then it is *accepted*. It belongs to one request at a time, by a lease. A key that is open with its lease over was left
behind by a request that died or does not know what became of its order: whoever finds it sends the same order again.
So a unit is never taken twice for a key, nor lost with it.
"""

import json
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from blackstart_lab.flash_sale.failures import StoreUnreachable
from blackstart_lab.flash_sale.promise import Promise

TAKEN, AGAIN, BUSY, GONE = "taken", "again", "busy", "gone"
DUPLICATE, SOLD_OUT, GATED = "duplicate", "sold_out", "gated"

_OPEN = "orders:open"
_CONNECTIONS = 300
_NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
# KEYS: rate, key, stock, sale, keys of the product, open. ARGV: gate (0: let in before), owner, lease ms, TTL, order.
_TAKE = (
    _NOW
    + """
if tonumber(ARGV[1]) > 0 then
  local count = redis.call('INCR', KEYS[1])
  redis.call('EXPIRE', KEYS[1], 5)
  if count > tonumber(ARGV[1]) then return {'gated'} end
end
local state = redis.call('HGET', KEYS[2], 'state')
if state == 'accepted' then return {'duplicate'} end
local free = now + tonumber(ARGV[3])
if state then
  if tonumber(redis.call('HGET', KEYS[2], 'free')) > now then return {'busy'} end
  redis.call('HSET', KEYS[2], 'owner', ARGV[2], 'free', free)
  redis.call('ZADD', KEYS[6], free, KEYS[2])
  return {'again', redis.call('HGET', KEYS[2], 'order'), redis.call('HGET', KEYS[2], 'sale')}
end
if ARGV[5] == '' then redis.call('ZREM', KEYS[6], KEYS[2]) return {'gone'} end
if tonumber(redis.call('GET', KEYS[3]) or '0') < 1 then return {'sold_out'} end
redis.call('DECR', KEYS[3])
local sale = redis.call('GET', KEYS[4]) or ''
redis.call('HSET', KEYS[2], 'state', 'open', 'owner', ARGV[2], 'free', free, 'order', ARGV[5], 'sale', sale)
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('SADD', KEYS[5], KEYS[2])
redis.call('ZADD', KEYS[6], free, KEYS[2])
return {'taken', ARGV[5], sale}
"""
)
# KEYS: key, open.
_ACCEPT = """
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'accepted')
redis.call('ZREM', KEYS[2], KEYS[1])
return 1
"""
# KEYS: key, open, stock, keys of the product. ARGV: owner.
_GIVE_BACK = """
if redis.call('HGET', KEYS[1], 'state') ~= 'open' or redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], KEYS[1])
redis.call('SREM', KEYS[4], KEYS[1])
redis.call('INCR', KEYS[3])
return 1
"""
# KEYS: key. ARGV: owner.
_LEAVE = """
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
return redis.call('HSET', KEYS[1], 'free', 0)
"""
# KEYS: stock, sale, keys of the product, open. ARGV: quantity, sale.
_OPEN_SALE = """
for _, key in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  redis.call('DEL', key)
  redis.call('ZREM', KEYS[4], key)
end
redis.call('DEL', KEYS[3])
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return 1
"""


@dataclass(frozen=True)
class Order:
    """What Kafka carries. `key` is the idempotency key, from which the id follows: the same order has the same id."""

    key: str
    product: str
    user: str
    placed_ms: int
    sale: str = ""

    @property
    def order_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.key))

    def value(self) -> dict[str, Any]:
        """The message."""
        return {
            "orderId": self.order_id,
            "productId": self.product,
            "userId": self.user,
            "timestamp": self.placed_ms,
            "sale": self.sale,
        }


@dataclass(frozen=True)
class Taken:
    """What came of asking: taken (a unit, now), again (open, and ours now), or one of the other words above.

    `order` is the one to be sent, as it was first placed.
    """

    outcome: str
    order: Order
    owner: str = ""


class Reservations:
    """Every call ends within the promised time. Raises StoreUnreachable; what Redis did is then unknown."""

    def __init__(self, url: str, promise: Promise) -> None:
        self.promise = promise
        self.redis = Redis.from_url(
            url,
            socket_timeout=promise.redis_timeout_s,
            socket_connect_timeout=promise.redis_timeout_s,
            max_connections=_CONNECTIONS,
            protocol=2,
            decode_responses=True,
            driver_info=None,  # to say who it is would be a round trip of each new connection
            retry=Retry(NoBackoff(), 0),  # redis-py's hidden retries would outlast the limit
        )
        self._take = self.redis.register_script(_TAKE)
        self._accept = self.redis.register_script(_ACCEPT)
        self._give_back = self.redis.register_script(_GIVE_BACK)
        self._leave = self.redis.register_script(_LEAVE)
        self._open_sale = self.redis.register_script(_OPEN_SALE)

    async def take(self, order: Order, *, gated: bool = True, new: bool = True) -> Taken:
        """Let it through the gate, look for its key and take a unit. Not `new`: only what is open already."""
        owner = str(uuid.uuid4())
        told = json.dumps({"product": order.product, "user": order.user, "placed_ms": order.placed_ms})
        product = f"product:{order.product}"
        # The second is the APIs' own, as in the public application; they share the counter.
        keys = [
            f"rate:{order.placed_ms // 1000}",
            self.key(order),
            f"{product}:stock",
            f"{product}:sale",
            f"{product}:keys",
            _OPEN,
        ]
        gate = self.promise.gate_per_s if gated else 0
        lease_ms = int(self.promise.lease_s * 1000)
        answer: list[str] = await self.ask(
            self._take(keys=keys, args=[gate, owner, lease_ms, self.promise.key_ttl_s, told if new else ""])
        )
        if len(answer) == 1:
            return Taken(answer[0], order)
        return Taken(answer[0], Order(order.key, **json.loads(answer[1]), sale=answer[2]), owner)

    async def accept(self, taken: Taken) -> None:
        """Kafka has it."""
        await self.ask(self._accept(keys=[self.key(taken.order), _OPEN]))

    async def give_back(self, taken: Taken) -> None:
        """It was certainly not sent: key and unit are as before, in one step."""
        product = f"product:{taken.order.product}"
        keys = [self.key(taken.order), _OPEN, f"{product}:stock", f"{product}:keys"]
        await self.ask(self._give_back(keys=keys, args=[taken.owner]))

    async def leave(self, taken: Taken) -> None:
        """What became of it is not known: the next one who comes may send it again, without waiting."""
        await self.ask(self._leave(keys=[self.key(taken.order)], args=[taken.owner]))

    async def left(self, at_most: int) -> list[str]:
        """Idempotency keys of orders that are open with their lease over."""
        seconds, _ = await self.ask(self.redis.time())
        found: list[str] = await self.ask(
            self.redis.zrangebyscore(_OPEN, "-inf", (seconds - 1) * 1000, start=0, num=at_most)
        )
        return [key.partition(":")[2] for key in found]

    async def product_of(self, key: str) -> str | None:
        """Of an open order; None where there is none of that key."""
        told = await self.ask(cast(Awaitable[str | None], self.redis.hget(f"idempotency:{key}", "order")))
        return json.loads(told)["product"] if told else None

    async def close_sale(self, product: str) -> None:
        """Nothing is sold until the next one opens."""
        await self.ask(self.redis.set(f"product:{product}:stock", 0))

    async def open_sale(self, product: str, quantity: int, sale: str) -> None:
        """Set the stock, and forget the keys of the sale before."""
        names = [f"product:{product}:{name}" for name in ("stock", "sale", "keys")]
        await self.ask(self._open_sale(keys=[*names, _OPEN], args=[quantity, sale]))

    def key(self, order: Order) -> str:
        return f"idempotency:{order.key}"

    async def ask(self, call: Awaitable[Any]) -> Any:
        """Raises StoreUnreachable, with what redis-py said."""
        try:
            return await call
        except (RedisError, OSError) as error:
            raise StoreUnreachable(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        await self.redis.aclose()
