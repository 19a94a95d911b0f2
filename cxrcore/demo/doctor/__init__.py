"""What scripts/doctor.py looks at; the standard library alone, since any package may be the one that is broken."""
