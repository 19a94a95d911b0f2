"""Files from outside, read within bounds in a process with limits; own folders, deleted only where they are ours."""
