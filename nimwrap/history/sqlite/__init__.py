"""The history in SQLite: connection, schema, statements and queries."""
