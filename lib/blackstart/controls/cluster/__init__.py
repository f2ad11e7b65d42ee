"""A Kubernetes cluster as its API server shows it: loaded only where a target names one, since it needs an extra."""
