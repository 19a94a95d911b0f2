"""`train.py --once`: one training that is made once, however often and by whomever it is started.

What a sweep's processes and a scheduler's jobs run. A claim beside the store keeps a second process away, so that a
requeued copy, another sweep or an impatient person does no harm.
"""

import dataclasses
import logging

from cxrcore.config import TrainConfig
from cxrcore.errors import BeingTrained
from cxrcore.evaluation import hand_in
from cxrcore.store import claims
from cxrcore.training import train_plan, train_run
from cxrcore.training.sweep import kept_runs, product_version

_LOG = logging.getLogger(__name__)  # scripts print what it says

_OF_THE_PLACE = {"store", "csv_path", "img_root", "results", "device", "eval_subset"}  # which a resumed run may change


def train_once(config: TrainConfig, given: frozenset[str]) -> str:
    """Train it, go on with it, or find it finished; returns the run id.

    Raises:
        BeingTrained: another process is at it.
        WorkbenchError: as `train_run.train`.
    """
    product_version.require_the_same()
    store = hand_in.opened(config.store)
    films = train_plan.load_films(config)
    key = train_plan.key_of(config, films)
    with claims.claimed(store, key):
        found = kept_runs.kept_runs(store, {key}).get(key)
        if found is None:
            return train_run.begin(config, films)
        if found.state == kept_runs.FINISHED:
            _LOG.info(f"run {found.run_id} has finished this training: there is nothing to do")
            return found.run_id
        if found.state == kept_runs.RUNNING:  # by a command without --once, which makes no claim
            raise BeingTrained(f"this training is under way already, as run {found.run_id}")
        _LOG.info(f"going on with run {found.run_id}")
        return train_run.go_on(dataclasses.replace(config, resume=found.run_id), found.run_id, given & _OF_THE_PLACE)
