"""How sure a number is: draws of patients, intervals, paired differences, Holm, DeLong."""
