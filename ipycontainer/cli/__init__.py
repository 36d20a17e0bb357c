"""The command `ipycontainer`."""
