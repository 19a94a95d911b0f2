"""One threshold a finding: fitted, cross-fitted, and the counts at every position that it can take."""
