"""kill -9 at given steps: what was acknowledged is there once, nothing half is finished, and the work goes on.

The short form of `test_kill_campaign`; dashboard and sweep are killed there alone.
"""

import fork_server
import killed_work
import kills
import pytest
from killed_work import EVALUATOR, EXPORTER, IMPORTER, PREPARER, TRAINER, Home
from kills import Moment

context = fork_server.context("killed_work", "small_trainings", "cxrcore.import_export.import_run",
                              "cxrcore.training.train_run", "cxrcore.evaluation.evaluate_run")


@pytest.fixture(scope="module")
def home(tiny_nih, tmp_path_factory) -> Home:
    """A home with an imported run."""
    made = Home(tmp_path_factory.mktemp("home"), tiny_nih)
    killed_work.import_one(made, 0)
    made.acknowledge()
    return made


@pytest.mark.parametrize("subject, shares", [
    (EXPORTER, (0.95,)), (IMPORTER, (0.8,)), (TRAINER, (0.7,)),
    pytest.param(EVALUATOR, (0.6,), marks=pytest.mark.long), pytest.param(PREPARER, (0.5,), marks=pytest.mark.long),
], ids=lambda one: getattr(one, "name", ""))
def test_killed_at_a_step_it_leaves_what_was_there_and_goes_on(subject, shares, home):
    if subject is EVALUATOR:
        killed_work.begin_evaluations(home)
        home.acknowledge()
    whole = kills.run(context, Moment(), subject.work, home, 0 if subject is TRAINER else 1000)
    assert not whole.error and whole.steps > 10, whole
    for number, share in enumerate(shares, start=1):
        assert killed_work.killed(context, subject, home, number, Moment(step=round(share * whole.steps))).killed
