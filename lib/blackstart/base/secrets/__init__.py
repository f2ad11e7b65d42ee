"""Secrets: where they can stand, how they are referred to in records, and how they are masked in what is shown."""
