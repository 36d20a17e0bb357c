"""Floor 4: an OCI runtime spec becomes a plan, and the plan a running process.

`plan.py` and `inside/steps/` read together are what a container is.
"""
