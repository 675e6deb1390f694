"""Short forms for callbacks written in Python: one object for all exports, and uncaught exceptions are
reported to the host.

Owns the decorator `callback` and the short form `refuse`. componentize-py makes the bindings from the
author's world, under the package name `wit_world`.
"""

import linecache
import sys
from functools import wraps
from traceback import walk_tb

from componentize_py_types import Err
from wit_world.imports import diagnostics
from wit_world.imports.types import Error, ErrorCode

# The author's file, read at build time: later there are no files.
_sources: dict[str, list[str]] = {}


def refuse(message: str, code: ErrorCode = ErrorCode.OTHER) -> Err:
    """An error of the contract, to return from a callback: `raise refuse("…")`."""
    return Err(Error(code, message))


def callback(exported: type) -> type:
    """Class decorator: one object serves every export, and its uncaught exceptions are reported with a traceback.

    componentize-py makes an object *for each exported function*: without the decorator `configure` and a phase have
    different `self`. An exception without it is a trap that says `unreachable`. An `Err` of the contract is not
    reported. `__init__` runs at build time, without a host. Names that begin with `_` are not wrapped.
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
