"""What Jupyter needs to know of kernels in containers; what they are stands in commands/kernels."""
