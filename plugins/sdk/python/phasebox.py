"""Callbacks in Python: a class whose methods are named like phases and whose fields are parameters and state.

Owns the decorator `callback`, the fields `parameter`, `state` and `Later`, the short form `refuse`, the report of uncaught
exceptions, and the way of `print` to the run's log. componentize-py makes the bindings from the author's world, under the
package name `wit_world`.
"""

import json
import linecache
import math
import os
import re
import sys
import traceback
from difflib import get_close_matches
from functools import wraps
from importlib import import_module
from types import FunctionType, NoneType, UnionType
from typing import Any, Callable, Self, Union, get_args, get_origin, get_type_hints

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import diagnostics
from wit_world.imports.tensor import Deferred, Tensor
from wit_world.imports.types import Error, ErrorCode, Level

# ---- errors and log lines ----


def refuse(message: str, code: ErrorCode = ErrorCode.OTHER) -> Err:
    """An error of the contract, to return from a callback: `raise refuse("…")`."""
    if not isinstance(code, ErrorCode):
        raise TypeError(f"refuse: code must be an ErrorCode, such as ErrorCode.DENIED, not {code!r}")
    return Err(Error(code, _printable(message)))


def _invalid(message: str) -> Err:
    return refuse(message, ErrorCode.INVALID_ARGUMENT)


