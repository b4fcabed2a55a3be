"""Commands of the site's own at named points of a run, a fleet run and a copy."""
