"""A store looked after: checked, backed up, restored, and made smaller after runs were deleted."""
