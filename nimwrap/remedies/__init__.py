"""Ways to let a client in whose packets leave from an address that NIM's own export does not know.

Each way is a journalled change of one NFS export, undone by the master itself when the operation ends.
"""
