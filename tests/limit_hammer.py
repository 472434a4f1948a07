#!/usr/bin/env python3
"""One of several processes that ask as fast as they can, for one caller.

    limit_hammer.py requests CALLER SECONDS PORT            prints "ASKED ADMITTED FROM TO"
    limit_hammer.py streams CALLER SECONDS HOLD PATH PORT…  keeps each stream for up to HOLD seconds; prints "ASKED", then a
                                                            line "FROM TO" for each: it was open at least so long;
                                                            three at a time

FROM and TO are seconds of the machine's steady clock.
"""
import random
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def receive_until(connection, text, received=b""):
    while text not in received:
        more = connection.recv(65536)
        if not more:
            sys.exit("closed without an answer")
        received += more
    return received


def requests(caller, seconds, port):
    request = f"GET /topics HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: {caller}\r\n\r\n".encode()
    asked = admitted = 0
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", int(port)), timeout=30) as connection:
        while time.monotonic() < start + float(seconds):
            connection.sendall(request)
            answer = receive_until(connection, b"\r\n\r\n")
            receive_until(connection, b"}\n", answer.partition(b"\r\n\r\n")[2])
            asked += 1
            admitted += answer.startswith(b"HTTP/1.1 200 ")
    print(asked, admitted, start, time.monotonic())


def keep(connection, until):
    while (left := until - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            if not connection.recv(65536):
                sys.exit("a stream ended by itself")
        except TimeoutError:
            return


def one_after_the_other(caller, seconds, hold, path, ports):
    asked = 0
    held = []
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", int(random.choice(ports))), timeout=30) as connection:
            connection.sendall(f"GET {path}?soft=0 HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: {caller}\r\n"
                               "Last-Event-ID: 0:-\r\n\r\n".encode())
            head = receive_until(connection, b"\r\n\r\n")
            asked += 1
            if not head.startswith(b"HTTP/1.1 200 "):
                continue
            since = time.monotonic()
            keep(connection, since + random.uniform(0.001, float(hold)))
            held.append((since, time.monotonic()))
    return asked, held


def streams(caller, seconds, hold, path, *ports):
    with ThreadPoolExecutor() as threads:
        rows = [threads.submit(one_after_the_other, caller, seconds, hold, path, ports) for _ in range(3)]
    results = [row.result() for row in rows]
    print(sum(asked for asked, _ in results))
    for _, held in results:
        for since, until in held:
            print(since, until)


{"requests": requests, "streams": streams}[sys.argv[1]](*sys.argv[2:])
