"""Transport: objects over a stream socket between a process and its worker.

A message is a list of parts: the first ones pickles, the rest the buffers that pickle 5 left out of band. On the wire,
in the machine's byte order, since both ends are on it:

    u32 number of parts | u64 length of each | the parts

Nothing is copied to be framed: parts go out by sendmsg(), and a large part is received into the very bytearray that
the unpickled array will own (so arrays that arrive are writable).

A Receiver and a Sender each belong to one thread. Over a non-blocking socket they never block: receive() takes what is
there, flush() sends what fits. Cost: one system call a message of up to 64 KiB each way. Shared-memory segments for
large buffers would replace parts here, and nowhere else.
"""

from __future__ import annotations

import pickle
import struct
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

Part: TypeAlias = bytes | bytearray | memoryview
Message: TypeAlias = list[Part]

CHUNK_BYTES = 1 << 16
_MAX_IOVECS = 512  # the kernel takes 1024
_COUNT = struct.Struct("=I")


class Stream(Protocol):
    """What is asked of a socket."""

    def recv(self, bufsize: int, /) -> bytes: ...
    def recv_into(self, buffer: memoryview, /) -> int: ...
    def sendmsg(self, buffers: Iterable[Part], /) -> int: ...


class Receiver:
    """Cuts a stream back into messages."""

    __slots__ = ("_awaited", "_buffer", "_filled", "_large", "_parts", "_stream")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = bytearray()  # received, not yet cut
        self._parts: Message = []  # of the message under way
        self._awaited: deque[int] = deque()  # lengths of its parts that are still to come
        self._large: bytearray | None = None  # a part received in place, and how much of it is there
        self._filled = 0

    def receive(self) -> list[Message]:
        """Read once; the messages that are complete now, often one, perhaps none.

        Raises EOFError when the other end is gone, BlockingIOError where a non-blocking socket has nothing.
        """
        if self._large is None:
            data = self._stream.recv(CHUNK_BYTES)
            if not data:
                raise EOFError("the other end has closed the channel")
            self._buffer += data
        else:
            count = self._stream.recv_into(memoryview(self._large)[self._filled :])
            if not count:
                raise EOFError("the other end has closed the channel within a message")
            self._filled += count
            if self._filled < len(self._large):
                return []
            self._parts.append(self._large)
            self._large = None
        return self._cut()

    def _cut(self) -> list[Message]:
        messages: list[Message] = []
        buffer = self._buffer
        position = 0
        while True:
            if not self._awaited:
                if self._parts:
                    messages.append(self._parts)
                    self._parts = []
                head = self._head(position)
                if not head:
                    break
                position += head
            taken = self._take(position)
            position += taken[0]
            if not taken[1]:
                break
        del buffer[:position]
        return messages

    def _head(self, position: int) -> int:
        """Read the lengths of the next message; the bytes that took, 0 where they are not all there."""
        buffer = self._buffer
        if len(buffer) - position < _COUNT.size:
            return 0
        (count,) = _COUNT.unpack_from(buffer, position)
        size = _COUNT.size + 8 * count
        if len(buffer) - position < size:
            return 0
        self._awaited.extend(struct.unpack_from(f"={count}Q", buffer, position + _COUNT.size))
        return int(size)

    def _take(self, position: int) -> tuple[int, bool]:
        """Take the next part out of the buffer; the bytes taken, and whether to go on."""
        length = self._awaited[0]
        there = len(self._buffer) - position
        if there >= length:
            self._awaited.popleft()
            self._parts.append(self._buffer[position : position + length])
            return length, True
        if length <= CHUNK_BYTES:
            return 0, False
        self._awaited.popleft()
        self._large = bytearray(length)
        self._large[:there] = memoryview(self._buffer)[position:]
        self._filled = there
        return there, False


class Sender:
    """Puts messages onto a stream."""

    __slots__ = ("_queue", "_stream")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._queue: deque[memoryview] = deque()

    @property
    def pending(self) -> bool:
        return bool(self._queue)

    def send(self, parts: Sequence[Part]) -> bool:
        """Queue a message and flush()."""
        lengths = [memoryview(part).nbytes for part in parts]
        self._queue.append(memoryview(struct.pack(f"=I{len(parts)}Q", len(parts), *lengths)))
        self._queue.extend(memoryview(part).cast("B") for part, length in zip(parts, lengths, strict=True) if length)
        return self.flush()

    def flush(self) -> bool:
        """Send what the socket takes; whether all is sent. Raises OSError (BrokenPipeError) when nobody reads."""
        queue = self._queue
        while queue:
            try:
                sent = self._stream.sendmsg([queue[i] for i in range(min(len(queue), _MAX_IOVECS))])
            except BlockingIOError:
                return False
            while queue and sent >= queue[0].nbytes:
                sent -= queue.popleft().nbytes
            if sent:
                queue[0] = queue[0][sent:]
        return True


def pack(value: Any, dumps: Callable[..., bytes]) -> Message:
    """The pickle of `value`, followed by its buffers, which are not copied."""
    buffers: list[pickle.PickleBuffer] = []
    data = dumps(value, protocol=5, buffer_callback=buffers.append)
    return [data, *(buffer.raw() for buffer in buffers)]
