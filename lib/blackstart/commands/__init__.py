"""What each task does. The only place where an error becomes an exit code."""
