"""Experiments on a flash sale: its worker, its queue, its database, its stock and one of its APIs go away."""
