"""A client of the OCI distribution API.  All that a registry says is taken for an attacker's words.

endpoint     where a registry is, and whether it may be spoken to in the clear
credentials  ~/.docker/config.json and its helpers
client       requests: redirects, retries, tokens, limits
download     blobs in, resumed; worker: the process that does it for a layer
upload       blobs and manifests out
search       Docker Hub's search, and any registry's catalogue
"""
