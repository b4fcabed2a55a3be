"""The configuration: frozen records, and loading that reports every fault at once with its line."""
