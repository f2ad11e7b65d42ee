"""Prometheus, where its binary is on PATH: scrapes a lab every second."""

import json
import shutil
import urllib.request
from collections.abc import Mapping

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Program, Service
from blackstart_lab.workspace import Workspace

SCRAPE_S = 1


def find() -> str | None:
    """Path of the binary; no wheel brings one."""
    return shutil.which("prometheus")


def service(workspace: Workspace, port: int, scraped: Mapping[str, tuple[str, str]]) -> Service:
    """A Prometheus that forgets with the lab. `scraped` is job to (host:port, metrics path)."""
    binary = find()
    if binary is None:
        raise NotStarted("no prometheus on PATH; install it (apt install prometheus) or go without")
    folder = workspace.folder / "prometheus"
    folder.mkdir(exist_ok=True)
    settings = folder / "prometheus.json"  # JSON is YAML, and needs no library to write
    jobs = [
        {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [address]}]}
        for job, (address, path) in scraped.items()
    ]
    every = {"scrape_interval": f"{SCRAPE_S}s", "scrape_timeout": f"{SCRAPE_S}s"}
    settings.write_text(json.dumps({"global": every, "scrape_configs": jobs}), encoding="utf-8")
    command = (
        binary,
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=2h",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
    return Service(
        name="prometheus",
        program=Program(command, folder, final_exit_codes=(1,)),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks(port, len(jobs)),
        target={"url": f"http://127.0.0.1:{port}"},
    )


def _lacks(port: int, jobs: int) -> str | None:
    """A first scrape of each job must have succeeded, so that no question finds an empty store."""
    try:
        url = f"http://127.0.0.1:{port}/api/v1/query?query=sum(up)"
        with urllib.request.urlopen(url, timeout=2) as answer:
            result = json.load(answer)["data"]["result"]
    except (OSError, ValueError, KeyError) as error:
        return f"no answer to a query ({error})"
    scraped = float(result[0]["value"][1]) if result else 0
    return None if scraped >= jobs else f"{scraped:g} of {jobs} targets scraped"
