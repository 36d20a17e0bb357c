"""Floor 4: what a container sees of a network.  Modes now; bridges, addresses, names and ports in a later release."""
