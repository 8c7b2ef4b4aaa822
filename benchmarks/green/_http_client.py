"""Load for a server in another process: connections that ask the same again and again, and read each answer whole.

    python _http_client.py PORT CONNECTIONS REQUESTS REQUEST_IN_HEX

Prints `ready` once each connection has been answered, waits for a line, sends REQUESTS more in all, and prints what
the answers were, the same for every server: how many of which status and body.
"""

import collections
import select
import socket
import sys


def main(port: int, connections: int, requests: int, request: bytes) -> None:
    poller = select.epoll()
    clients = {}
    for _ in range(connections):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        clients[client.fileno()] = client
        poller.register(client, select.EPOLLIN)
    seen: collections.Counter = collections.Counter()
    ask(poller, clients, connections, request, seen)
    print("ready", flush=True)
    sys.stdin.readline()
    ask(poller, clients, requests, request, seen)
    print(sorted(seen.items()))


def ask(poller, clients, requests, request, seen):
    left = requests
    for client in clients.values():
        client.send(request)
        left -= 1
    received = dict.fromkeys(clients, b"")
    answered = 0
    while answered < requests:
        for fd, _ in poller.poll():
            data = received[fd] + clients[fd].recv(65536)
            head, end, body = data.partition(b"\r\n\r\n")
            if not end or len(body) < length(head):
                received[fd] = data
                continue
            received[fd] = b""
            seen[head.split(b"\r\n", 1)[0].decode(), body.decode()] += 1
            answered += 1
            if left > 0:
                clients[fd].send(request)
                left -= 1


def length(head):
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), bytes.fromhex(sys.argv[4]))
