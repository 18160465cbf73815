"""A server as those of models are: it takes memory while it starts, then answers chats. Standard library only.

    python3 model-server.py --port 8080 --mb 200
"""

import argparse
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--mb", type=int, required=True, help="how much memory its weights take, in MiB")
options = parser.parse_args()

PAGE = 4096
weights = bytearray(options.mb * 1024 * 1024)
# Memory counts once it was written to.
for offset in range(0, len(weights), PAGE):
    weights[offset] = 1


class Chat(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200 if self.path == "/health" else 404, {"status": "ok"})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        words = request["messages"][-1]["content"].split()
        content = " ".join(reversed(words))
        if request.get("stream"):
            self.stream(request["model"], content)
        else:
            message = {"role": "assistant", "content": content}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.answer(200, {"object": "chat.completion", "model": request["model"], "pid": os.getpid(), "choices": [choice]})

    def stream(self, model, content):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for word in content.split():
            choice = {"index": 0, "delta": {"content": word + " "}}
            chunk = {"object": "chat.completion.chunk", "model": model, "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


print(f"{options.mb} MiB loaded", flush=True)
ThreadingHTTPServer(("127.0.0.1", options.port), Chat).serve_forever()
