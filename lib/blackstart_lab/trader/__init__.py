"""The trader: one leader trades while it holds a lock in Redis, and keeps its orders in PostgreSQL."""