def _printable(text: str) -> str:
    """A text that the contract can carry: lone surrogates, which are no characters, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class _Log:
    """A text file whose lines go to the run's log: `print` and `logging` work without WASI. While the component is built
    there is no host, and the lines go where they went before."""

    encoding, errors = "utf-8", "backslashreplace"

    def __init__(self, level: Level, before: Any):
        self._level, self._before, self._line = level, before, ""

    def write(self, text: str) -> int:
        if not _has_host[0]:
            return self._before.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            diagnostics.log(self._level, _printable(line))
        return len(text)

    def flush(self) -> None:
        if not _has_host[0]:
            self._before.flush()

    def end_line(self) -> None:
        if self._line:
            self.write("\n")

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


#: Becomes true with the host's first call.
_has_host = [False]
sys.stdout, sys.stderr = _Log(Level.INFO, sys.stdout), _Log(Level.WARN, sys.stderr)


# ---- the arguments of host functions ----


def _is_number(value: Any) -> bool:
    if type(value) is float:
        return True
    try:
        return hasattr(type(value), "__float__") and isinstance(float(value), float)
    except (ArithmeticError, TypeError, ValueError):
        return False


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and (value.isascii() or not re.search("[\ud800-\udfff]", value))


def _between(values: list, kinds: set, first: int, last: int) -> bool:
    """Whether all are of those types and between the two. It walks the list in C: lists have millions of elements."""
    return not values or (set(map(type, values)) <= kinds and first <= min(values) and max(values) <= last)


def _whole(first: int, last: int) -> tuple[Callable, str, Callable]:
    """The entry of `_ARGUMENTS` for whole numbers between the two."""
    return (
        lambda value: isinstance(value, int) and first <= value <= last,
        f"a whole number from {first} to {last}",
        lambda values: _between(values, {int}, first, last),
    )


_BOUNDS = {"u32": (0, 2**32 - 1), "u64": (0, 2**64 - 1), "s32": (-(2**31), 2**31 - 1), "s64": (-(2**63), 2**63 - 1)}

#: By function and parameter: the contract's whole numbers, all others of which are `s64`. The bindings do not tell them
#: apart. A test holds these lines to the contract.
_WHOLE = {
    "draw_boxes": {"colors": "u32", "width": "u32", "label_scale": "u32"},
    "draw_masks": {"colors": "u32"},
    "draw_text": {"x": "s32", "y": "s32", "color": "u32", "scale": "u32"},
    "histogram": {"bins": "u32"},
    "interpolate": {"height": "u32", "width": "u32"},
    "one_hot": {"num_classes": "u32"},
    "randperm": {"n": "u32"},
    "read_f32": {"offset": "u64", "length": "u32"},
    "read_s64": {"offset": "u64", "length": "u32"},
    "set_accumulation": {"batches": "u32"},
    "topk": {"k": "u32"},
}

#: By annotation: the values that the bindings take, the words for them, and the lists of them that need no closer look.
_ARGUMENTS: dict[Any, tuple[Callable, str, Callable]] = {
    float: (_is_number, "a number", lambda values: _between(values, {float, int}, -(2**1000), 2**1000)),
    str: (_is_text, "a text (one without lone surrogates)", lambda values: False),
    bytes: (lambda value: isinstance(value, bytes), "bytes", lambda values: False),
}


def _argument(annotation: Any, owner: type | None, whole: str) -> tuple[Callable, str, Callable]:
    """The entry of `_ARGUMENTS` for any annotation of the bindings; whole numbers have the bounds of `whole`."""
    if annotation is int:
        return _whole(*_BOUNDS[whole])
    if annotation in _ARGUMENTS:
        return _ARGUMENTS[annotation]
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    if get_origin(annotation) in (Union, UnionType) and len(kinds) == 1:
        fits, words, _ = _argument(kinds[0], owner, whole)
        return lambda value: value is None or fits(value), f"{words}, or None", lambda values: False
    if get_origin(annotation) is list:
        fits, words, all_fit = _argument(kinds[0], owner, whole)
        return (
            lambda value: isinstance(value, list) and (all_fit(value) or all(map(fits, value))),
            f"a list, and each of its elements {words}",
            lambda values: False,
        )
    kind = owner if annotation is Self else annotation
    if isinstance(kind, type) and kind is not bool:  # Anything is true or false.
        return lambda value: isinstance(value, kind), f"a {kind.__name__}", lambda values: set(map(type, values)) <= {kind}
    return lambda value: True, "anything", lambda values: True


def _checking(function: Callable, owner: type | None) -> Callable:
    """The function, with a look at its arguments first."""
    hints = {name: hint for name, hint in function.__annotations__.items() if name not in ("return", "self")}
    wholes = _WHOLE.get(function.__name__, {})
    checks = {name: _argument(hint, owner, wholes.get(name, "s64"))[:2] for name, hint in hints.items()}
    before = 0 if owner is None else 1

    @wraps(function)
    def checked(*given: Any, **named: Any) -> Any:
        for (name, (fits, words)), value in zip(checks.items(), given[before:]):
            if not fits(value):
                raise _misfit(function, name, words, value)
        for name, value in named.items():
            if name in checks and not checks[name][0](value):
                raise _misfit(function, name, checks[name][1], value)
        return function(*given, **named)

    return checked if checks else function


def _misfit(function: Callable, name: str, words: str, value: Any) -> TypeError:
    is_plain = isinstance(value, (bool, int, float, str, list, tuple))
    shown = f"{type(value).__name__} {repr(value)[:60]}" if is_plain else type(value).__name__
    return TypeError(f"{function.__name__}: `{name}` must be {words}, not {shown}")


def _check_arguments() -> None:
    """Puts the checks into the bindings: at a value of another type they abort, and the author's line is lost."""
    for module in ("context", "diagnostics", "storage", "tensor", "vision"):
        try:
            place = import_module(f"wit_world.imports.{module}")
        except ImportError:  # A world made by hand may do without it.
            continue
        classes = [kind for kind in vars(place).values() if isinstance(kind, type) and kind.__module__ == place.__name__]
        for owner, holder in ((None, place), *((kind, kind) for kind in classes)):
            for name, function in list(vars(holder).items()):
                if isinstance(function, FunctionType) and not name.startswith("_"):
                    setattr(holder, name, _checking(function, owner))


_check_arguments()


# ---- fields ----


