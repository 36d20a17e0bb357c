"""`base`: an image made of this machine's own files, so that the first cell needs no network."""
