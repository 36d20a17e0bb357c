"""Floor 4: images.  An OCI image layout on disk, and beside it each layer once, as a tree."""
