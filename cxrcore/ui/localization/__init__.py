"""The Localization page: how well maps point at boxes."""
