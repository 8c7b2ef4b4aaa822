"""A client that costs its machine little: PORT CONNECTIONS MESSAGES; says ready, waits for a line, says done."""

import select
import socket
import sys

MESSAGE = b"x" * 64


def main(port: int, connections: int, messages: int) -> None:
    poller = select.epoll()
    sockets = {}
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        sockets[connection.fileno()] = connection
        poller.register(connection, select.EPOLLIN)
    left = dict.fromkeys(sockets, messages)
    print("ready", flush=True)
    sys.stdin.readline()
    for connection in sockets.values():
        connection.send(MESSAGE)
    while left:
        for fd, _ in poller.poll():
            assert sockets[fd].recv(4096) == MESSAGE
            left[fd] -= 1
            if left[fd]:
                sockets[fd].send(MESSAGE)
            else:
                del left[fd]
    print("done", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
