"""Interleavings of what nimwraps and people do at one master, explored with the real scripts and the real code."""
