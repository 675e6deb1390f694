"""What a callback written in Python would otherwise repeat: one object for all exports, and uncaught
exceptions are told to the host.

Owns the decorator `callback` and the short form `refuse`. The bindings themselves are made by
componentize-py from the author's world, under the package name `wit_world`.
"""

import linecache
import sys
from functools import wraps
from traceback import walk_tb

from componentize_py_types import Err
from wit_world.imports import diagnostics
from wit_world.imports.types import Error, ErrorCode

# The author's file, read while there are files: at build time.
_sources: dict[str, list[str]] = {}


def refuse(message: str, code: ErrorCode = ErrorCode.OTHER) -> Err:
    """The error a callback answers with: `raise refuse("…")`."""
    return Err(Error(code, message))


def callback(exported: type) -> type:
    """Class decorator: one object serves every export, and what it raises is reported with its traceback.

    componentize-py makes an object *per exported function*: bare, `configure` and a phase would not see the same
    `self`. And a bare exception is a trap that says `unreachable`; `Err` of the contract is an answer and passes.
    `__init__` runs at build time, without a host. Names that begin with `_` are left alone.
    """
    only = exported()
    file = sys.modules[exported.__module__].__file__
    _sources[file] = linecache.getlines(file)
    for name, function in list(vars(exported).items()):
        if callable(function) and not name.startswith("_"):
            setattr(exported, name, _reporting(getattr(only, name)))
    return exported


def _reporting(method):
    @wraps(method)
    def call(_self, *arguments):
        try:
            return method(*arguments)
        except Exception as failure:
            if not (isinstance(failure, Err) and isinstance(failure.value, Error)):
                _report(failure)
            raise

    return call


def _report(failure: Exception) -> None:
    # `traceback.format_exception` looks for source files, and a sandbox without files traps on that.
    frames = [(frame.f_code, line) for frame, line in walk_tb(failure.__traceback__)]
    code, line = frames[-1]
    message = f"{type(failure).__name__}: {failure}"
    lines = [_described(code, line) for code, line in frames[1:]]  # the first is `call` above
    trace = "\n".join(["Traceback (most recent call last):", *lines, message])
    diagnostics.report_failure(message, f"{code.co_filename}:{line}", trace)


def _described(code, line: int) -> str:
    source = _sources.get(code.co_filename, [])
    text = source[line - 1].strip() if line <= len(source) else ""
    return f'  File "{code.co_filename}", line {line}, in {code.co_qualname}' + (f"\n    {text}" if text else "")
