"""How fast ipycontainer is: against the least the kernel allows, against its peers, against its promises."""
