"""A Slurm of one node for tests, from Debian's packages slurm-wlm and munge, started as root without services.

    with own_slurm(): subprocess.run(["sbatch", ...])
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "sinfo")
START_SECONDS = 60
CGROUP = "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nConstrainCores=no\nConstrainRAMSpace=no\n"
CONFIG = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/sock,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld
SlurmdLogFile={folder}/log/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2,sched_min_interval=0
ReturnToService=2
KillWait=2
JobRequeue=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=1000 \
State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=60 State=UP OverSubscribe=NO
"""


@contextlib.contextmanager
def own_slurm() -> Iterator[None]:
    """Slurm while the block runs, as SLURM_CONF of this process names it; skips the test where it cannot start."""
    lacking = [name for name in PROGRAMS if not shutil.which(name)]
    if lacking or os.geteuid() != 0:
        pytest.skip(f"no Slurm to start here: {', '.join(lacking) or 'it needs root'} (Debian: slurm-wlm, munge)")
    # Not in pytest's folder: munged wants one that everybody can look through.
    with (tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as home,
          pytest.MonkeyPatch.context() as patch):
        folder = Path(home)
        config = _configured(folder)
        patch.setenv("SLURM_CONF", str(config))
        try:
            _start(folder, config)
            yield
        finally:
            _stop(folder)


def _configured(folder: Path) -> Path:
    for name in ("munge", "state", "spool", "log"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "munge").chmod(0o755)
    key = folder / "munge" / "key"
    key.touch(0o600)
    key.write_bytes(os.urandom(128))
    (folder / "cgroup.conf").write_text(CGROUP)
    config = folder / "slurm.conf"
    config.write_text(CONFIG.format(folder=folder, host=socket.gethostname().partition(".")[0], ports=_free_ports()))
    return config


def _free_ports() -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(2)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _start(folder: Path, config: Path) -> None:
    munge = folder / "munge"
    for command in (["munged", f"--key-file={munge}/key", f"--socket={munge}/sock", f"--pid-file={munge}/pid",
                     f"--log-file={munge}/log", f"--seed-file={munge}/seed", "--origin=127.0.0.1"],
                    ["slurmctld", "-f", str(config)], ["slurmd", "-f", str(config)]):
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=START_SECONDS)
        if done.returncode:
            pytest.skip(f"{command[0]} does not start: {' '.join(done.stderr.split())[:200]}")
    end = time.monotonic() + START_SECONDS
    while subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True).stdout.strip() != "idle":
        if time.monotonic() > end:
            pytest.skip("the node of Slurm does not become idle")
        time.sleep(0.1)


def _stop(folder: Path) -> None:
    for pid in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            number = int((folder / pid).read_text())
            os.kill(number, signal.SIGTERM)
            psutil.Process(number).wait(10)
