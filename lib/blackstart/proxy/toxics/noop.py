"""The toxic `noop`."""

from blackstart.proxy.stage import Stage


class Noop(Stage):
    """Does nothing: all data passes."""
