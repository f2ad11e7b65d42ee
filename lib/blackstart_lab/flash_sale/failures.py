"""What the flash sale's parts say no with.

SaleError
├── StoreUnreachable   Redis refused, broke off, or did not answer in time; what it did is unknown
├── NotSent            Kafka certainly does not have the order
└── FateUnknown        Kafka may have the order, or may yet come to have it
"""


class SaleError(Exception):
    """Never leaves the HTTP side, which answers it with a status."""


class StoreUnreachable(SaleError):
    """Redis could not be asked."""


class NotSent(SaleError):
    """Nothing of the order was handed to Kafka."""


class FateUnknown(SaleError):
    """No answer of Kafka's came in time."""
