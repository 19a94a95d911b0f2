"""What a launcher's variables mean: one training by all processes, or a refusal, never several trainings unasked."""

import os
import sys

import pytest
from run_scripts import here

from cxrcore.errors import UsageError
from cxrcore.training.ranks.launch import Launch, launch_of, without_launcher
from cxrcore.training.sweep import processes

TORCHRUN = {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "MASTER_ADDR": "node1", "MASTER_PORT": "29500"}
SLURM = {"WORLD_SIZE": "4", "SLURM_NTASKS": "4", "SLURM_PROCID": "2", "SLURM_LOCALID": "0", "MASTER_ADDR": "node1",
         "MASTER_PORT": "29500"}


@pytest.mark.parametrize(("variables", "expected"), [
    ({}, Launch()), ({"SLURM_NTASKS": "1", "SLURM_PROCID": "0"}, Launch()), ({"MASTER_ADDR": "node1"}, Launch()),
    (TORCHRUN | {"WORLD_SIZE": "1", "RANK": "0"}, Launch()), (TORCHRUN, Launch(3, 4, 1)), (SLURM, Launch(2, 4, 0)),
    (TORCHRUN | {"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, Launch(3, 4, 1))])  # torchrun in each of two tasks
def test_a_process_knows_which_of_how_many_it_is(variables, expected):
    assert launch_of(variables) == expected


@pytest.mark.parametrize(("variables", "says"), [
    ({"SLURM_NTASKS": "4", "SLURM_PROCID": "1"}, "4 tasks (SLURM_NTASKS) without MASTER_ADDR and WORLD_SIZE"),
    ({"OMPI_COMM_WORLD_SIZE": "2"}, "2 tasks (OMPI_COMM_WORLD_SIZE)"),
    ({"WORLD_SIZE": "2"}, "2 tasks (WORLD_SIZE)"),
    ({"OMPI_COMM_WORLD_SIZE": "2", "MASTER_ADDR": "node1"}, "2 tasks (OMPI_COMM_WORLD_SIZE)"),
    ({"MASTER_ADDR": "127.0.0.1", "ACCELERATE_MIXED_PRECISION": "no"}, "accelerate was asked for several processes"),
    ({**TORCHRUN, "RANK": ""}, "RANK (from 0 to 3) or MASTER_PORT is not set"),
    ({**TORCHRUN, "RANK": "4"}, "RANK (from 0 to 3) or MASTER_PORT is not set"),
    ({**TORCHRUN, "MASTER_PORT": ""}, "RANK (from 0 to 3) or MASTER_PORT is not set"),
    ({**TORCHRUN, "WORLD_SIZE": "two"}, "WORLD_SIZE is 'two', which is no number")])
def test_processes_that_cannot_find_each_other_are_refused(variables, says):
    with pytest.raises(UsageError) as refused:
        launch_of(variables)
    assert says in str(refused.value) and "torchrun --nproc_per_node N scripts/train.py" in str(refused.value)


@pytest.mark.parametrize("flags", [[], ["--seeds", 2], ["--once"]])
def test_the_command_refuses_before_it_reads_anything(flags, tmp_path):
    done = here("train.py", *flags, SLURM_NTASKS="3", CXR_STORE=str(tmp_path / "store.duckdb"))
    assert done.returncode == 2 and done.stderr.startswith("error: this start shows 3 tasks (SLURM_NTASKS)")
    assert len(done.stderr.splitlines()) == 1 and not list(tmp_path.iterdir())


def test_several_trainings_are_not_made_by_several_processes():
    done = here("train.py", "--seeds", 2, **TORCHRUN)
    assert done.returncode == 2 and "several trainings are started one by one, by one process" in done.stderr


def test_a_sweep_s_processes_inherit_nothing_of_a_launcher(tmp_path, monkeypatch):
    theirs = TORCHRUN | SLURM | {"TORCHELASTIC_RUN_ID": "x", "OMPI_COMM_WORLD_RANK": "0", "ACCELERATE_USE_CPU": "true"}
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    output = tmp_path / "output"
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    assert processes.start([sys.executable, "-c", show], output, {"CXR_OWN": "1"}).wait(60) == 0
    told = output.read_text()
    assert '"CXR_OWN": "1"' in told and '"PATH"' in told and not [name for name in theirs if f'"{name}"' in told]
    kept = {"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "1", "PATH": os.environ["PATH"]}
    assert without_launcher(kept | theirs) == kept
