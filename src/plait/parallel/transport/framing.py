"""Transport: objects over a stream socket between a process and its worker.

A message is a list of parts: the first ones heads and pickles, the rest the buffers that pickle 5 left out of band. On
the wire, in the machine's byte order, since both ends are on it:

    u32 number of parts | u64 length of each | the parts

Small messages are copied into one piece and sent at once. Of others nothing is copied to be framed: parts go out by
sendmsg(), and a large part is received into the very bytearray that the unpickled array will own (so arrays that
arrive are writable). Open files may travel with a message (SCM_RIGHTS).

A Receiver and a Sender each belong to one thread at a time. Over a non-blocking socket they never block: receive()
takes what is there, flush() sends what fits; a blocking one is waited for without the GIL. An exception that a signal's
handler raises leaves them whole: what was not sent stays queued. Cost: one system call and about 1 us a message of up
to 16 KiB each way, a tenth of what it is in Python, which is why both classes are native.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, TypeAlias

from plait.parallel._native.framing import CHUNK_BYTES as CHUNK_BYTES
from plait.parallel._native.framing import Receiver as Receiver
from plait.parallel._native.framing import Sender as Sender

Part: TypeAlias = bytes | bytearray | memoryview
Message: TypeAlias = list[Part]


def pack(value: Any, dumps: Callable[..., bytes]) -> Message:
    """The pickle of `value`, followed by its buffers, which are not copied."""
    buffers: list[pickle.PickleBuffer] = []
    data = dumps(value, protocol=5, buffer_callback=buffers.append)
    return [data, *(buffer.raw() for buffer in buffers)]
