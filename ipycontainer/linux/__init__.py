"""Floor 1: thin, typed bindings to the kernel, on the standard library alone.

Every refusal is a `KernelError` with the system call, the path and errno's name.
"""
