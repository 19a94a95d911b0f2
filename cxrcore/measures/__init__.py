"""Numbers from arrays: quality, calibration, curves, groups of patients, boxes. No files, no store, no screen."""
