"""Many clients, one night: who, in which order, how many at once."""
