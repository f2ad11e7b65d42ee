"""How each kind of load is driven, one file for each, inside the process `python -m blackstart.loads`."""
