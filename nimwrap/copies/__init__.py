"""Copies: proven duplicates of images in other places, one object for each kind of place."""
