"""The metrics page comes packed with gzip, whether it was asked for or not."""

from blackstart_lab.page_shapes import Packed
from blackstart_lab.variants import Variant

VARIANT = Variant(summary="the metrics page is packed with gzip", parts={"page": Packed})
