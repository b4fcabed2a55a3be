"""The simulated executables: one module per AIX command with ``main(me, args) -> exit status``.

``args`` carry AIX's paths, the host's own prefix is taken away before. A module whose command can change anything
has ``changes(command, args)``, which decides how the call stands in the estate's command log.
"""