class _Field:
    """A parameter or a part of the state."""

    def __init__(self, first: Any, rules: dict | None):
        self.first, self.rules = first, rules
        self.type: Any = None

    def value(self) -> Any:
        """The first value; a new one for each object."""
        if isinstance(self.first, type) or isinstance(self.first, (list, dict)):
            return self.first() if callable(self.first) else self.first.copy()
        return self.first


_REQUIRED = object()


def parameter(default: Any = _REQUIRED, description: str = "", **rules: Any) -> Any:
    """A key of the recipe's `params`: `rate: float = parameter(0.1, "The …", minimum=0)`. Without a default it is required.

    Rules are those of JSON Schema in snake case: `minimum`, `maximum`, `exclusive_minimum`, `exclusive_maximum`, `enum`.
    """
    camel = {re.sub("_(.)", lambda found: found[1].upper(), name): value for name, value in rules.items()}
    return _Field(default, {"description": description, **camel} if description else camel)


def state(first: Any) -> Any:
    """A value that checkpoints hold, with its first value: anything that JSON has, infinities too, or the class `Later`."""
    return _Field(first, None)


class Later:
    """A number on its way from the device, asked for in one call and taken in a later one: without a wait.

    `loss: Later = state(Later)` is saved with what has arrived, so that a resumed run has the same bits.
    """

    def __init__(self) -> None:
        self._pending: Deferred | None = None
        self._arrived: float | None = None

    def ask(self, value: Callable[[], Tensor]) -> None:
        """Asks for the element of a tensor, unless a number is on its way: `self.loss.ask(ctx.loss)`. A value that this
        phase does not have, such as the loss of a skipped batch, is no failure."""
        if self._pending is not None or self._arrived is not None:
            return
        try:
            with value() as tensor:
                self._pending = tensor.defer()
        except Err as error:
            if error.value.code != ErrorCode.NOT_AVAILABLE:
                raise

    def take(self) -> float | None:
        """The number that was asked for, once, if it is here."""
        arrived = self._save()
        self._arrived = None
        return arrived

    def _save(self) -> float | None:
        value = self._pending.poll() if self._pending is not None else None
        if value is not None:
            self._arrived, self._pending = value, None
        return self._arrived

    def _load(self, arrived: float | None) -> None:
        self._arrived, self._pending = arrived, None


# ---- the decorator ----


def callback(exported: type | None = None, **description: Any) -> Any:
    """Class decorator: the class is the component's callback, one object serves every export, and uncaught exceptions
    are reported with their traceback.

    Methods are named like the phases of the world; a name with `on_` that the world lacks, or the reverse, ends the build.
    Keywords are those of `describe`: `name`, `version`, `summary` (by default the docstring's first line), `grants`,
    `metrics`, `state_version`. A method `configure(self)` checks what the parameters' rules do not say. A class that
    writes `describe(self)` and `configure(self, params)` itself, as the bindings have them, is left as it is.

    The object is made at build time, without a host. Names that begin with `_` are not exports.
    """
    if exported is None:
        return lambda exported: callback(exported, **description)
    module = sys.modules[exported.__module__]
    _remember_sources()
    only = _Callback(exported, description)
    module.Callback = type("Callback", (), {name: _export(only, name) for name in _world()})
    # A class with the name that componentize-py looks for would otherwise take the place again.
    return module.Callback if exported.__name__ == "Callback" else exported


def _world() -> list[str]:
    return [name for name, value in vars(exports.Callback).items() if callable(value) and not name.startswith("_")]


#: The flag of an `async` function.
_COROUTINE = 0x80


