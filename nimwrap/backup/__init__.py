"""One run: the steps from preflight to record, the detached operation on the master, and what recovers it."""
