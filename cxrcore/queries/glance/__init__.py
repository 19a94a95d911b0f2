"""What Home and Runs show at a glance: ranked rows with their ties, and films with the maps that were kept."""
