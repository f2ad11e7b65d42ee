"""The flash sale: orders taken by several APIs, their stock counted in Redis, written by a worker behind Kafka."""
