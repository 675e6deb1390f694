"""The probe in Python, built as componentize-py builds by default: with all of WASI."""

import json
import logging
import os
import random
import socket
import sys
import time

from wit_world import exports

deed = "print"


def clocks():
    begun, now = time.monotonic(), time.time()
    time.sleep(3600)
    print(f"year {time.gmtime(now).tm_year}, slept {round(time.monotonic() - begun)} s")


def raises():
    raise ValueError("my own message")


def answer(deed, *arguments):
    """Prints what the language makes of it."""
    try:
        print(f"{deed.__name__} gave {deed(*arguments)!r}")
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


DEEDS = {
    "print": lambda: print("printed, é"),
    "log": lambda: logging.warning("logged"),
    "raise": raises,
    "exit": lambda: sys.exit(3),
    "end": lambda: os._exit(3),
    "open": lambda: answer(open, "/etc/passwd"),
    "write": lambda: answer(open, "/tmp/x", "w"),
    "list": lambda: answer(os.listdir, "/"),
    "connect": lambda: answer(socket.create_connection, ("127.0.0.1", 80)),
    "resolve": lambda: answer(socket.getaddrinfo, b"localhost", 80),
    "environment": lambda: print(f"{len(os.environ)} variables, {sys.argv}"),
    "input": lambda: answer(input),
    "clocks": clocks,
    "random": lambda: print(os.urandom(8).hex(), random.SystemRandom().randrange(2**32)),
}


class Callback(exports.Callback):
    def configure(self, params):
        global deed
        deed = json.loads(params).get("do", deed)

    def on_train_batch_end(self, ctx):
        DEEDS[deed]()
