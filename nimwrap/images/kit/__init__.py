"""What lies beside images so that they can be used without nimwrap: a manifest of each, and what to type."""
