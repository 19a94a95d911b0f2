"""The leaderboard: a row a run, its means as bars on shared axes, in the browser."""
