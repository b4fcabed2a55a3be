"""Restores that are carried out to prove an image: each level is one job on the master, and what clears it."""
