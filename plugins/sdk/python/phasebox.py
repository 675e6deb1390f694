"""What a callback written in Python would otherwise repeat: uncaught exceptions are told to the host.

Owns the decorator `callback` and the short form `refuse`. The bindings themselves are made by
componentize-py from the author's world, under the package name `wit_world`.
"""

import traceback
from functools import wraps

from componentize_py_types import Err
from wit_world.imports import diagnostics
from wit_world.imports.types import Error, ErrorCode


def refuse(message: str, code: ErrorCode = ErrorCode.OTHER) -> Err:
    """The error a callback answers with: `raise refuse("…")`."""
    return Err(Error(code, message))


def callback(exported: type) -> type:
    """Class decorator: any exception but `Err` of the contract is reported with its traceback, then traps.

    Without it a trap says `unreachable` and nothing else. Names that begin with `_` are left alone.
    """
    for name, function in list(vars(exported).items()):
        if callable(function) and not name.startswith("_"):
            setattr(exported, name, _reporting(function))
    return exported


def _reporting(function):
    @wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except Exception as failure:
            if not (isinstance(failure, Err) and isinstance(failure.value, Error)):
                _report(failure)
            raise

    return call


def _report(failure: Exception) -> None:
    frames = traceback.extract_tb(failure.__traceback__)
    diagnostics.report_failure(
        f"{type(failure).__name__}: {failure}",
        f"{frames[-1].filename}:{frames[-1].lineno}",
        "".join(traceback.format_exception(failure)),
    )
