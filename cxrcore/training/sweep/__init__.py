"""Several trainings from one command: planned, run on the devices there are or by Slurm, none of them twice."""
