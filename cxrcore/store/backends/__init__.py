"""Where a store keeps its rows: in a file of its own, or in a team's database. One set of questions is put to both."""
