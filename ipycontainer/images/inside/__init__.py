"""What runs in the launcher: jobs on the files of layers, by descriptors alone, with the standard library alone."""
