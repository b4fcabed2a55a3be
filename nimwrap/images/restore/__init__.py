"""From an image back to a machine: what to type, and what must hold before."""
