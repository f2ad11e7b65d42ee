"""A real Kubernetes of one node on this machine, for tests: built here, in namespaces of its own, gone without a trace.

python -m tests.cluster build          # once, about six minutes
python -m tests.cluster build-chaos-mesh   # once, about seven minutes more
python -m tests.cluster up FOLDER      # prints the path of its kubeconfig
python -m tests.cluster down FOLDER
"""
