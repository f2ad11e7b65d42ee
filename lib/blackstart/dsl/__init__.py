"""Chaos blocks: the language in which a specification (`.isl`) says what shall fail and what must hold meanwhile."""
