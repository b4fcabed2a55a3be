"""What keeps a long-running nimwrap under its service manager: systemd's notify protocol. AIX's SRC needs no code."""
