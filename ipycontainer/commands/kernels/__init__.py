"""Jupyter kernels that run in containers.

    verbs.py          kernel install, list, remove, and kernel run, which is what Jupyter starts
    specs.py          what `install` writes for Jupyter, and finds again
    host_packages.py  the host's Python packages in a container of the same Python, read-only
    launch.py         one kernel: its container, its signals, its end
    connection.py     the connection file and the folder of sockets
    relay.py          for a front end that speaks TCP alone: from its ports to those sockets
    guard.py          a process that ends what is left when the launching one was killed

A kernel has no network: ZeroMQ's sockets lie in a folder that is bound into the container.
"""
