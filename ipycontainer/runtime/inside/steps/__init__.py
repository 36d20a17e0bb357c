"""The steps, by what they are about: read these five files to know what a container is."""
