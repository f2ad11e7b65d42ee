"""The order of events of a run: baseline, inject, observe, undo, record."""
