"""Which clients there are and which are meant: inventories, groups, selection."""
