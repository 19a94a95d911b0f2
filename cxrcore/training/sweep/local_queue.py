"""A sweep on this machine: one process of train.py on each device, until none of the trainings is left.

What is finished is skipped, what was stopped goes on, what fails is counted and named and does not stop the rest. The
state of a training is what the store says, so that a queue that was killed leaves nothing to put right.
"""

import os
import time
from collections.abc import Callable, Sequence

import torch

from cxrcore.errors import BeingTrained, RunError, StoreBusy
from cxrcore.interrupts import raise_again, sigterm_as_interrupt
from cxrcore.networks.prediction import default_device, require_device
from cxrcore.store import Store, claims
from cxrcore.store.queued import DONE, FAILED, QUEUED, RUNNING, WAITING
from cxrcore.training.sweep import kept_runs, processes, product_version
from cxrcore.training.sweep.planned import Planned, Training
from cxrcore.training.sweep.told import Told

AUTO = "auto"
OUTPUTS = "sweep"  # folder beside the store, with what each training says
LOOK_EVERY = 0.5  # seconds
ASK_EVERY = 5.0  # seconds between two looks at a training that another process makes


def devices(text: str | None) -> list[str]:
    """The devices that --devices means; of None and 'auto' all GPUs, or what else there is.

    Raises:
        RunError: one does not exist.
    """
    if text in (None, AUTO):
        n = torch.cuda.device_count()
        return [f"cuda:{number}" for number in range(n)] or [default_device().type]
    names = [name.strip() for name in str(text).split(",")]
    for name in names:
        require_device(name)
    return names


Command = Callable[[Planned, str], Sequence[str]]


def run(store: Store, plans: Sequence[Planned], on: Sequence[str],
        command: Command = lambda plan, device: plan.command(device)) -> None:
    """Make all of them.

    Args:
        on: names of devices; one that is named twice takes two trainings at a time.
        command: what makes a training on a device.

    Raises:
        RunError: some failed, with their names.
        KeyboardInterrupt: it was stopped; what was under way has been told to write down where it is.
    """
    sweep = _Sweep(store, plans, on, command)
    told = Told(store, sweep.trainings)
    with sigterm_as_interrupt():
        try:
            while sweep.step():
                told.now()
                raise_again()
                time.sleep(LOOK_EVERY)
        except BaseException:
            sweep.stop()
            told.end("stopped; the same command goes on from here")
            raise
    told.end("")
    if failed := [one.plan.name for one in sweep.trainings if one.state == FAILED]:
        raise RunError(f"{len(plans) - len(failed)} of {len(plans)} trainings are done; failed: {', '.join(failed)}. "
                       f"The same command tries these again; their outputs lie in {store.folder / OUTPUTS}")


class _Sweep:
    """The queue itself, looked at again and again."""

    def __init__(self, store: Store, plans: Sequence[Planned], on: Sequence[str], command: Command):
        self.trainings = [Training(plan, store.folder / OUTPUTS / f"{plan.key}.log") for plan in plans]
        self._store, self._command, self._free = store, command, list(on)
        self._environment = {product_version.VARIABLE: product_version.product_version()} | _threads(on)

    def step(self) -> bool:
        """Look at what runs, start what can be started; whether anything is left to wait for."""
        for one in self.trainings:
            if one.process is not None and one.process.poll() is not None:
                self._ended(one, one.process.returncode)
        self._start_next()
        return any(one.state in (QUEUED, WAITING, RUNNING) for one in self.trainings)

    def stop(self) -> None:
        """End what runs; the store then says how far each is."""
        running = [one for one in self.trainings if one.process is not None]
        processes.stop([one.process for one in running if one.process is not None])
        for one in running:
            one.state, one.said, one.process = QUEUED, "was stopped", None

    def _start_next(self) -> None:
        waiting = [one for one in self.trainings
                   if one.state == QUEUED or (one.state == WAITING and time.monotonic() - one.asked > ASK_EVERY)]
        if not (waiting and self._free):
            return
        try:
            kept = kept_runs.kept_runs(self._store, {one.plan.key for one in waiting})
            others = [self._other(one, kept.get(one.plan.key)) for one in waiting]
        except StoreBusy:  # then the next look
            return
        for one, who in zip(waiting, others, strict=True):
            found = kept.get(one.plan.key)
            if found and found.state == kept_runs.FINISHED:
                one.state, one.run_id = DONE, found.run_id
                one.said = "was finished before" if not one.said else one.said
            elif who:
                one.state, one.said, one.asked = WAITING, f"for {who}, which trains it", time.monotonic()
            elif self._free:
                self._start(one, self._free.pop(0))

    def _other(self, one: Training, found: kept_runs.KeptRun | None) -> str:
        """Who else makes it now."""
        run = f"the process of run {found.run_id}" if found and found.state == kept_runs.RUNNING else ""
        return claims.holder(self._store, one.plan.key) or run

    def _start(self, one: Training, device: str) -> None:
        one.process = processes.start(self._command(one.plan, device), one.output, self._environment)
        one.state, one.device, one.said, one.asked = RUNNING, device, f"on {device}", time.monotonic()

    def _ended(self, one: Training, code: int) -> None:
        try:
            found = kept_runs.kept_runs(self._store, {one.plan.key}).get(one.plan.key)
        except StoreBusy:  # then the next look
            return
        one.process = None
        self._free.append(one.device)
        if code == BeingTrained.exit_code:
            one.state, one.said = WAITING, "for another process, which trains it"
            return
        one.run_id = found.run_id if found else ""
        if found and found.state == kept_runs.FINISHED:
            one.state, one.said = DONE, f"took {time.monotonic() - one.asked:.0f} s"
        elif code:
            one.state, one.said = FAILED, processes.why_it_ended(code, one.output)
        else:
            one.state, one.said = FAILED, "it ended without a finished run: films have changed, or the store is away"


def _threads(on: Sequence[str]) -> dict[str, str]:
    """Several trainings on the processor share its cores, unless the person has said how many threads each takes."""
    n = sum(name == "cpu" for name in on)
    shared = n > 1 and "OMP_NUM_THREADS" not in os.environ
    return {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // n))} if shared else {}
