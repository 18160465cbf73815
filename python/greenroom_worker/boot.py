"""The start of the worker: reads the boot line, loads the plugin, listens, and prints the handshake."""

import json
import os
import sys
import threading

from .errors import attribute
from .frame_server import FrameServer
from .json_values import encode
from .light_imports import SIGINT, signal
from .load_plugin import load_plugin
from .process import end_with_host, fail, forget_worker
from .routes import Routes
from .server import Server
from .standard_streams import own_output, private_output, private_stdin, restore_standard
from .worker import Worker

PROTOCOLS = (2, 1)
SDK = "python/0.1.0"
READ_BYTES = 64 * 1024
# How soon a thread that wants the interpreter gets it from a call that computes, in seconds; Python's own is 5 ms.
SWITCH_SECONDS = 0.0005


def main():
    """Runs the worker until its end, on the main thread. Never returns."""
    stdin = private_stdin()
    private_output()
    boot = read_boot(stdin)
    threading.Thread(target=end_with_host, args=(stdin,), name="greenroom-lifeline", daemon=True).start()
    sys.setswitchinterval(SWITCH_SECONDS)
    # A handler, not SIG_IGN, which the plugin's child processes would inherit. SIGTERM keeps ending the process at once.
    signal(SIGINT, lambda *_: None)
    protocol = next((version for version in PROTOCOLS if version in boot["protocol"]), None)
    if protocol is None:
        fail("this worker speaks versions 1 and 2 of the protocol; the host offers %s" % boot["protocol"])

    plugin = load_plugin(boot["plugin"])
    restore_standard()
    concurrency = max(1, boot.get("concurrency", 1))
    worker = Worker(plugin, boot["plugin"]["name"], concurrency, protocol == 2)
    server = Server(Routes(worker, boot["nonce"]), boot["token"])
    listening = [worker.jobs, server]
    lifelines = [stdin]
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: forget_worker(worker, listening, lifelines))
    address, control = server.listen(boot["listen"])
    handshake = {
        "greenroom": protocol,
        "nonce": boot["nonce"],
        "pid": os.getpid(),
        "address": address,
        "control": control,
        "sdk": SDK,
        "capabilities": ["stream", "progress", "settle", "tools", "code"]
        + [name for name in ("cancel", "release", "cleanup") if callable(attribute(plugin, name))],
        "concurrency": concurrency,
    }
    if protocol == 2:
        frame_server = FrameServer(worker, boot["token"], boot["nonce"])
        listening.append(frame_server)
        handshake["frames"] = frame_server.listen(boot["listen"])
    try:
        sys.stdout.flush()
    except Exception:
        pass
    # The line break before it ends a line that the plugin may have printed without one.
    os.write(own_output[1], b"\n" + encode(handshake) + b"\n")
    worker.jobs.run()


def read_boot(fd):
    """Reads the boot line. The host writes nothing after it, so a read never takes more than the line."""
    line = b""
    while b"\n" not in line:
        data = os.read(fd, READ_BYTES)
        if not data:
            fail("there is no boot line on standard input: this program is started by Greenroom, not by hand")
        line += data
    return json.loads(line)
