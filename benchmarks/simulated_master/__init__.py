"""A NIM master and its clients in virtual time: what many images at once do to one disk and one network."""
