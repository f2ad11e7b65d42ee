"""The shipped suites: one folder a system, one file an experiment. `systems` finds them."""
