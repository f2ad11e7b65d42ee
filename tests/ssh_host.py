"""Another host for tests: a real sshd on loopback with keys and configuration of its own."""

import contextlib
import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import plumbum  # noqa: F401  (its environment is that of when it was loaded: no test's own, which would own the connection)

from tests import leftovers
from tests.services import connects, eventually, free_port


@dataclass
class SshHost:
    """A sshd that can be started and stopped. `url` is what a target says."""

    folder: Path
    port: int
    daemon: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """`ssh://user@127.0.0.1:port?config=…`."""
        return self.called("127.0.0.1")

    def called(self, address: str) -> str:
        """The same by another of its addresses."""
        return f"ssh://{getpass.getuser()}@{address}:{self.port}?config={self.folder}/config"

    def start(self) -> None:
        """Start sshd and wait until it takes connections."""
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        log = (self.folder / "sshd.log").open("ab")
        argv = [sshd, "-D", "-e", "-f", self.folder / "sshd_config"]
        self.daemon = subprocess.Popen(argv, stdout=log, stderr=log)
        leftovers.KEPT.add(
            self.daemon.pid
        )  # also where one test ends it and starts it again: it is there for the others
        log.close()
        assert eventually(lambda: connects(self.port)), (self.folder / "sshd.log").read_text()

    def stop(self) -> None:
        """End sshd; connections that stand go on."""
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(timeout=10)
            self.daemon = None


@contextlib.contextmanager
def ssh_host(folder: Path, *addresses: str) -> Iterator[SshHost]:
    """A running host, with these addresses of loopback besides 127.0.0.1; its keys and its sshd are gone at exit."""
    addresses = ("127.0.0.1", *addresses)
    port = free_port()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for key in ("host_key", "user_key", "other_key"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
        subprocess.run(argv, check=True, timeout=10)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    host_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text("".join(f"[{one}]:{port} {host_key}\n" for one in addresses))
    listens = "\n".join(f"ListenAddress {one}" for one in addresses)
    (folder / "sshd_config").write_text(f"""
Port {port}
{listens}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile {folder}/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
MaxStartups 100
""")
    (folder / "config").write_text(f"""
Host *
  IdentityFile {folder}/user_key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
""")
    host = SshHost(folder, port)
    host.start()
    try:
        yield host
    finally:
        host.stop()
