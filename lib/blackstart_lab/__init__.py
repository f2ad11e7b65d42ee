"""Reference systems with real servers: to learn on, to demonstrate on, to test Blackstart on."""
