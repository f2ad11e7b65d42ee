"""Pure verdicts over what a run left: history, final state and readings. One file, one check; found by its name."""
