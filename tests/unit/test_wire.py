from __future__ import annotations

import os

from ipycontainer.launcher.wire import STDIN, pair


def test_documents_and_descriptors_cross() -> None:
    left, right = pair()
    reader, writer = os.pipe()
    left.send({"a": [1, "ü"]}, [reader, writer])
    message = right.receive()
    assert message is not None and message.document == {"a": [1, "ü"]}
    assert len(message.descriptors) == 2
    os.write(writer, b"x")
    assert os.read(message.descriptors[0], 1) == b"x"
    for descriptor in (reader, writer, *message.descriptors):
        os.close(descriptor)
    left.close()
    assert right.receive() is None
    right.close()


def test_the_last_word_is_heard_from_one_who_left_without_listening() -> None:
    """The kernel reports the unread messages first, as ECONNRESET; the last word lies behind that."""
    left, right = pair()
    left.send_chunk(STDIN, b"never read")
    right.send({"exit": 0})
    right.close()
    message = left.receive()
    assert message is not None and message.document == {"exit": 0}
    assert left.receive() is None
    left.close()
