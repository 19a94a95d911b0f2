"""The Runs page: the leaderboard, trainings while they run, and the care of runs."""
