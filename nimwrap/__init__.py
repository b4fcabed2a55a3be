"""nimwrap: NIM mksysb backups that are checked before, proven after, and accounted for."""

__version__ = "0.2.0"
