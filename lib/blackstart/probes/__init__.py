"""Probes: one file, one source of readings. A new one is a new file; nothing else knows of it.

It has a `@plain("probe.<name>")` class with the mixin `Conditions` (`is_`, `above`, …), and `name`, `bind(target)`,
`endpoint()`, `pick(answer)` as in `model.reading.Probe`; and a `@plain("endpoint.<name>")` class whose `open()` gives
what reads. Probes with equal endpoints share one reading a tick. `loads` of an endpoint names the modules that its
readers are made of, which are imported before the first reading.
"""
