"""The shipped suites: one folder a system, one file an experiment. Only discovery imports them."""
