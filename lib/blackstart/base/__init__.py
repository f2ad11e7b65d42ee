"""What every room stands on: errors, clock, plain data, console, sockets, secrets. Knows nothing of drills."""
