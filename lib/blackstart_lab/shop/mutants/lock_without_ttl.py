"""A lock whose holder can't give it back stays for ever."""

from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.product_lock import ProductLock


class NeverLapses(ProductLock):
    """Taken without a time."""

    TAKE = "if redis.call('SET', KEYS[1], ARGV[1], 'NX') then return redis.call('INCR', KEYS[2]) end return 0"


MUTANT = Mutant(
    summary="the lock of a product has no time: one that is cut off while it holds it locks out everybody",
    experiment="split-brain",
    must_fail=("inventory_1_updates_again", "inventory_2_updates_again"),
    parts={"lock": NeverLapses},
)
