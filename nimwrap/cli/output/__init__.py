"""What the user sees: text, tables, progress, JSON. Nothing else prints."""
