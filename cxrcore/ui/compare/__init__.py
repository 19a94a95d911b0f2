"""The Compare page: runs side by side, with paired differences."""
