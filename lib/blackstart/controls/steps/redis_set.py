"""Sets counts in Redis, all of them or none, and only where each still is what it was seen to be."""

from collections.abc import Mapping
from typing import Any

from blackstart.base.errors import StepFailed
from blackstart.model.protocols import read_redis

_WITHIN_S = 5.0


def compare_and_set(dsn: str, seen: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Set the keys of `wanted` where those of `seen` are as they were; they keep their time to live. Empty where it was
    done; else what was found instead, and nothing was set. Raises StepFailed where Redis can't be asked."""
    import redis  # noqa: PLC0415  (nothing else of the commands needs it)

    client: Any = redis.Redis(
        **read_redis(dsn).client_arguments(), socket_timeout=_WITHIN_S, socket_connect_timeout=_WITHIN_S,
        decode_responses=True,
    )  # fmt: skip
    try:
        with client.pipeline(transaction=True) as pipe:
            pipe.watch(*seen)  # whoever changes one from here on makes the transaction void
            found = {key: pipe.get(key) for key in seen}
            other = [f"{key} is {found[key]}, not {seen[key]}" for key in seen if found[key] != seen[key]]
            if other:
                return "; ".join(other)
            pipe.multi()
            for key, value in wanted.items():
                pipe.set(key, value, keepttl=True)
            pipe.execute()
    except redis.WatchError:
        return f"somebody has just changed {' or '.join(seen)}"
    except (redis.RedisError, OSError) as error:
        raise StepFailed(f"Redis did not take it: {error}") from error
    finally:
        client.close()
    return ""
