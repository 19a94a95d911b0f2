"""kill -9 at seeded moments: what was acknowledged is there once, nothing half is finished, and the work goes on."""

import killed_work
import kills
import pytest
from killed_work import EXPORTER, IMPORTER, Home
from kills import Moment

context = kills.context("killed_work", "cxrcore.import_export.import_run")


@pytest.fixture(scope="module")
def home(tiny_nih, tmp_path_factory) -> Home:
    """A home with an imported run."""
    made = Home(tmp_path_factory.mktemp("home"), tiny_nih)
    killed_work.import_one(made, 0)
    made.acknowledge()
    return made


@pytest.mark.parametrize("subject, shares", [(EXPORTER, (0.5, 0.9, 0.98)), (IMPORTER, (0.3, 0.8))],
                         ids=lambda one: getattr(one, "name", ""))
def test_killed_at_a_step_it_leaves_what_was_there_and_goes_on(subject, shares, home):
    whole = kills.run(context, Moment(), subject.work, home, 1000)
    assert not whole.error and whole.steps > 10, whole
    subject.mend(home, 1000)
    for number, share in enumerate(shares, start=1):
        assert killed_work.killed(context, subject, home, number, Moment(step=round(share * whole.steps))).killed
