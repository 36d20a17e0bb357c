"""Floor 3: the warm process that forks jobs in the store namespace; its client and their wire."""
