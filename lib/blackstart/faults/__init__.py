"""Faults: one file, one way to break one thing. A fault turns a target into changes and does nothing itself."""
