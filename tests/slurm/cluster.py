"""A SLURM of one node, on loopback and in one folder: real daemons, stopped by their process ids."""

import os
import re
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

PACKAGES = {"munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd", "srun": "slurm-client"}
"""Debian's package for each program that a cluster is made of."""

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=15
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
PriorityType=priority/basic
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=7200
KillWait=3
JobRequeue=1
EnforcePartLimits=ALL
GresTypes=gpu
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=16000 Gres=gpu:test:2
PartitionName=cpu Default=YES Nodes=node DefMemPerCPU=500 MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=node DefMemPerCPU=500 MaxTime=INFINITE State=UP
"""

RECOVERY = """\
squeue --me --noheader --format '%i %j' | grep gradient-failures_ | cut -d ' ' -f 1 | xargs -r scancel
snakemake --unlock
snakemake --workflow-profile profiles/slurm all
"""
"""What the documentation says to do after the controller of a run was lost."""


def missing() -> str:
    """Why the workflow cannot run on a SLURM of its own here; empty if it can."""
    absent = [package for program, package in PACKAGES.items() if not shutil.which(program, path=_path())]
    if absent:
        return f"no SLURM here (Debian: apt-get install {' '.join(absent)})"
    if os.geteuid() != 0:
        return "only root can start a SLURM with GPUs"
    if find_spec("snakemake_executor_plugin_slurm") is None:
        return "Snakemake cannot talk to SLURM here (make test installs its plugin)"
    return ""


def wait_for(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """What ``condition`` returns once it is true; an AssertionError says ``what`` did not happen in time."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.2)
    return result


class Cluster:
    """A running cluster with the partitions ``cpu`` and ``gpu``, of two cards.

    Its files are in one folder, its daemons listen on free ports of loopback, and any number of clusters
    can run beside each other.

    Attributes
    ----------
    environment : environment in which commands of SLURM talk to this cluster.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SLURM_")},
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{_path()}",
        }

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop_daemons()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel all jobs and stop the daemons."""
        try:
            for job in self.running():
                self.command("scancel", job)
            wait_for(lambda: not self.running(), 30, "all jobs end")
        finally:
            self._stop_daemons()

    def command(self, *arguments: object) -> str:
        """What a command of SLURM prints."""
        done = subprocess.run(
            list(map(str, arguments)), env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def jobs(self) -> dict[str, str]:
        """State of every job that SLURM remembers, by its id, the oldest first."""
        lines = self.command("squeue", "-h", "--states=all", "--sort=i", "-o", "%i %T").splitlines()
        return dict(line.split() for line in lines)

    def running(self) -> list[str]:
        """Ids of the jobs that run, wait or end just now."""
        return self.command("squeue", "-h", "--sort=i", "-o", "%i").splitlines()

    def details(self, job: str) -> dict[str, str]:
        """What SLURM knows of a job, by SLURM's names."""
        return dict(re.findall(r"(\S+?)=(\S*)", self.command("scontrol", "show", "job", job)))

    def _start(self) -> None:
        self._write_files()
        key, socket_file = self.folder / "munge.key", self.folder / "munge.socket"
        self._run(
            *("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket_file}"),
            *(f"--pid-file={self.folder / 'munged.pid'}", f"--seed-file={self.folder / 'munge.seed'}"),
            f"--log-file={self.folder / 'munge.log'}",
        )
        wait_for(lambda: self._succeeds("munge", "-n", "-S", socket_file), 20, "munged answers")
        self._run("slurmctld", "-D", "-i")
        wait_for(lambda: self._succeeds("scontrol", "ping"), 20, "slurmctld answers")
        self._run("slurmd", "-D", "-N", "node")
        wait_for(lambda: self.command("sinfo", "-h", "-o", "%t") == "idle", 20, "the node is idle")

    def _write_files(self) -> None:
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir(mode=0o700)
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        for card in range(2):
            os.mknod(self.folder / f"card{card}", 0o600 | stat.S_IFCHR, Path(os.devnull).stat().st_rdev)
        controller_port, node_port = _free_ports(2)
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=socket.gethostname().split(".")[0],
                folder=self.folder,
                controller_port=controller_port,
                node_port=node_port,
                cpus=max(4, os.cpu_count() or 1),
            )
        )
        (self.folder / "gres.conf").write_text(f"Name=gpu Type=test File={self.folder}/card[0-1]\n")
        # Snakemake drops SLURM_CONF before it starts a job step: here, srun finds its cluster all the same.
        srun = self.folder / "bin/srun"
        program = shutil.which("srun", path=_path())
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {program} "$@"\n')
        srun.chmod(0o755)

    def _run(self, *command: object) -> None:
        with (self.folder / f"{command[0]}.out").open("wb") as log:
            self.daemons.append(
                subprocess.Popen(
                    list(map(str, command)),
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _stop_daemons(self) -> None:
        """The last one started first."""
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait(timeout=30)

    def _succeeds(self, *command: object) -> bool:
        done = subprocess.run(list(map(str, command)), env=self.environment, capture_output=True)
        return done.returncode == 0


def _path() -> str:
    """Where programs are looked for: daemons are not on every user's PATH."""
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
