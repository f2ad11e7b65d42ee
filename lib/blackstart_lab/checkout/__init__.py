"""The checkout: sessions opened once per idempotency key, paid at an unreliable gateway, kept in PostgreSQL."""
