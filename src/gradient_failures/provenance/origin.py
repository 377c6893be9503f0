"""Where an artefact comes from: code, lock file, configuration, machine."""

import hashlib
import importlib.metadata
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from gradient_failures.provenance.code import code_hash

PAPER = (
    "Shalev-Shwartz, Shamir, Shammah: Failures of Gradient-Based Deep Learning. ICML 2017, arXiv:1703.07950"
)

IDENTITY = (
    "title",
    "config",
    "code_hash",
    "lock_hash",
    "device",
    "python_version",
    "numpy_version",
    "torch_version",
)


def file_hash(paths: Iterable[str]) -> str:
    """SHA-256 over the names and contents of ``paths``, in sorted order, as 64 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = Path(path).read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def attributes(
    *, title: str, code: str, lock: str, config: Mapping[str, Any], device: str = "cpu"
) -> dict[str, Any]:
    """Global attributes, after the CF conventions, that every artefact of the workflow carries.

    Parameters
    ----------
    title : what the artefact holds, in one line.
    code : the hash of the code it was computed with, from :mod:`gradient_failures.provenance.code`.
    lock : the lock file of its environment.
    config : the slice of the configuration it depends on.
    device : where it was computed.
    """
    return {
        "title": title,
        "source": f"gradient-failures {version()}",
        "history": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} computed",
        "references": PAPER,
        "git_commit": _git("rev-parse", "HEAD") or "unknown",
        "git_dirty": int(bool(_git("status", "--porcelain", "--untracked-files=no"))),
        "code_hash": code,
        "lock_hash": file_hash([lock]),
        "config": yaml.safe_dump(dict(config), sort_keys=False),
        "python_version": platform.python_version(),
        "numpy_version": importlib.metadata.version("numpy"),
        "torch_version": importlib.metadata.version("torch"),
        "device": device,
        "machine": f"{platform.system()} {platform.machine()}, {cpu_name()}",
    }


def as_text(attributes: Mapping[str, Any]) -> str:
    """``attributes`` for the metadata of a picture: one line each, without the time."""
    return "\n".join(f"{key}: {value}" for key, value in attributes.items() if key != "history")


def identity(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Those of the ``attributes`` that decide, on one machine, the bits of what is computed."""
    return {name: attributes[name] for name in IDENTITY}


def require_unchanged(modules: Iterable[str], code: str) -> None:
    """Raise if the code of ``modules`` no longer has the hash ``code``: a result has one origin."""
    if code_hash(modules) != code:
        raise RuntimeError("the source files changed while this job ran; run it again")


def version() -> str:
    """The version of this package, as it was installed."""
    try:
        return importlib.metadata.version("gradient-failures")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def cpu_name() -> str:
    """Model name of this machine's processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")


def _git(*arguments: str) -> str:
    try:
        run = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return run.stdout.strip()
