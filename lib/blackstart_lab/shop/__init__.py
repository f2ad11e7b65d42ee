"""The shop: orders that reserve stock of an inventory behind a breaker, services that find each other, and events."""
