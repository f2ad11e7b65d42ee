"""A cluster of one node: brought up in seconds, taken down with everything that it had."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.campaign.facts import marked, words_of

from tests import machine_lock
from tests.cluster import archive, build, settings
from tests.cluster.place import Place
from tests.services import eventually, free_port, supervisorctl

_READY_WITHIN_S = 90.0
_LONGEST = 90  # an AF_UNIX path has at most 107 characters, and supervisord's is in this folder
_OURS = "a-cluster-of-tests"


class NotReady(RuntimeError):
    """It did not come up: the message has the last lines of each program. Or the folder is not one for a cluster."""


@dataclass(frozen=True)
class Cluster:
    """The cluster whose files are in `folder`, an absolute path of at most 90 characters. Nobody else's are there."""

    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """Of an administrator, with one context, which is the current one."""
        return self.folder / "kubeconfig"

    @property
    def place(self) -> Place:
        """What it takes of the machine."""
        return Place.of(self.folder)

    def up(self) -> None:
        """Bring it up, its node Ready; what an earlier one left in this folder is cleared away first.

        Raises NotReady, and leaves nothing then.
        """
        if len(str(self.folder)) > _LONGEST:
            raise NotReady(f"{self.folder} is too long a path: choose one of at most {_LONGEST} characters")
        self.down()
        build.build()
        self.folder.mkdir(mode=0o700, parents=True)
        try:
            with self._lock() as held:
                self._configure(held)
                self.place.take(held)
                self._start(held)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """End it, and remove all that it had: also what is left of one whose maker was killed.

        Raises NotReady for a folder that has other files.
        """
        if self.folder.exists() and os.listdir(self.folder) and not (self.folder / _OURS).exists():
            raise NotReady(f"{self.folder} has files of something else: name a folder that is not there yet")
        assert eventually(self._ended), (
            f"{self.folder} is being brought up, or its processes can't be ended: {self.left()}"
        )
        self.place.leave()
        if self.folder.exists():
            for path in self.folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != _OURS:  # the last to go: whoever is killed meanwhile can try again
                    path.unlink()
            shutil.rmtree(self.folder)

    def left(self) -> list[str]:
        """What there is of it on this machine, besides its folder; empty after `down`."""
        processes = [f"{pid} {' '.join(words_of(pid))}" for pid in sorted(self._processes())]
        return [*processes, *self.place.left()]

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """What kubectl prints, without the line's end. Raises AssertionError with its words where it fails."""
        ran = subprocess.run(
            self.kubectl_line(*words), input=stdin, capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0 or not check, f"kubectl {' '.join(words)}: {ran.stderr.strip()}"
        return ran.stdout.strip()

    def kubectl_line(self, *words: str) -> list[str]:
        """kubectl for this cluster, as a command line."""
        return [str(build.folder() / "kubectl"), f"--kubeconfig={self.kubeconfig}", *words]

    def load_image(self, tar: Path) -> None:
        """Make the images of an archive known to the node (`imagePullPolicy: Never`)."""
        # containerd's socket is in a /run of its own.
        way = ["nsenter", "--mount", f"--target={self._first_process()}"]
        words = ["ctr", "--namespace=k8s.io", "images", "import", "--no-unpack", str(tar)]
        env = settings.environment(self.folder)  # `down` ends it, too: without containerd it would wait for ever
        ran = subprocess.run([*way, *words], env=env, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, f"ctr images import {tar}: {ran.stderr.strip()}"

    def add_volume(self, name: str) -> None:
        """A volume of 100 MB that anybody may write to, for a claim that names no storage class."""
        place = self.folder / "volumes" / name
        place.mkdir(parents=True)
        place.chmod(0o777)
        spec = {"capacity": {"storage": "100Mi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(place)}}
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(volume))

    @contextlib.contextmanager
    def _lock(self) -> Iterator[int]:
        """Held by whoever makes the cluster, and by all that it starts: `down` waits for a child not yet marked."""
        held = os.open(self.folder / _OURS, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield held
        finally:
            os.close(held)

    def _configure(self, held: int) -> None:
        names = ("etcd", "etcd-peers", "kube-apiserver", "kubelet", "streams")
        ports = {name: free_port() for name in names}
        settings.Settings(self.folder, self.place, ports, secrets.token_hex(16)).write()
        key = self.folder / "kube-apiserver" / "accounts.key"
        words = ["openssl", "genrsa", "-out", str(key), "2048"]
        subprocess.run(words, check=True, capture_output=True, timeout=60, pass_fds=[held])

    def _start(self, held: int) -> None:
        # All its processes end with the first, and its mounts with them. `slave`: what others unmount goes here, too.
        way = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation=slave"]
        with (self.folder / "log" / "inside.log").open("wb") as log:
            subprocess.Popen(
                [*way, "sh", str(self.folder / "inside.sh")],
                env=settings.environment(self.folder),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[held],
            )
        self._await("the API server is ready", lambda: self._says("ok", "get", "--raw=/readyz"))
        supervisorctl(self.folder / "supervisord.conf", "start", *settings.THEN)
        self.load_image(_pause(self.folder / "pause.tar"))
        ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
        self._await("the node is Ready", lambda: self._says("True", "get", "node", settings.NODE, "-o", ready))
        self._await(
            "pods may be made", lambda: self._says("serviceaccount/default", "get", "sa", "default", "-o", "name")
        )

    def _says(self, expected: str, *words: str) -> bool:
        return self.kubectl(*words, check=False) == expected

    def _await(self, what: str, fact: Callable[[], bool]) -> None:
        if not eventually(fact, _READY_WITHIN_S):
            logs = sorted((self.folder / "log").glob("*.log"))
            last = [f"--- {log.name}\n{_tail(log)}" for log in logs]
            raise NotReady("\n".join([f"not within {_READY_WITHIN_S:g} s: {what}", *last]))

    def _processes(self) -> set[int]:
        return marked(f"BLACKSTART_CLUSTER={self.folder}")

    def _first_process(self) -> int:
        return next(pid for pid in self._processes() if words_of(pid)[:1] == ["unshare"])

    def _ended(self) -> bool:
        found = self._processes()
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # One that had not begun its program at the first look may have done so, and closed the lock's file, by now.
        return not found and self._nobody_holds() and not self._processes()

    def _nobody_holds(self) -> bool:
        """A maker that was killed may have a child that is about to run a program: not marked, but it has the lock."""
        if not (self.folder / _OURS).exists():
            return True
        try:
            with self._lock():
                return True
        except BlockingIOError:
            return False


@contextlib.contextmanager
def alone() -> Iterator[Cluster]:
    """A cluster that is up until the end, the only one of its kind on this machine: who comes second waits. What a
    killed one left goes first, and nothing is left of this one. Raises NotReady."""
    with machine_lock.held("cluster"):
        one = Cluster(Path(tempfile.gettempdir()).resolve() / f"blackstart-test-cluster-{os.getuid()}")
        one.up()
        try:
            yield one
        finally:
            one.down()
        assert one.left() == []


def _pause(path: Path) -> Path:
    root = archive.packed(lambda tar: tar.add(build.folder() / "pause", "pause"))
    return archive.write(path, settings.PAUSE, root, ["/pause"])


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
