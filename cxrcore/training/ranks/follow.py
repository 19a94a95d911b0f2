"""What a process does that is not the first of its training: it trains along, and writes nothing."""

from cxrcore.interrupts import raise_again
from cxrcore.networks.prediction import default_device
from cxrcore.training.command import restored
from cxrcore.training.devices import memory_in_one_line
from cxrcore.training.ranks.group import Group
from cxrcore.training.ranks.shared_plan import shared_plan
from cxrcore.training.trainer import Trainer


def follow(group: Group) -> None:
    """Train along to the end of the first process's training.

    Raises:
        Over: there was nothing to train.
        WorkbenchError: one line, for the first process to say.
    """
    plan = shared_plan(group)
    settings = plan.settings
    with memory_in_one_line(settings.batch_size, settings.accumulate, settings.precision, default_device()):
        trainer = restored(Trainer(plan.model, plan.spec, plan.data, settings), plan.last)
        while not trainer.done:
            trainer.run_epoch(lambda *_: raise_again())
