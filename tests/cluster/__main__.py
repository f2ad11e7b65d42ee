"""`python -m tests.cluster build | build-chaos-mesh | up FOLDER | down FOLDER`: see the package."""

import argparse
from pathlib import Path

from tests.cluster import build
from tests.cluster.chaos_mesh import ChaosMesh
from tests.cluster.cluster import Cluster


def main() -> None:
    """One of the four, as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description="A real Kubernetes for tests.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("build", help="build Kubernetes' programs into the cache, where they are not there yet")
    actions.add_parser("build-chaos-mesh", help="build Chaos Mesh's programs, too")
    for name, does in (("up", "bring a cluster up"), ("down", "end it, and remove all that it had")):
        action = actions.add_parser(name, help=does)
        action.add_argument("folder", type=Path, help="where its files are, its own")
        if name == "up":
            action.add_argument(
                "--chaos-mesh", action="store_true", help="with Chaos Mesh in it, which is built before"
            )
    told = parser.parse_args()
    if told.action.startswith("build"):
        print(build.build())
        if told.action == "build-chaos-mesh":
            build.build(build.CHAOS_MESH)
        return
    cluster = Cluster(told.folder.resolve())
    if told.action == "up":
        cluster.up()
        if told.chaos_mesh:
            ChaosMesh(cluster).up()
        print(cluster.kubeconfig)
    else:
        cluster.down()


if __name__ == "__main__":
    main()
