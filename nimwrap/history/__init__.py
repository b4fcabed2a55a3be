"""The local SQLite history: what was done, what it changed, what it made. Written before and after every step."""
