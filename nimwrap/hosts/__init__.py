"""How a command reaches a machine: the Host protocol, its transports, and the channel from a master to its clients."""
