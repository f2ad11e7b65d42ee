"""Names in quotes and braces, as Prometheus 3 knows them, beside ones that can't be written otherwise."""

from blackstart_lab.page_shapes import Quoted
from blackstart_lab.variants import Variant

VARIANT = Variant(summary="the names on the metrics page are in quotes (UTF-8)", parts={"page": Quoted})
