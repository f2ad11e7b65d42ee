"""A machine with systemd, as a container: this machine's /usr under a small root, booted by the real systemd.

It is not `--privileged`, since some machines (nested ones) can't give all rights away; systemd needs the control
groups and the right to mount.
"""

import io
import os
import subprocess
import sys
import tarfile
import time
import uuid
from pathlib import Path

from tests.docker_engine import docker

IMAGE = "blackstart-test/systemd:1"
_ETC = ("passwd", "group", "nsswitch.conf", "alternatives", "ld.so.cache", "ld.so.conf", "dbus-1")
_REPOSITORY = Path(__file__).resolve().parents[1]


def _image() -> str:
    if docker("images", "-q", IMAGE):
        return IMAGE
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for link in ("bin", "sbin", "lib", "lib64", "lib32"):
            if Path(f"/{link}").is_symlink():
                tar.add(f"/{link}", link)
        for folder in (
            "usr",
            "proc",
            "sys",
            "dev",
            "run",
            "tmp",
            "root",
            "etc",
            "etc/systemd",
            "var",
            "var/log",
            "var/lib",
        ):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name in _ETC:
            if Path(f"/etc/{name}").exists():
                tar.add(f"/etc/{name}", f"etc/{name}")
        tar.addfile(tarfile.TarInfo("etc/machine-id"))
    subprocess.run(
        ["docker", "import", "-", IMAGE], input=packed.getvalue(), timeout=120, check=True, capture_output=True
    )
    return IMAGE


def pytest_under_systemd(*words: str) -> str:
    """What pytest prints when it is run with these words on the machine with systemd, in this same environment."""
    name = f"blackstart-systemd-{uuid.uuid4().hex[:8]}"
    shared = {"/usr", str(_REPOSITORY), sys.prefix, sys.base_prefix}
    outermost = [path for path in shared if not any(path.startswith(f"{other}/") for other in shared)]
    mounts = [word for path in outermost for word in ("-v", f"{path}:{path}:ro")]
    docker(
        "run", "-d", "--name", name, *mounts, "--tmpfs", "/run", "--tmpfs", "/tmp:exec", "-e", "container=docker",
        "--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE", "--security-opt", "seccomp=unconfined",
        "--security-opt", "apparmor=unconfined", "--cgroupns", "host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup",
        _image(), "/lib/systemd/systemd", "--unit=multi-user.target",
    )  # fmt: skip
    try:
        end = time.monotonic() + 90
        while docker("exec", name, "systemctl", "is-system-running", check=False) not in ("running", "degraded"):
            assert time.monotonic() < end, docker("logs", name, check=False)
            time.sleep(0.2)
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
        env = {
            "PYTHONDONTWRITEBYTECODE": "1",
            "BLACKSTART_REQUIRE": "systemd",
            "PATH": os.defpath,
            "HOME": "/root",
        }
        settings = [word for key, value in env.items() for word in ("-e", f"{key}={value}")]
        ran = subprocess.run(
            ["docker", "exec", *settings, "-w", str(_REPOSITORY), name, *argv],
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        return ran.stdout + ran.stderr
    finally:
        docker("rm", "-f", name, check=False)
