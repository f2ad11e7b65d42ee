"""Known kinds of target: their readings, ready to be named in an experiment."""
