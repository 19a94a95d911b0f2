"""A sweep by Slurm: one array job whose tasks are the same commands as on this machine, as text in a shell script.

Nothing is pickled, and Slurm is never asked whether a training is done: the store knows. A task that Slurm starts
twice finds the claim or the finished run. `squeue` alone is asked, for what still waits; accounting is not needed.
"""

import json
import logging
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from cxrcore.data.files import bounded_file
from cxrcore.data.files.replace_file import replacing
from cxrcore.errors import RunError
from cxrcore.store import Store, claims
from cxrcore.store.queued import DONE, FAILED, QUEUED, RUNNING, WAITING, Queue, Queued
from cxrcore.training.ranks.launch import without_launcher
from cxrcore.training.sweep import kept_runs, processes, product_version
from cxrcore.training.sweep.local_queue import OUTPUTS
from cxrcore.training.sweep.planned import Planned
from cxrcore.training.sweep.told import table

_LOG = logging.getLogger(__name__)  # scripts print what it says

JOBS = "jobs.json"  # which of Slurm's tasks stands for which training, in the sweep's folder
PENDING = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "SUSPENDED", "CONFIGURING"}
ACTIVE = {"RUNNING", "COMPLETING", "STAGE_OUT"}
_ASKED = 60.0  # seconds that Slurm gets for an answer
_SHOWN = 300  # letters of what it says


def require() -> None:
    """Raises RunError where there is no Slurm."""
    if lacking := [name for name in ("sbatch", "squeue") if not shutil.which(name)]:
        raise RunError(f"--on slurm: there is no {' and no '.join(lacking)} on this machine; without Slurm, --devices "
                       "runs the trainings here")


def submit(store: Store, plans: Sequence[Planned], options: str | None = None) -> None:
    """Say how far the trainings are, and submit those that are neither done nor in Slurm's hands.

    Args:
        options: further options of sbatch.

    Raises:
        RunError: Slurm refuses, or does not answer.
    """
    now = states(store, plans)
    left = [(number, plan) for number, plan in enumerate(plans) if now[number].state in (FAILED, "")]
    submitted = ""
    if left:
        job = _sbatch(store, [plan for _, plan in left], options)
        submitted = f"submitted as job {job}: {len(left)} tasks; the same command says how far they are"
    for number, plan in left:
        before = f", again after: {now[number].said}" if now[number].said else ""
        now[number] = Queued(plan.name, QUEUED, f"submitted{before}")
    for line in table(now):
        _LOG.info(line)
    _LOG.info("; ".join(one for one in (Queue(tuple(now), whole=True).in_words(), submitted) if one))


def states(store: Store, plans: Sequence[Planned]) -> list[Queued]:
    """How far each training is, by the store, its heartbeat and squeue; state '' for one that nobody has asked for."""
    kept, tasks, in_slurm = kept_runs.kept_runs(store, {plan.key for plan in plans}), _jobs(store), _squeue()
    return [_state(store, plan, kept.get(plan.key), tasks.get(plan.key, ""), in_slurm) for plan in plans]


def _state(store: Store, plan: Planned, found: kept_runs.KeptRun | None, task: str, in_slurm: dict[str, str]) -> Queued:
    where, output = in_slurm.get(task, ""), store.folder / OUTPUTS / f"{plan.key}.log"
    if found and found.state == kept_runs.FINISHED:
        return Queued(plan.name, DONE, f"run {found.run_id}")
    if who := claims.holder(store, plan.key):
        return Queued(plan.name, RUNNING, f"{who}, {f'task {task}' if where else 'not by Slurm'}")
    if found and found.state == kept_runs.RUNNING:
        return Queued(plan.name, WAITING, f"for run {found.run_id}, which another process trains")
    if where in ACTIVE:
        return Queued(plan.name, RUNNING, f"task {task}, begins or ends")
    if where:
        return Queued(plan.name, QUEUED, f"task {task}, {where.lower()}")
    if found or task:
        return Queued(plan.name, FAILED, processes.why_it_ended(None, output))
    return Queued(plan.name, "")


def _sbatch(store: Store, plans: Sequence[Planned], options: str | None) -> str:
    """Write the script, submit it, and keep which task is which training; returns the job's id."""
    folder = store.folder / OUTPUTS
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.sbatch"
    script.write_text(job_script(plans, folder))
    command = ["sbatch", "--parsable", f"--array=0-{len(plans) - 1}", "--requeue", "--job-name=cxr-sweep",
               f"--output={folder}/%A_%a.out", "--open-mode=append", *_split(options), str(script)]
    job = _ask(command).strip().partition(";")[0]
    if not job.isdigit():
        raise RunError(f"sbatch gave no job's id: {job[:_SHOWN]!a}")
    known = _jobs(store) | {plan.key: f"{job}_{number}" for number, plan in enumerate(plans)}
    with replacing(folder / JOBS) as partial:
        partial.write_text(json.dumps(known))
    return job


def job_script(plans: Sequence[Planned], outputs: Path) -> str:
    """A shell script whose task n makes training n, and writes what it says beside the store."""
    cases = []
    for number, plan in enumerate(plans):
        log = shlex.quote(str(outputs / f"{plan.key}.log"))
        cases.append(f"{number}) begins >>{log}; exec {plan.in_shell()} >>{log} 2>&1 ;;\n")
    begins = f"{processes.BEGINS} $(date '+%F %T'), task ${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID on $(hostname)"
    return (f"#!/bin/bash\nexport {product_version.VARIABLE}={product_version.product_version()}\n"
            f"begins() {{ echo \"{begins}\"; }}\ncase \"$SLURM_ARRAY_TASK_ID\" in\n{''.join(cases)}"
            "*) echo \"no training $SLURM_ARRAY_TASK_ID\" >&2; exit 2 ;;\nesac\n")


def _split(options: str | None) -> list[str]:
    try:
        return shlex.split(options or "")
    except ValueError as error:
        raise RunError(f"--sbatch cannot be read: {error}") from None


def _squeue() -> dict[str, str]:
    """{JOB_TASK: state}, of all tasks that Slurm holds, those in one line of an array too."""
    answer = _ask(["squeue", "--me", "--noheader", "--array", "--format=%F_%K %T"])
    return dict(words for line in answer.splitlines() if len(words := line.split()) == 2)


def _jobs(store: Store) -> dict[str, str]:
    """{key: JOB_TASK}, as it was last submitted."""
    try:
        told = bounded_file.settings(store.folder / OUTPUTS / JOBS)
    except (OSError, ValueError):
        return {}
    return {str(key): str(task) for key, task in told.items()} if isinstance(told, dict) else {}


def _ask(command: Sequence[str]) -> str:
    """What one of Slurm's programs answers."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ASKED,
                              env=without_launcher(os.environ))  # a job inherits what sbatch has
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunError(f"{command[0]} does not answer: {' '.join(str(error).split())[:_SHOWN]}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise RunError(f"{command[0]} refuses: {said[0][:_SHOWN]}")
    return done.stdout
