"""Real servers, run from wheels or from the machine's own packages, each on a private port of loopback."""
