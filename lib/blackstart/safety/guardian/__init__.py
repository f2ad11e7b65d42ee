"""The detached process that mends what a dead runner left."""
