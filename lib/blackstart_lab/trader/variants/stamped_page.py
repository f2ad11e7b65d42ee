"""Every sample stands there twice: as it was a minute ago, and as it is now, each with its time stamp."""

from blackstart_lab.page_shapes import Stamped
from blackstart_lab.variants import Variant

VARIANT = Variant(summary="samples with time stamps, old ones among them", parts={"page": Stamped})
