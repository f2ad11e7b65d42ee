"""What all unit tests share."""

from hypothesis import settings

# A time limit per example fails on a busy machine, and says nothing about the code.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
