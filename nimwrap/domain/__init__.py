"""Frozen records, enums and pure rules. Nothing here imports another room, and nothing here does I/O."""
