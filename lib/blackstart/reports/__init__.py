"""Pure functions from the record of a run to what people and machines read of it."""
