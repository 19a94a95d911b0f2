"""Sixty seeded kills (kill -9) of every piece of the product's work, in one store, in as many sittings as it takes.

    CXR_KILLS=FOLDER CXR_KILLS_MINUTES=20 python -m pytest -m long -s tests/durability/test_kill_campaign.py

FOLDER keeps the store, what is acknowledged of it, and in kills.json how far the campaign is: the same command goes on.
Without it, all is done in one sitting in a folder that is thrown away.
"""

import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import fork_server
import killed_work
import kills
import pytest
from dashboard_killed import DASHBOARD
from killed_work import EVALUATOR, EXPORTER, IMPORTER, PREPARER, SWEEP, TRAINER, Home, Subject
from kills import Ended, Moment

KILLS = 60
SUBJECTS = (TRAINER, IMPORTER, EVALUATOR, EXPORTER, PREPARER, DASHBOARD, SWEEP)
MEASURED = 1000  # the number of the work that is not killed, to see how long it takes

context = fork_server.context("killed_work", "small_trainings", "cxrcore.import_export.import_run",
                              "cxrcore.training.sweep.start", "cxrcore.evaluation.evaluate_run")


class Campaign:
    """How far it is, in a file."""

    def __init__(self, folder: Path):
        self._file = folder / "kills.json"
        self.told = json.loads(self._file.read_text()) if self._file.exists() else {"killed": [], "typical": {}}

    @property
    def n(self) -> int:
        return len(self.told["killed"])

    def typical(self, subject: Subject, home: Home) -> Ended:
        """What the work takes, done to its end once."""
        if subject.name not in self.told["typical"]:
            ended = kills.run(context, Moment(), subject.work, home, MEASURED)
            assert not ended.error, ended.error
            subject.mend(home, MEASURED)
            self.told["typical"][subject.name] = asdict(ended)
            self.write()
        return Ended(**self.told["typical"][subject.name])

    def kill(self, home: Home) -> None:
        """The next one."""
        number = self.n + 1
        subject = SUBJECTS[self.n % len(SUBJECTS)]
        typical, attempts = self.typical(subject, home), 0
        while True:
            moment = kills.drawn(number, typical, attempts)
            own = number + 100 * self.tries_of(number)  # never one of a sitting that was broken off
            if killed_work.killed(context, subject, home, own, moment).killed:
                break
            attempts += 1
            assert attempts < 5, f"{subject.name} ends before it can be killed"
        self.told["killed"].append({"number": number, "subject": subject.name, **asdict(moment)})
        self.write()
        print(f"{number} of {KILLS}: {subject.name} killed at {moment}; all is there, and it went on", flush=True)

    def tries_of(self, number: int) -> int:
        """How often this kill was begun before; counted from here on."""
        tries = self.told.setdefault("tries", {})
        before = tries.get(str(number), 0)
        tries[str(number)] = before + 1
        self.write()
        return before

    def write(self) -> None:
        self._file.write_text(json.dumps(self.told, indent=1))


@pytest.mark.long
def test_sixty_kills_lose_nothing_and_leave_nothing_half(tiny_nih, tmp_path):
    folder = Path(os.environ.get("CXR_KILLS") or tmp_path).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "films").exists():
        shutil.copytree(tiny_nih, folder / "films")
    home, campaign = Home(folder, folder / "films"), Campaign(folder)
    killed_work.begin_evaluations(home)
    until = time.monotonic() + 60 * float(os.environ.get("CXR_KILLS_MINUTES") or "inf")
    while campaign.n < KILLS and time.monotonic() < until:
        campaign.kill(home)
    home.assert_kept()
    by_subject = {one.name: sum(kill["subject"] == one.name for kill in campaign.told["killed"]) for one in SUBJECTS}
    print(f"{campaign.n} of {KILLS} kills so far: {by_subject}")
    if campaign.n < KILLS:
        assert os.environ.get("CXR_KILLS_MINUTES"), "the campaign stopped by itself"
