"""A package of evidence for auditors: what holds, what was done, and that nobody changed it since."""
