"""Films before any network: tables, labels, splits, downloads. No torch, no store, no screen."""