class _Callback:
    """The author's object, with the functions of the life cycle that it leaves out."""

    def __init__(self, exported: type, description: dict):
        hints = get_type_hints(exported)
        self._description = {"name": exported.__name__, "summary": (exported.__doc__ or "").split("\n")[0], **description}
        self._fields = {name: field for name, field in vars(exported).items() if isinstance(field, _Field)}
        self._bare = hasattr(exported, "describe")
        for name, field in self._fields.items():
            field.type = hints.get(name, Any)
            setattr(exported, name, None)
        self._check(exported)
        self._own = exported()
        for name, field in self._fields.items():
            setattr(self._own, name, None if field.first is _REQUIRED else field.value())

    def _check(self, exported: type) -> None:
        world = _world()
        here = [name for name in dir(exported) if name.startswith("on_") and callable(getattr(exported, name))]
        for name in here:
            code = getattr(getattr(exported, name), "__code__", None)
            if code and code.co_flags & _COROUTINE:
                raise TypeError(f"`{name}` is async, and a call cannot wait: drop `async`")
            if name not in world:
                near = get_close_matches(name, world, 1)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                raise TypeError(f"`{name}` would never be called: the world in wit/ does not export it{hint}")
        for name in world:
            if not hasattr(exported, name) and not hasattr(self, name):
                raise TypeError(f"the world in wit/ exports `{name}`, for which {exported.__name__} has no method")

    def function(self, name: str) -> Callable:
        own = getattr(self._own, name, None)
        return own if own and (self._bare or name not in ("configure",)) else getattr(self, name)

    def describe(self) -> str:
        parameters = {name: field for name, field in self._fields.items() if field.rules is not None}
        required = [name for name, field in parameters.items() if field.first is _REQUIRED]
        schema = {"type": "object", "additionalProperties": False, "required": required}
        schema["properties"] = {name: _property(field) for name, field in parameters.items()}
        return json.dumps({**self._description, "parameters": schema})

    def configure(self, params: str) -> None:
        given = json.loads(params)
        if not isinstance(given, dict):
            raise _invalid("params is not a JSON object")
        parameters = {name: field for name, field in self._fields.items() if field.rules is not None}
        for name in given.keys() - parameters.keys():
            raise _invalid(f'unknown parameter "{name}"; known are {", ".join(parameters) or "none"}')
        for name, field in parameters.items():
            if name in given:
                setattr(self._own, name, _checked(name, field, given[name]))
            elif field.first is _REQUIRED:
                raise _invalid(f'parameter "{name}" is missing: it has no default')
        if hasattr(self._own, "configure"):
            self._own.configure()

    def save_state(self) -> bytes:
        values = {name: getattr(self._own, name) for name, field in self._fields.items() if field.rules is None}
        shown = {name: value._save() if isinstance(value, Later) else value for name, value in values.items()}
        return json.dumps({"format": 1, "state": shown}).encode()

    def load_state(self, saved: bytes) -> None:
        try:
            whole = json.loads(saved)
            state, known = whole["state"], whole["format"] == 1
        except (ValueError, TypeError, KeyError):
            known = False
        if not known:
            raise _invalid("the state is not that of this callback")
        for name in self._fields.keys() & state.keys():
            before = getattr(self._own, name)
            if isinstance(before, Later):
                before._load(state[name])
            else:
                setattr(self._own, name, state[name])

    def check_run(self, facts: str) -> None:
        """Accepts every run."""


# ---- the schema of a parameter ----

_NAMES = {float: "number", int: "integer", bool: "boolean", str: "string", list: "array", dict: "object", NoneType: "null"}


def _types(annotation: Any) -> list:
    """The types that a union is made of."""
    if get_origin(annotation) in (Union, UnionType):
        return [kind for part in get_args(annotation) for kind in _types(part)]
    return [get_origin(annotation) or annotation]


def _property(field: _Field) -> dict:
    names = [_NAMES[kind] for kind in _types(field.type) if kind in _NAMES]
    made = {"type": names[0] if len(names) == 1 else names} if names else {}
    if field.first is not _REQUIRED:
        made["default"] = field.value()
    return {**made, **field.rules}


