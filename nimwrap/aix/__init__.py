"""AIX, NIM and PowerHA commands: one file each, a pure argv builder beside a pure parser.

Nothing here runs anything. A parser raises :class:`nimwrap.aix.text.Unrecognised` for text it does not know.
"""
