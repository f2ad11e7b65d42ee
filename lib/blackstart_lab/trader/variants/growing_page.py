"""A series for each path that was ever asked for: the metrics page grows fivefold while it is looked at."""

from blackstart_lab.page_shapes import Growing
from blackstart_lab.variants import Variant

# Often enough for the steps of the backoff, and no oftener: it comes to a megabyte each time.
VARIANT = Variant(summary="the metrics page grows fivefold", parts={"page": Growing}, max_rate_hz=20.0)