def _checked(name: str, field: _Field, value: Any) -> Any:
    kinds = [kind for kind in _types(field.type) if kind in _NAMES]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if int in kinds and isinstance(value, float) and value.is_integer():
        value = int(value)
    fits = not kinds or any(type(value) is kind for kind in kinds) or (float in kinds and number)
    rules = field.rules
    if fits and number:
        fits = (
            rules.get("minimum", -math.inf) <= value <= rules.get("maximum", math.inf)
            and not value <= rules.get("exclusiveMinimum", -math.inf)
            and not value >= rules.get("exclusiveMaximum", math.inf)
        )
    if not fits or value not in rules.get("enum", [value]):
        raise _invalid(f'parameter "{name}" must fit {json.dumps(_property(field))}, and is {json.dumps(value)}')
    return float(value) if float in kinds and number and int not in kinds else value


# ---- calls, and exceptions that nobody caught ----


def _export(only: _Callback, name: str) -> Callable:
    function = only.function(name)
    wanted = {"save_state": bytes, "describe": str}.get(name, NoneType)

    def call(_self, *arguments):
        _has_host[0] = True
        try:
            result = function(*arguments)
            if not isinstance(result, wanted) and wanted is not NoneType:
                raise TypeError(f"`{name}` must return {wanted.__name__}, not {type(result).__name__}")
            return result
        except BaseException as failure:
            if not (isinstance(failure, Err) and isinstance(failure.value, Error)):
                _report(failure)
            raise
        finally:
            for stream in (sys.stdout, sys.stderr):
                if isinstance(stream, _Log):
                    stream.end_line()

    return call


def _report(failure: BaseException) -> None:
    # The first frame is `call` above, and the last may be a check of arguments.
    shown = failure.with_traceback(failure.__traceback__.tb_next if failure.__traceback__ else None)
    message = _printable(_message(failure))
    frames = _own(traceback.extract_tb(shown.__traceback__))
    place = f"{frames[-1].filename}:{frames[-1].lineno}".removeprefix("/0/") if frames else ""
    try:
        whole = traceback.TracebackException.from_exception(shown)
        _cut(whole)
        trace = "".join(whole.format())
    except BaseException:  # An exception whose own text fails.
        trace = "".join(traceback.format_tb(shown.__traceback__)) + message
    # The project's folder is /0 here.
    diagnostics.report_failure(message, place, _printable(trace).replace('File "/0/', 'File "'))
    os.abort()  # An exception ends the call too, and then the traceback and words of the bindings are in the log once more.


def _own(frames: traceback.StackSummary) -> traceback.StackSummary:
    """The frames without those of this file, unless there are no others."""
    others = [frame for frame in frames if frame.filename != _report.__code__.co_filename]
    return traceback.StackSummary.from_list(others) if others else frames


def _cut(whole: traceback.TracebackException) -> None:
    """Leaves the frames of the author in an exception and in those that caused it."""
    for _ in range(8):
        if whole is None:
            return
        whole.stack = _own(whole.stack)
        whole = whole.__cause__ or whole.__context__


def _message(failure: BaseException) -> str:
    try:
        return f"{type(failure).__name__}: {failure}"
    except BaseException as worse:
        return f"{type(failure).__name__} (its text cannot be made: {type(worse).__name__})"


def _remember_sources() -> None:
    """Reads sources for tracebacks at build time: later there are no files, and looking for one could be a trap."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and not re.search(r"/(python|bundled|lib)[\d./]|site-packages", file):
            linecache.getlines(file)
    linecache.checkcache = lambda filename=None: None
    linecache.updatecache = lambda filename, module_globals=None: []
    # Where carets go is found by parsing a line, and a line that is no whole statement makes the parser look for its file.
    if hasattr(traceback.StackSummary, "_should_show_carets"):
        traceback.StackSummary._should_show_carets = lambda *_: False
    if hasattr(traceback, "_extract_caret_anchors_from_line_segment"):
        traceback._extract_caret_anchors_from_line_segment = lambda segment: None
