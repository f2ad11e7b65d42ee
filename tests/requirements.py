"""What a test may need of the machine, and why it can't run where that is missing."""

import contextlib
import os
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path

import pytest

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.servers import kafka_files
from tests.cluster import build as kubernetes


def _answers(*argv: str) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _opens_a_terminal() -> bool:
    try:
        for end in os.openpty():
            os.close(end)
    except OSError:
        return False
    return True


def _lacks_kafka() -> str | None:
    """Fetches it into the user's cache, where it is not there yet."""
    try:
        kafka_files.jars()
        kafka_files.java()
    except NotStarted as refusal:
        return str(refusal)
    return None


def _lacks_kubernetes() -> str | None:
    if os.geteuid() != 0:
        return "not root"
    lacking = [package for name, package in _NODE.items() if not shutil.which(name)]
    if lacking:
        return f"no Kubernetes node can run here: `apt-get install --no-install-recommends {' '.join(lacking)}`"
    if kubernetes.lacking():
        return "Kubernetes is not built here (`python -m tests.cluster build`: needs Go, about six minutes)"
    return None


def _lacks_chaos_mesh() -> str | None:
    if not shutil.which("ipset"):
        return "no ipset on PATH, by which Chaos Mesh cuts pods off: `apt-get install --no-install-recommends ipset`"
    if kubernetes.lacking(kubernetes.CHAOS_MESH):
        return (
            "Chaos Mesh is not built here (`python -m tests.cluster build-chaos-mesh`: needs Go, about seven minutes)"
        )
    return _lacks_kubernetes()


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 1))
    except OSError:
        return False


def _lacks_ipv6() -> str | None:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return "no IPv6 on this machine, not even ::1"
    return None


def _lacks_ptrace() -> str | None:
    """Of root of a container; anybody else sees what is its own, which all is that it starts."""
    with contextlib.suppress(OSError):
        (told,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line]
        if os.geteuid() == 0 and not int(told, 16) >> _CAP_SYS_PTRACE & 1:
            return "root may not look into the processes of other users here (no CAP_SYS_PTRACE), as PostgreSQL's are"
    return None


_GO = os.path.expanduser("~/go/bin")
_BINARIES = {
    "ssh": ("sshd", "/usr/sbin/sshd"),
    "prometheus": ("prometheus",),
    "k6": ("k6", f"{_GO}/k6"),
    "toxiproxy": ("toxiproxy-server", f"{_GO}/toxiproxy-server", f"{_GO}/server"),
    "browser": ("chromium",),
    "pdftotext": ("pdftotext",),
    "tmux": ("tmux",),
    "ps": ("ps",),
    "redis-cli": ("redis-cli",),
    "go": ("go",),
    "debootstrap": ("debootstrap", "/usr/sbin/debootstrap"),
    "curl": ("curl",),
    "iptables": ("iptables",),
    "openssl": ("openssl",),
    "wget": ("wget",),
    "python3": ("python3",),
    "docker-compose": ("docker-compose",),
    "stress-ng": ("stress-ng",),
    "setpriv": ("setpriv",),
    "kubectl": ("kubectl",),
    "cosign": ("cosign", f"{_GO}/cosign"),
}
_NODE = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "iptables": "iptables",
    "ip": "iproute2",
    "openssl": "openssl",
}
"""What a node of Kubernetes runs by, and Debian's package of it."""
_CAP_SYS_PTRACE = 19
_ADD_NETEM = ("unshare", "-n", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
_PLACES = (
    "docker",
    "proc",
    "localhost",
    "ipv6",
    "terminal",
    "root",
    "ptrace",
    "venv",
    "systemd",
    "netns",
    "netem",
    "faketime",
    "kafka",
    "registries",
    "kubernetes",
    "chaos-mesh",
)
_LACKS = {
    "ipv6": _lacks_ipv6, "ptrace": _lacks_ptrace, "kafka": _lacks_kafka, "kubernetes": _lacks_kubernetes,
    "chaos-mesh": _lacks_chaos_mesh,
}  # fmt: skip
KNOWN = (*_BINARIES, *_PLACES)
"""What BLACKSTART_REQUIRE may name; `registries` is asked for by the tests that install foreign clients."""


@cache
def missing(need: str) -> str | None:
    """Why this machine can't offer `need`, or None where it can."""
    if need == "docker":
        return None if _answers("docker", "info") else "no Docker engine answers (`docker info` fails)"
    if need == "proc":
        return None if os.path.exists("/proc/self/stat") else "no /proc (not Linux)"
    if need == "localhost":
        return None if _resolves("localhost") else "localhost has no address (no /etc/hosts)"
    if need == "terminal":
        return None if _opens_a_terminal() else "no terminal devices (no /dev/pts)"
    if need == "root":
        return None if os.geteuid() == 0 else "not root"
    if need == "venv":
        code = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
        return None if _answers("/usr/bin/python3", "-c", code) else "no /usr/bin/python3 of 3.11 or newer with venv"
    if need in _LACKS:
        return _LACKS[need]()
    if need == "systemd":
        return None if os.path.isdir("/run/systemd/system") else "systemd does not run here (no /run/systemd/system)"
    if need == "netns":
        return (
            None
            if _answers("ip", "netns", "list") and os.geteuid() == 0
            else "no network namespaces (needs root and ip)"
        )
    if need == "netem":
        return None if _answers(*_ADD_NETEM) else "no netem in this kernel (`modprobe sch_netem`), or no root or tc"
    if need == "faketime":
        found = any(Path("/usr").glob("lib*/**/faketime/libfaketime.so.1"))
        return None if found else "no libfaketime on this machine"
    names = _BINARIES[need]
    if any(shutil.which(name) for name in names):
        return None
    return f"no {names[0]} on PATH"


def demanded() -> frozenset[str]:
    """What BLACKSTART_REQUIRE names. Raises pytest.UsageError for a word that would demand nothing."""
    words = frozenset(word.strip() for word in os.environ.get("BLACKSTART_REQUIRE", "").split(",") if word.strip())
    unknown = sorted(words.difference(KNOWN))
    if unknown:
        told = f"BLACKSTART_REQUIRE names {', '.join(unknown)}, which no test needs"
        raise pytest.UsageError(f"{told}; it knows: {', '.join(sorted(KNOWN))}")
    return words


def require(*needs: str) -> None:
    """Skip the test with the reason where a need is missing; fail it where BLACKSTART_REQUIRE names that need.

    Who demands docker demands what goes with it (docker-compose), too.
    """
    words = demanded()
    for need in needs:
        reason = missing(need)
        if reason and words.intersection((need, need.partition("-")[0])):
            pytest.fail(f"BLACKSTART_REQUIRE demands {need}: {reason}")
        if reason:
            pytest.skip(f"needs {need}: {reason}")
