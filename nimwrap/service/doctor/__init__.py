"""Everything about this installation: each thing that could keep backups from being made, with its fix."""
