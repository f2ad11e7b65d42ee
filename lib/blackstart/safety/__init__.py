"""What makes breaking things safe: one run per system, a durable undo, and proof of it."""
