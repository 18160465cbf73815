"""The least that a worker in Python can be: listens on a Unix socket, says so, answers /health."""

import json
import os
import socket
import sys
import threading


def serve(connection):
    while True:
        data = connection.recv(65536)
        if not data:
            return
        body = json.dumps({"status": "ok", "pid": os.getpid()}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(256)
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
