"""Where a file system puts what is made in a folder."""

from __future__ import annotations

import fcntl
import os
import struct

# FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_TOPDIR_FL: ioctl_iflags(2); the last is chattr(1)'s T.
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602
_TOP_OF_TREES = 0x00020000


def spread(folder: str) -> bool:
    """Let the folders in `folder` be put far from each other, as those of users who have nothing in common.

    In ext4 files lie in their folder's group of inodes; one without a journal gives none out again for a minute and
    more, and looks at each that was deleted, so that a thousand containers in one group wait for each other's.
    Gives whether the file system does so; others have no such groups.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        (flags,) = struct.unpack("=i", fcntl.ioctl(descriptor, _GET_FLAGS, bytes(4)))
        fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("=i", flags | _TOP_OF_TREES))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
