"""The verdict on a run, from its record alone. Pure, but for `from_folder`, which reads the files."""
