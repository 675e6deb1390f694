"""Writes ../tensor_ops/rows.json: what every tensor and group operation gives, by numpy, and what each refuses.

A row gives tensors by name, lists calls `[result, function, arguments...]` and what the names hold afterwards, or
the code of the error that the last call ends with. `then` is called in the next phase. The names `parameters` and
`buffers` are those of the network of tests/tensor_ops.rs. The rows of random numbers hold for seed 42 and a
callback named `tensor-ops`.
"""
import json
import math
import pathlib

import numpy as np

ROWS = []
F, I, B = np.float32, np.int64, np.bool_
NAN, INF = math.nan, math.inf
HUGE = 2**20


def number(value):
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def encode(value):
    """A tensor as the table writes it; anything else as it is."""
    if isinstance(value, np.ndarray | np.generic):
        value = np.asarray(value)
        dtype = {"bool": "boolean"}.get(str(value.dtype), str(value.dtype))
        kind = float if "float" in dtype else int
        return {"shape": list(value.shape), "dtype": dtype, "values": [number(kind(x)) for x in value.ravel()]}
    if isinstance(value, dict):
        return {key: encode(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [encode(each) for each in value]
    return number(value)


def row(name, calls, given=None, **rest):
    ROWS.append(encode({"name": name, "given": given or {}, "calls": calls, **rest}))


def gives(function, expected, *arguments, on=None, note="", **given):
    """One call on `x` (or `on`), whose result is `expected`."""
    arguments = [on or "x", *arguments] if given else list(arguments)
    row(f"{function}{note}", [["result", function, *arguments]], given, expected={"result": expected})


def refuses(function, code, *arguments, note="", before=(), repeat=None, **given):
    """A call that ends with the error `code`."""
    rest = {"repeat": repeat} if repeat else {}
    row(f"{function} refuses{note}", [*before, ["_", function, *arguments]], given, error=code, **rest)


def changes(function, expected, *arguments, note="", **given):
    """A call that leaves `x` as `expected`."""
    row(f"{function}{note}", [["_", function, "x", *arguments]], given, expected={"x": expected})


X = np.array([[1.0, -2.0, 3.5], [0.25, 4.0, -0.5]], F)
Y = np.array([[2.0, 0.5, -1.0], [4.0, -3.0, 0.5]], F)
ROW = np.array([1.0, 2.0, -4.0], F)
COLUMN = np.array([[10.0], [20.0]], F)
SCALAR = np.array(2.5, F)
WHOLE = np.array([[3, -1, 2], [0, 5, 7]], I)
ODD = np.array([1.0, NAN, INF, -INF, 0.0], F)
MASK = np.array([[True, False, True], [False, False, True]], B)
EMPTY = np.zeros((0, 3), F)


def expanded(name, shape, of="x"):
    return [name, "tensor.expand", of, shape]


ONE = np.ones(1, F)

# ---- what is known, numbers out ----

gives("tensor.info", {"shape": [2, 3], "dtype": "float32", "device": "cpu", "requires-grad": False}, x=X)
gives("tensor.info", {"shape": [], "dtype": "boolean", "device": "cpu", "requires-grad": False},
      note=" of a single boolean", x=np.array(True))
gives("tensor.item", 2.5, x=SCALAR)
gives("tensor.item", 7.0, note=" of [1, 1] int64", x=np.array([[7]], I))
refuses("tensor.item", "shape-mismatch", "x", x=X)
gives("tensor.read-f32", [3.5, 0.25], 2, 2, x=X)
gives("tensor.read-f32", [1.0, NAN, INF, -INF, 0.0], 0, 5, note=" of what is not finite", x=ODD)
gives("tensor.read-f32", [], 6, 0, note=" of nothing at the end", x=X)
row("tensor.read-f32 follows the order of a view", [["t", "tensor.transpose", "x", 0, 1],
    ["result", "tensor.read-f32", "t", 0, 6]], {"x": X}, expected={"result": [float(v) for v in X.T.ravel()]})
refuses("tensor.read-f32", "invalid-argument", "x", 5, 2, note=" to read beyond the end", x=X)
refuses("tensor.read-f32", "invalid-argument", "x", 2**62, 4, note=" an offset beyond any end", x=X)
refuses("tensor.read-f32", "too-large", "y", 0, 2**22 + 1, note=" more than 4 Mi elements",
        before=[expanded("y", [2**23])], x=ONE)
gives("tensor.read-s64", [3, -1, 2], 0, 3, x=WHOLE)
gives("tensor.read-s64", [1, -2, 3], 0, 3, note=" cuts off fractions", x=X)
refuses("tensor.read-s64", "too-large", "y", 0, 2**21 + 1, note=" more than 2 Mi elements",
        before=[expanded("y", [2**23])], x=ONE)
refuses("tensor.read-s64", "invalid-argument", "x", 7, 1, note=" to read beyond the end", x=X)
row("tensor.defer", [["d", "tensor.defer", "x"], ["result", "deferred.poll", "d"]], {"x": SCALAR},
    expected={"result": 2.5, "d": 2.5})
row("deferred.wait lasts over phases", [["d", "tensor.defer", "x"]], {"x": np.array(-3, I)},
    then=[["result", "deferred.wait", "d"], ["again", "deferred.poll", "d"]], expected={"result": -3.0, "again": -3.0})
refuses("tensor.defer", "shape-mismatch", "x", x=X)

# ---- two tensors ----

gives("tensor.add", X + Y, "y", 1.0, x=X, y=Y)
gives("tensor.add", X + F(0.5) * ROW, "y", 0.5, note=" broadcasts and scales", x=X, y=ROW)
gives("tensor.add", X - COLUMN, "y", -1.0, note=" of alpha -1", x=X, y=COLUMN)
gives("tensor.add", WHOLE + 3 * WHOLE, "x", 3.0, note=" of integers by a whole alpha stays integer", x=WHOLE)
gives("tensor.add", (WHOLE + X).astype(F), "y", 1.0, note=" promotes", x=WHOLE, y=X)
gives("tensor.sub", X - Y, "y", x=X, y=Y)
gives("tensor.mul", X * ROW, "y", x=X, y=ROW)
gives("tensor.mul", EMPTY, "y", note=" of nothing", x=EMPTY, y=ROW)
gives("tensor.div", X / Y, "y", x=X, y=Y)
gives("tensor.div", np.array([1.5, INF, NAN], F), "y", note=" of integers is true division",
      x=np.array([3, 1, 0], I), y=np.array([2, 0, 0], I))
gives("tensor.maximum", np.maximum(X, Y), "y", x=X, y=Y)
gives("tensor.minimum", np.minimum(X, ROW), "y", x=X, y=ROW)
gives("tensor.minimum", np.array([NAN, 1.0], F), "y", note=" passes nan on", x=np.array([NAN, 1], F),
      y=np.array([0, 2], F))
gives("tensor.lerp", X + F(0.25) * (Y - X), "y", 0.25, x=X, y=Y)
gives("tensor.atan2", np.arctan2(X, Y), "y", x=X, y=Y)
gives("tensor.atan2", np.arctan2(WHOLE, 2).astype(F), "y", note=" of integers gives floats", x=WHOLE, y=np.array(2, I))
gives("tensor.clamp-between", np.clip(X, ROW - 2, ROW), "low", "high", note=" broadcasts", x=X, low=ROW - 2, high=ROW)
gives("tensor.clamp-between", np.full(2, -1, F), "low", "high", note=" is max where min is above it",
      x=np.array([0, 5], F), low=np.array(1, F), high=np.array(-1, F))
refuses("tensor.clamp-between", "shape-mismatch", "x", "y", "x", note=" shapes that do not broadcast", x=X,
        y=np.ones(4, F))
refuses("tensor.clamp-between", "too-large", "c", "a", "b", note=" three shapes that only together are too large",
        before=[expanded("c", [2**13, 1, 1]), expanded("a", [1, 2**13, 1]), expanded("b", [1, 1, 2**13])], x=ONE)
for function in ["add", "sub", "mul", "div", "maximum", "minimum", "lerp", "atan2", "eq", "ne", "lt", "le", "gt", "ge",
                 "logical-and", "logical-or", "logical-xor"]:
    alpha = {"add": [1.0], "lerp": [0.5]}.get(function, [])
    refuses(f"tensor.{function}", "shape-mismatch", "x", "y", *alpha, note=" shapes that do not broadcast",
            x=X, y=np.ones(4, F))
    refuses(f"tensor.{function}", "too-large", "a", "b", *alpha, note=" a result of 2^40 elements",
            before=[expanded("a", [HUGE, 1]), expanded("b", [1, HUGE])], x=ONE)
refuses("tensor.lerp", "dtype-mismatch", "x", "x", 0.5, note=" integers", x=WHOLE)
refuses("tensor.add", "dtype-mismatch", "x", "x", 0.5, note=" a fraction of integers", x=WHOLE)
refuses("tensor.sub", "dtype-mismatch", "x", "x", note=" booleans", x=MASK)

# ---- one tensor ----

POSITIVE = np.array([0.5, 1.0, 2.0, 9.0], F)
gives("tensor.affine", X * 2 - F(0.5), 2.0, -0.5, x=X)
gives("tensor.affine", (WHOLE * 2).astype(F), 2.0, 0.0, note=" of integers gives floats", x=WHOLE)
gives("tensor.affine", np.full(2, NAN, F), NAN, 0.0, note=" by nan is nan", x=np.ones(2, F))
gives("tensor.pow", POSITIVE ** F(1.5), 1.5, x=POSITIVE)
gives("tensor.pow", X * X, 2.0, note=" of negatives", x=X)
gives("tensor.clamp", np.clip(X, -1, 2), -1.0, 2.0, x=X)
gives("tensor.clamp", np.maximum(X, 0), 0.0, None, note=" from below", x=X)
gives("tensor.clamp", np.minimum(X, F(0.5)), None, 0.5, note=" from above", x=X)
refuses("tensor.clamp", "invalid-argument", "x", None, None, note=" no bounds", x=X)
refuses("tensor.clamp", "invalid-argument", "x", NAN, None, note=" nan", x=X)
refuses("tensor.clamp", "invalid-argument", "x", 0.0, NAN, note=" nan above", x=X)
ROUNDED = np.array([-1.5, -0.5, 0.5, 1.5, 2.5, 0.7], F)
for function, expected in {
    "neg": -X, "abs": np.abs(X), "sign": np.sign(X), "exp": np.exp(X), "sin": np.sin(X), "cos": np.cos(X),
    "floor": np.floor(X), "tanh": np.tanh(X), "sigmoid": 1 / (1 + np.exp(-X)), "relu": np.maximum(X, 0),
}.items():
    gives(f"tensor.{function}", expected, x=X)
gives("tensor.log", np.log(POSITIVE), x=POSITIVE)
gives("tensor.log", np.array([NAN, -INF], F), note=" outside its domain", x=np.array([-1, 0], F))
gives("tensor.sqrt", np.sqrt(POSITIVE), x=POSITIVE)
gives("tensor.sqrt", np.sqrt(np.array([4, 9])).astype(F), note=" of integers gives floats", x=np.array([4, 9], I))
gives("tensor.rsqrt", 1 / np.sqrt(POSITIVE), x=POSITIVE)
gives("tensor.rsqrt", np.array([INF, NAN], F), note=" outside its domain", x=np.array([0, -1], F))
SMALL = np.array([1e-6, -1e-6, 0.5, -0.5, 2], F)
gives("tensor.log1p", np.log1p(SMALL), x=SMALL)
gives("tensor.log1p", np.array([-INF, NAN], F), note=" outside its domain", x=np.array([-1, -2], F))
gives("tensor.expm1", np.expm1(SMALL), x=SMALL)
gives("tensor.erf", np.array([math.erf(v) for v in SMALL], F), x=SMALL)
gives("tensor.erf", np.array([math.erf(v) for v in [-1, 0, 2]], F), note=" of integers gives floats",
      x=np.array([-1, 0, 2], I))
gives("tensor.round", np.rint(ROUNDED), note=" to even", x=ROUNDED)
gives("tensor.neg", EMPTY, note=" of nothing", x=EMPTY)
gives("tensor.nan-to-num", np.array([1, 7, 8, -9, 0], F), 7.0, 8.0, -9.0, x=ODD)
gives("tensor.nan-to-num", np.nan_to_num(ODD), 0.0, None, None, note=" by the ends of the dtype", x=ODD)
gives("tensor.nan-to-num", WHOLE, 0.0, 1.0, 2.0, note=" of integers changes nothing", x=WHOLE)
gives("tensor.masked-fill", np.where(MASK, F(9), X), "y", 9.0, x=X, y=MASK)
gives("tensor.masked-fill", np.where(MASK, 9, WHOLE[0]), "y", 9.0, note=" broadcasts both", x=WHOLE[0], y=MASK)
gives("tensor.masked-fill", np.where(MASK, F(NAN), X), "y", NAN, note=" with nan", x=X, y=MASK)
refuses("tensor.masked-fill", "dtype-mismatch", "x", "x", 0.0, note=" a mask of floats", x=X)
refuses("tensor.masked-fill", "dtype-mismatch", "x", "y", 0.5, note=" integers with a fraction", x=WHOLE, y=MASK)
refuses("tensor.masked-fill", "shape-mismatch", "x", "y", 0.0, note=" shapes that do not broadcast", x=X,
        y=np.array([True] * 4))
refuses("tensor.neg", "dtype-mismatch", "x", note=" booleans", x=MASK)
refuses("tensor.expand", "too-large", "x", [2**40], note=" 2^40 elements, which exp would make", x=ONE)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


gives("tensor.softmax", softmax(X, 1), 1, x=X)
gives("tensor.softmax", softmax(X, 0), -2, note=" over a dimension from the end", x=X)
gives("tensor.log-softmax", np.log(softmax(X, 1)), -1, x=X)
gives("tensor.cumsum", X.cumsum(1), 1, x=X)
gives("tensor.cumsum", WHOLE.cumsum(0), 0, note=" of integers", x=WHOLE)
for function in ["softmax", "log-softmax", "cumsum"]:
    for dim in [2, -3, 2**62]:
        refuses(f"tensor.{function}", "invalid-argument", "x", dim, note=f" dimension {dim}", x=X)

# ---- comparisons ----

gives("tensor.eq", X == X.round(), "y", x=X, y=X.round())
gives("tensor.ne", X != X.round(), "y", x=X, y=X.round())
gives("tensor.gt", X > Y, "y", x=X, y=Y)
gives("tensor.ge", X >= ROW, "y", note=" broadcasts", x=X, y=ROW)
gives("tensor.ne-scalar", X != 4, 4.0, x=X)
gives("tensor.ne-scalar", np.ones(5, B), NAN, note=" nan, which everything differs from", x=ODD)
gives("tensor.lt", X < Y, "y", x=X, y=Y)
gives("tensor.le", X <= ROW, "y", x=X, y=ROW)
gives("tensor.eq-scalar", X == 4, 4.0, x=X)
gives("tensor.eq-scalar", np.zeros(5, B), NAN, note=" nan, which nothing equals", x=ODD)
gives("tensor.lt-scalar", X < 0.25, 0.25, x=X)
gives("tensor.le-scalar", X <= 0.25, 0.25, x=X)
gives("tensor.gt-scalar", X > 0.25, 0.25, x=X)
gives("tensor.ge-scalar", X >= 0.25, 0.25, x=X)
gives("tensor.ge-scalar", WHOLE >= 2.5, 2.5, note=" a fraction with integers", x=WHOLE)
gives("tensor.isfinite", np.isfinite(ODD), x=ODD)
gives("tensor.isnan", np.isnan(ODD), x=ODD)
gives("tensor.isnan", np.zeros_like(WHOLE, B), note=" of integers", x=WHOLE)
gives("tensor.isinf", np.isinf(ODD), x=ODD)
gives("tensor.logical-xor", MASK ^ (X > 0), "y", x=MASK, y=X > 0)
gives("tensor.logical-xor", (WHOLE != 0) ^ MASK, "y", note=" of integers", x=WHOLE, y=MASK)
gives("tensor.logical-not", ~MASK, x=MASK)
gives("tensor.logical-and", MASK & (X > 0), "y", x=MASK, y=X > 0)
gives("tensor.logical-or", MASK | (X > 0), "y", x=MASK, y=X > 0)
gives("tensor.choose", np.where(MASK, X, Y), "y", "z", x=MASK, y=X, z=Y)
gives("tensor.choose", np.where(MASK, SCALAR, ROW), "y", "z", note=" broadcasts", x=MASK, y=SCALAR, z=ROW)
refuses("tensor.choose", "dtype-mismatch", "x", "x", "x", note=" a condition that is not boolean", x=X)
refuses("tensor.choose", "shape-mismatch", "x", "y", "y", note=" shapes that do not broadcast", x=MASK,
        y=np.ones(4, F))
refuses("tensor.choose", "too-large", "c", "a", "b", note=" three shapes that only together are too large", before=[
    ["m", "tensor.lt-scalar", "x", 0.0], expanded("c", [2**13, 1, 1], "m"), expanded("a", [1, 2**13, 1]),
    expanded("b", [1, 1, 2**13])], x=ONE)

gives("tensor.choose-if-true-scalar", np.where(MASK, F(0.5), X), 0.5, "y", x=MASK, y=X)
gives("tensor.choose-if-true-scalar", np.where(MASK, 7, WHOLE), 7.0, "y", note=" of integers by a whole number",
      x=MASK, y=WHOLE)
gives("tensor.choose-if-true-scalar", np.where(MASK, 0.5, WHOLE).astype(F), 0.5, "y",
      note=" of integers by a fraction gives floats", x=MASK, y=WHOLE)
gives("tensor.choose-if-false-scalar", np.where(MASK, X, F(INF)), "y", INF, x=MASK, y=X)
gives("tensor.choose-if-false-scalar", np.where(MASK, ROW, F(0)), "y", 0.0, note=" broadcasts", x=MASK, y=ROW)
gives("tensor.choose-scalars", np.where(MASK, F(1.5), F(-2)), 1.5, -2.0, x=MASK)
for function, arguments in {"choose-if-true-scalar": [0.0, "x"], "choose-if-false-scalar": ["x", 0.0],
                            "choose-scalars": [0.0, 1.0]}.items():
    refuses(f"tensor.{function}", "dtype-mismatch", "x", *arguments, note=" a condition that is not boolean", x=X)
for function, arguments in {"choose-if-true-scalar": [0.0, "y"], "choose-if-false-scalar": ["y", 0.0]}.items():
    refuses(f"tensor.{function}", "shape-mismatch", "x", *arguments, note=" shapes that do not broadcast", x=MASK,
            y=np.ones(4, F))
    refuses(f"tensor.{function}", "too-large", "c", *["a" if each == "y" else each for each in arguments],
            note=" a result of 2^40 elements", before=[["m", "tensor.lt-scalar", "x", 0.0],
            expanded("c", [HUGE, 1], "m"), expanded("a", [1, HUGE])], x=ONE)

# ---- reductions ----



def logsumexp(x, axis=None, keepdims=False):
    return np.log(np.exp(x.astype(np.float64)).sum(axis, keepdims=keepdims)).astype(F)


for function, numpy in {"sum": np.sum, "mean": np.mean, "amin": np.amin, "amax": np.amax, "prod": np.prod,
                        "logsumexp": logsumexp}.items():
    gives(f"tensor.{function}", numpy(X), [], False, note=" of everything", x=X)
    gives(f"tensor.{function}", numpy(X, 0), [0], False, x=X)
    gives(f"tensor.{function}", numpy(X, (0, 1), keepdims=True), [-1, 0], True, note=" keeps dimensions", x=X)
    refuses(f"tensor.{function}", "invalid-argument", "x", [2], False, note=" dimension 2", x=X)
    refuses(f"tensor.{function}", "invalid-argument", "x", [0, 0], False, note=" a dimension twice", x=X)
BATCHES = np.arange(1, 13, dtype=F).reshape(2, 2, 3)
gives("tensor.prod", BATCHES.prod((2, 0)), [2, 0], False, note=" over the first and the last dimension", x=BATCHES)
gives("tensor.prod", WHOLE.prod(1), [1], False, note=" of integers", x=WHOLE)
gives("tensor.prod", np.array(0, I), [], False, note=" of booleans", x=MASK)
gives("tensor.prod", np.array([1, 1, 1], F), [0], False, note=" of nothing is 1", x=EMPTY)
gives("tensor.prod", SCALAR, [], True, note=" of a single number", x=SCALAR)
gives("tensor.logsumexp", F(1000 + math.log(2)), [], False, note=" does not overflow", x=np.array([1000, 1000], F))
gives("tensor.logsumexp", logsumexp(WHOLE, 0), [0], False, note=" of integers gives floats", x=WHOLE)
gives("tensor.logsumexp", SCALAR, [], False, note=" of a single number", x=SCALAR)
gives("tensor.sum", WHOLE.sum(1), [1], False, note=" of integers", x=WHOLE)
gives("tensor.sum", np.array(3, I), [], False, note=" of booleans counts", x=MASK)
refuses("tensor.mean", "dtype-mismatch", "x", [], False, note=" integers", x=WHOLE)
refuses("tensor.amax", "invalid-argument", "x", [], False, note=" nothing", x=EMPTY)
gives("tensor.std", np.std(X, ddof=1), [], True, False, note=" of everything, unbiased", x=X)
gives("tensor.std", np.std(X, axis=1, keepdims=True), [1], False, True, x=X)
gives("tensor.var", np.var(X, ddof=1), [], True, False, note=" of everything, unbiased", x=X)
gives("tensor.var", np.var(X, axis=1, keepdims=True), [1], False, True, x=X)
refuses("tensor.var", "dtype-mismatch", "x", [], True, False, note=" integers", x=WHOLE)
refuses("tensor.var", "invalid-argument", "x", [5], True, False, note=" dimension 5", x=X)
refuses("tensor.std", "dtype-mismatch", "x", [], True, False, note=" integers", x=WHOLE)
refuses("tensor.std", "invalid-argument", "x", [5], True, False, note=" dimension 5", x=X)
for p in [0.0, 1.0, 2.0, 3.0, INF]:
    gives("tensor.norm", F(np.linalg.norm(X.ravel(), p)), p, [], False, note=f" of order {p}", x=X)
gives("tensor.norm", np.linalg.norm(X, axis=1, keepdims=True).astype(F), 2.0, [1], True, note=" of rows", x=X)
refuses("tensor.norm", "dtype-mismatch", "x", 2.0, [], False, note=" integers", x=WHOLE)
refuses("tensor.norm", "invalid-argument", "x", NAN, [], False, note=" order nan", x=X)
refuses("tensor.norm", "invalid-argument", "x", 2.0, [9], False, note=" dimension 9", x=X)
gives("tensor.all", np.array(False), x=MASK)
gives("tensor.all", np.array(True), note=" of nothing", x=EMPTY)
gives("tensor.any", np.array(True), x=MASK)
gives("tensor.argmax", X.argmax(1), 1, False, x=X)
gives("tensor.argmin", X.argmin(0, keepdims=True), -2, True, x=X)
for function in ["argmax", "argmin"]:
    refuses(f"tensor.{function}", "invalid-argument", "x", 2, False, note=" dimension 2", x=X)
    refuses(f"tensor.{function}", "invalid-argument", "x", 0, False, note=" nothing", x=EMPTY)
gives("tensor.median", F(0.25), note=" is the lower of the middle two", x=X)
gives("tensor.median", np.median(WHOLE[0]).astype(I), note=" of integers", x=WHOLE[0])
gives("tensor.median", F(NAN), note=" of nan is nan", x=ODD)
MEDIANS = np.argsort(X, 1)[:, 1:2]
gives("tensor.median-dim", [np.take_along_axis(X, MEDIANS, 1), MEDIANS], 1, True, x=X)
gives("tensor.median-dim", [X.min(0), X.argmin(0)], 0, False, note=" of two is the lower", x=X)
for function, arguments in {"median": [], "median-dim": [0, False]}.items():
    refuses(f"tensor.{function}", "invalid-argument", "x", *arguments, note=" nothing", x=EMPTY)
    refuses(f"tensor.{function}", "dtype-mismatch", "x", *arguments, note=" booleans", x=MASK)
refuses("tensor.median-dim", "invalid-argument", "x", 2, False, note=" dimension 2", x=X)
SORTED = np.argsort(X, 1)
gives("tensor.sort", [np.take_along_axis(X, SORTED, 1), SORTED], 1, False, x=X)
gives("tensor.sort", [np.take_along_axis(X, SORTED[:, ::-1], 1), SORTED[:, ::-1]], -1, True, note=" downwards", x=X)
TIES = np.array([1, 0, 1, 0, 1], I)
gives("tensor.sort", [np.sort(TIES), np.argsort(TIES, kind="stable")], 0, False, note=" keeps the order of ties", x=TIES)
gives("tensor.sort", [-np.sort(-TIES), np.argsort(-TIES, kind="stable")], 0, True,
      note=" keeps the order of ties downwards", x=TIES)
gives("tensor.sort", [np.array([-INF, 0, 1, INF, NAN], F), np.array([3, 4, 0, 2, 1], I)], 0, False,
      note=" has nan last", x=ODD)
gives("tensor.sort", [EMPTY, np.zeros((0, 3), I)], 1, False, note=" of nothing", x=EMPTY)
refuses("tensor.sort", "invalid-argument", "x", 2, False, note=" dimension 2", x=X)
ORDER = np.argsort(-X, 1)[:, :2]
gives("tensor.topk", [np.take_along_axis(X, ORDER, 1), ORDER], 2, 1, x=X)
refuses("tensor.topk", "invalid-argument", "x", 4, 1, note=" more than there are", x=X)
refuses("tensor.topk", "invalid-argument", "x", 1, 2, note=" dimension 2", x=X)
gives("tensor.quantile", F(np.quantile(X, 0.3)), 0.3, x=X)
gives("tensor.quantile", X.max(), 1.0, note=" 1 is the largest", x=X)
for q in [-0.1, 1.5, NAN]:
    refuses("tensor.quantile", "invalid-argument", "x", q, note=f" {q}", x=X)
refuses("tensor.quantile", "dtype-mismatch", "x", 0.5, note=" integers", x=WHOLE)
refuses("tensor.quantile", "invalid-argument", "x", 0.5, note=" nothing", x=EMPTY)
refuses("tensor.quantile", "too-large", "y", 0.5, note=" more than 16 Mi elements",
        before=[expanded("y", [2**24 + 1])], x=ONE)
SPREAD = np.array([-5, 0, 0.1, 0.3, 0.5, 0.99, 1.0, 7, NAN, INF, -INF], F)
gives("tensor.histogram", np.histogram(SPREAD[np.isfinite(SPREAD)], 4, (0, 1))[0].astype(F), 4, 0.0, 1.0, x=SPREAD)
gives("tensor.histogram", np.histogram(WHOLE, 3, (0, 6))[0].astype(F), 3, 0.0, 6.0, note=" of integers", x=WHOLE)
gives("tensor.histogram", np.zeros(2, F), 2, 0.0, 1.0, note=" of nothing", x=EMPTY)
for bins, low, high in [(0, 0.0, 1.0), (65537, 0.0, 1.0), (4, 1.0, 1.0), (4, 2.0, 1.0), (4, NAN, 1.0), (4, 0.0, INF),
                        (4, 1.0, 1.0 + 1e-12)]:
    refuses("tensor.histogram", "invalid-argument", "x", bins, low, high, note=f" {bins} bins of {low} to {high}", x=X)
gives("tensor.count-nonzero", np.array(5, I), x=WHOLE)
gives("tensor.count-nonfinite", np.array(3, I), x=ODD)
gives("tensor.count-nonfinite", np.array(0, I), note=" of integers", x=WHOLE)

# ---- by index or mask ----

gives("tensor.index-select", X[:, [2, 0, 2]], 1, "y", x=X, y=np.array([2, 0, 2], I))
for indices in [[3], [-1], [2**40]]:
    refuses("tensor.index-select", "invalid-argument", "x", 1, "y", note=f" indices {indices}", x=X,
            y=np.array(indices, I))
refuses("tensor.index-select", "dtype-mismatch", "x", 1, "y", note=" indices of floats", x=X, y=ROW)
refuses("tensor.index-select", "shape-mismatch", "x", 1, "y", note=" 2-d indices", x=X, y=WHOLE)
refuses("tensor.index-select", "invalid-argument", "x", 2, "y", note=" dimension 2", x=X, y=np.array([0], I))
refuses("tensor.index-select", "invalid-argument", "x", 0, "y", note=" rows of nothing", x=EMPTY, y=np.array([0], I))
refuses("tensor.index-select", "too-large", "wide", 0, "many", note=" 2^40 elements", before=[
    expanded("wide", [1, HUGE]), expanded("many", [HUGE], "y")], x=ONE, y=np.array([0], I))
PLACES = np.array([[2, 0], [1, 1]], I)
gives("tensor.gather", np.take_along_axis(X, PLACES, 1), 1, "y", x=X, y=PLACES)
gives("tensor.gather", np.take_along_axis(X[:, :2], PLACES[:1] % 2, 0), -2, "y", note=" of fewer columns",
      x=X, y=PLACES[:1] % 2)
gives("tensor.gather", np.zeros((2, 0), F), 1, "y", note=" by no indices", x=X, y=np.zeros((2, 0), I))


def scattered(x, indices, source, add=False):
    """For dimension 1 of two."""
    result = x.copy()
    for i, j in np.ndindex(indices.shape):
        result[i, indices[i, j]] = source[i, j] + (result[i, indices[i, j]] if add else 0)
    return result


APART = np.array([[2, 0], [1, 2]], I)
gives("tensor.scatter", scattered(X, APART, Y), 1, "y", "z", x=X, y=APART, z=Y)
gives("tensor.scatter", scattered(WHOLE, APART, -WHOLE), 1, "y", "z", note=" of integers", x=WHOLE, y=APART, z=-WHOLE)
gives("tensor.scatter-scalar", scattered(X, APART, np.full_like(X, 7)), 1, "y", 7.0, x=X, y=APART)
gives("tensor.scatter-scalar", scattered(WHOLE, APART, np.full_like(WHOLE, 7)), 1, "y", 7.0, note=" of integers",
      x=WHOLE, y=APART)
gives("tensor.scatter-add", scattered(X, PLACES, Y, add=True), 1, "y", "z", note=" adds twice to one place", x=X,
      y=PLACES, z=Y)
row("tensor.scatter leaves its source as it is", [["_", "tensor.scatter", "x", 1, "y", "z"]],
    {"x": X, "y": APART, "z": Y}, expected={"x": X, "z": Y})
for function, rest in {"gather": [], "scatter": ["x"], "scatter-scalar": [1.0], "scatter-add": ["x"]}.items():
    for indices in [[[3]], [[-1]], [[0, 2**40]]]:
        refuses(f"tensor.{function}", "invalid-argument", "x", 1, "y", *rest, note=f" indices {indices}", x=X,
                y=np.array(indices, I))
    refuses(f"tensor.{function}", "dtype-mismatch", "x", 1, "y", *rest, note=" indices of floats", x=X, y=X * 0)
    refuses(f"tensor.{function}", "shape-mismatch", "x", 1, "y", *rest, note=" indices of another rank", x=X,
            y=np.array([0], I))
    refuses(f"tensor.{function}", "shape-mismatch", "x", 1, "y", *rest, note=" indices longer than the rest", x=X,
            y=np.zeros((3, 1), I))
    refuses(f"tensor.{function}", "invalid-argument", "x", 2, "y", *rest, note=" dimension 2", x=X, y=PLACES)
    refuses(f"tensor.{function}", "invalid-argument", "x", 0, "y", *rest, note=" rows of nothing", x=EMPTY,
            y=np.array([[0]], I))
for function in ["scatter", "scatter-add"]:
    refuses(f"tensor.{function}", "shape-mismatch", "x", 1, "y", "z", note=" a source that is too short", x=X,
            y=APART, z=Y[:1])
    refuses(f"tensor.{function}", "dtype-mismatch", "x", 1, "y", "z", note=" a source of another dtype", x=X,
            y=APART, z=WHOLE)
refuses("tensor.scatter-scalar", "dtype-mismatch", "x", 1, "y", 0.5, note=" a fraction for integers", x=WHOLE, y=APART)
gives("tensor.masked-select", X[MASK], "y", x=X, y=MASK)
gives("tensor.masked-select", np.broadcast_to(ROW, (2, 3))[MASK], "y", note=" broadcasts", x=ROW, y=MASK)
gives("tensor.masked-select", np.zeros(0, F), "y", note=" nothing", x=X, y=np.array(False))
refuses("tensor.masked-select", "dtype-mismatch", "x", "x", note=" a mask of floats", x=X)
refuses("tensor.masked-select", "shape-mismatch", "x", "y", note=" shapes that do not broadcast", x=X,
        y=np.array([True] * 4))
refuses("tensor.masked-select", "too-large", "a", "c", note=" out of 2^40 elements", before=[
    ["m", "tensor.lt-scalar", "x", 0.0], expanded("a", [HUGE, 1]), expanded("c", [1, HUGE], "m")], x=ONE)
gives("tensor.nonzero", np.argwhere(WHOLE), x=WHOLE)
gives("tensor.nonzero", np.argwhere(MASK), note=" of booleans", x=MASK)
gives("tensor.nonzero", np.zeros((1, 0), I), note=" of a single number", x=SCALAR)
gives("tensor.nonzero", np.zeros((0, 2), I), note=" of nothing", x=EMPTY)
refuses("tensor.nonzero", "too-large", "y", note=" what may have 2^29 indices", before=[expanded("y", [2**14, 2**14])],
        x=ONE)

# ---- shape ----

gives("tensor.reshape", X.reshape(3, 2), [3, -1], x=X)
row("tensor.reshape of a transposed view copies", [["t", "tensor.transpose", "x", 0, 1],
    ["result", "tensor.reshape", "t", [-1]], ["_", "tensor.fill-in-place", "result", 0.0]], {"x": X},
    expected={"result": np.zeros(6, F), "x": X})
refuses("tensor.reshape", "shape-mismatch", "x", [4, 2], x=X)
refuses("tensor.reshape", "invalid-argument", "x", [-1, -1], note=" two lengths of -1", x=X)
refuses("tensor.reshape", "invalid-argument", "x", [-2, 3], note=" a negative length", x=X)
gives("tensor.permute", X.reshape(1, 2, 3).transpose(2, 0, 1), [2, 0, 1], x=X.reshape(1, 2, 3))
refuses("tensor.permute", "shape-mismatch", "x", [0], note=" too few dimensions", x=X)
refuses("tensor.permute", "invalid-argument", "x", [0, 0], note=" a dimension twice", x=X)
refuses("tensor.permute", "invalid-argument", "x", [0, 2], note=" dimension 2", x=X)
gives("tensor.transpose", X.T, 0, -1, x=X)
refuses("tensor.transpose", "invalid-argument", "x", 0, 2, note=" dimension 2", x=X)
gives("tensor.squeeze", COLUMN[:, 0], 1, x=COLUMN)
gives("tensor.squeeze", X, 0, note=" leaves what is longer than 1", x=X)
refuses("tensor.squeeze", "invalid-argument", "x", 2, note=" dimension 2", x=X)
gives("tensor.unsqueeze", X[:, None], 1, x=X)
refuses("tensor.unsqueeze", "invalid-argument", "x", 4, note=" dimension 4", x=X)
gives("tensor.expand", np.broadcast_to(COLUMN, (2, 3)), [-1, 3], x=COLUMN)
gives("tensor.expand", np.broadcast_to(SCALAR, (2, 2)), [2, 2], note=" of a single number", x=SCALAR)
refuses("tensor.expand", "shape-mismatch", "x", [5, 3], note=" what is not of length 1", x=X)
refuses("tensor.expand", "invalid-argument", "x", [-2], note=" a negative length", x=ONE)
refuses("tensor.expand", "invalid-argument", "x", [1] * 65, note=" 65 dimensions", x=ONE)
gives("tensor.narrow", X[:, 1:], 1, 1, 2, x=X)
for start, length in [(2, 2), (0, 4), (0, -1), (-4, 1)]:
    refuses("tensor.narrow", "invalid-argument", "x", 1, start, length, note=f" {length} from {start} on", x=X)
refuses("tensor.narrow", "invalid-argument", "x", 2, 0, 1, note=" dimension 2", x=X)
gives("tensor.select", X[:, 2], 1, -1, x=X)
refuses("tensor.select", "invalid-argument", "x", 1, 3, note=" entry 3", x=X)
refuses("tensor.select", "invalid-argument", "x", -3, 0, note=" dimension -3", x=X)
gives("tensor.flip", X[::-1, ::-1], [0, 1], x=X)
refuses("tensor.flip", "invalid-argument", "x", [2], note=" dimension 2", x=X)
refuses("tensor.flip", "invalid-argument", "x", [1, 1], note=" a dimension twice", x=X)
gives("tensor.roll", np.roll(X, -1, 1), -1, 1, x=X)
refuses("tensor.roll", "invalid-argument", "x", 1, 2, note=" dimension 2", x=X)
WIDTHS = [(0, 1), (2, 1)]
for mode, numpy in {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}.items():
    gives("tensor.pad", np.pad(X, [(0, 0), (2, 1)], numpy), [2, 1], mode, 0.0, note=f" by {mode}", x=X)
    gives("tensor.pad", np.pad(X[None], [(0, 0), (1, 0), (0, 2)], numpy), [0, 2, 1, 0], mode, 0.0,
          note=f" by {mode} on two sides", x=X[None])
    refuses("tensor.pad", "shape-mismatch", "x", [1, 1], mode, 0.0, note=f" one dimension by {mode}", x=ROW)
    refuses("tensor.pad", "shape-mismatch", "x", [], mode, 0.0, note=f" nothing by {mode}", x=X)
    refuses("tensor.pad", "invalid-argument", "x", [1, 1], mode, 2.0, note=f" by {mode} with a value", x=X)
    refuses("tensor.pad", "invalid-argument", "x", [1, 1], mode, 0.0, note=f" an empty dimension by {mode}",
            x=np.zeros((3, 0), F))
gives("tensor.pad", np.pad(X, WIDTHS, constant_values=9), [2, 1, 0, 1], "constant", 9.0, x=X)
gives("tensor.pad", np.pad(WHOLE, WIDTHS, constant_values=-1), [2, 1, 0, 1], "constant", -1.0, note=" of integers",
      x=WHOLE)
gives("tensor.pad", np.pad(MASK, WIDTHS, constant_values=True), [2, 1, 0, 1], "constant", 1.0, note=" of booleans",
      x=MASK)
gives("tensor.pad", X, [], "constant", 0.0, note=" by nothing", x=X)
gives("tensor.pad", np.full((2, 3), 4, F), [0, 0, 2, 0], "constant", 4.0, note=" of nothing", x=EMPTY)
for padding, mode, text in [([3, 0], "reflect", "by as many as there are"), ([0, 4], "circular", "by more than there are"),
                            ([-1, 0], "constant", "by a negative number"), ([1, 1], "mirror", "by an unknown mode")]:
    refuses("tensor.pad", "invalid-argument", "x", padding, mode, 0.0, note=f" {text}", x=X)
refuses("tensor.pad", "shape-mismatch", "x", [1], "constant", 0.0, note=" by half a pair", x=X)
refuses("tensor.pad", "shape-mismatch", "x", [1] * 6, "constant", 0.0, note=" three of two dimensions", x=X)
refuses("tensor.pad", "dtype-mismatch", "x", [1, 1], "constant", 0.5, note=" integers with a fraction", x=WHOLE)
for amount in [2**40, 2**63 - 1]:
    refuses("tensor.pad", "too-large", "x", [amount, amount], "constant", 0.0, note=f" by {amount}", x=X)


def weights(length, to, mode):
    """A matrix [to, length] that resizes one dimension as PyTorch does with align_corners=False."""
    matrix = np.zeros((to, length))
    for place in range(to):
        if mode == "nearest":
            matrix[place, int(place * length / to)] = 1
            continue
        center = (place + 0.5) * length / to - 0.5
        if mode == "bilinear":
            center = max(center, 0)
        first = math.floor(center)
        t = center - first
        a = -0.75
        cubic = [((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a, ((a + 2) * t - (a + 3)) * t * t + 1,
                 ((a + 2) * (1 - t) - (a + 3)) * (1 - t) ** 2 + 1,
                 ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a]
        taps = {"bilinear": [(0, 1 - t), (1, t)], "bicubic": list(zip([-1, 0, 1, 2], cubic))}[mode]
        for offset, weight in taps:
            matrix[place, min(max(first + offset, 0), length - 1)] += weight
    return matrix


IMAGE = (np.arange(24, dtype=F).reshape(1, 2, 3, 4) * 7 % 11)
for mode in ["nearest", "bilinear", "bicubic"]:
    # In float32 a cubic's weights are exact for lengths that are doubled.
    for height, width in [(6, 8) if mode == "bicubic" else (5, 7), (2, 3), (3, 4), (1, 1)]:
        wanted = weights(3, height, mode) @ IMAGE @ weights(4, width, mode).T
        gives("tensor.interpolate", wanted.astype(F), height, width, mode, note=f" {mode} to {height} x {width}", x=IMAGE)
    refuses("tensor.interpolate", "shape-mismatch", "x", 2, 2, mode, note=f" no images by {mode}", x=X)
    refuses("tensor.interpolate", "invalid-argument", "x", 0, 2, mode, note=f" to nothing by {mode}", x=IMAGE)
    refuses("tensor.interpolate", "shape-mismatch", "x", 2, 2, mode, note=f" images without pixels by {mode}",
            x=np.zeros((1, 1, 0, 2), F))
    refuses("tensor.interpolate", "too-large", "x", 2**16, 2**16, mode, note=f" to 2^32 pixels by {mode}", x=IMAGE)
    refuses("tensor.interpolate", "dtype-mismatch", "x", 2, 2, mode, note=f" integers by {mode}", x=IMAGE.astype(I))
refuses("tensor.interpolate", "invalid-argument", "x", 2, 2, "linear", note=" by an unknown mode", x=IMAGE)
gives("tensor.matmul", X @ Y.T, "y", x=X, y=np.ascontiguousarray(Y.T))
gives("tensor.matmul", X @ ROW, "y", note=" with a vector", x=X, y=ROW)
gives("tensor.matmul", F(ROW @ ROW), "x", note=" of vectors", x=ROW)
BATCH = np.arange(12, dtype=F).reshape(2, 2, 3)
gives("tensor.matmul", BATCH @ Y.T, "y", note=" of batches", x=BATCH, y=np.ascontiguousarray(Y.T))
refuses("tensor.matmul", "shape-mismatch", "x", "x", x=X)
refuses("tensor.matmul", "dtype-mismatch", "x", "y", note=" two dtypes", x=X, y=WHOLE[0])
refuses("tensor.matmul", "too-large", "a", "b", note=" a product of 2^40 elements",
        before=[expanded("a", [HUGE, 1]), expanded("b", [1, HUGE])], x=ONE)
refuses("tensor.matmul", "too-large", "a", "b", note=" batches of 2^40 elements",
        before=[expanded("a", [HUGE, 1, 1, 1]), expanded("b", [HUGE, 1, 1])], x=ONE)
gives("tensor.one-hot", np.eye(3, dtype=F)[[2, 0]], 3, x=np.array([2, 0], I))
gives("tensor.one-hot", np.array([[0, 0], [0, 1]], F), 2, note=" leaves rows of zeros", x=np.array([-1, 1], I))
refuses("tensor.one-hot", "invalid-argument", "x", 0, note=" no classes", x=np.array([0], I))
refuses("tensor.one-hot", "invalid-argument", "x", 65537, note=" 65,537 classes", x=np.array([0], I))
refuses("tensor.one-hot", "dtype-mismatch", "x", 3, note=" floats", x=X)
refuses("tensor.one-hot", "too-large", "many", 65536, note=" 2^36 elements", before=[expanded("many", [HUGE])],
        x=np.array([0], I))

# ---- type, place, graph ----

gives("tensor.to-dtype", np.array([[1, -2, 3], [0, 4, 0]], I), "int64", note=" int64 cuts off", x=X)
gives("tensor.to-dtype", X, "float32", note=" its own", x=X)
for dtype in ["uint8", "int8", "int16", "int32", "float16", "float64"]:
    gives("tensor.to-dtype", np.array([3, 0, 5]).astype(dtype), dtype, note=f" {dtype}", x=np.array([3, 0, 5], I))
gives("tensor.to-dtype", np.array([True, False]), "boolean", note=" boolean", x=np.array([0.5, 0], F))
gives("tensor.to-dtype", {"shape": [2], "dtype": "bfloat16", "values": [1.5, -2.0]}, "bfloat16", note=" bfloat16",
      x=np.array([1.5, -2], F))
for dtype in ["uint16", "float8-e4m3fn", "float4-e2m1fn-x2", "complex64", "other"]:
    refuses("tensor.to-dtype", "dtype-mismatch", "x", dtype, note=f" {dtype}", x=X)
gives("tensor.to-device", X, "cpu", x=X)
gives("tensor.to-device", X, "", note=" of the run", x=X)
refuses("tensor.to-device", "invalid-argument", "x", "cuda:7", note=" a device of no run", x=X)
row("tensor.contiguous", [["t", "tensor.transpose", "x", 0, 1], ["result", "tensor.contiguous", "t"]], {"x": X},
    expected={"result": X.T})
gives("tensor.detach", X, x=X)
row("tensor.duplicate is a copy", [["result", "tensor.duplicate", "x"], ["_", "tensor.fill-in-place", "x", 0.0]],
    {"x": X}, expected={"result": X, "x": X * 0})
for view, arguments in {"reshape": [[-1]], "permute": [[1, 0]], "transpose": [0, 1], "squeeze": [0], "unsqueeze": [0],
                        "narrow": [0, 0, 2], "detach": [], "to-dtype": ["float32"]}.items():
    row(f"tensor.{view} shares memory", [["v", f"tensor.{view}", "x", *arguments],
        ["_", "tensor.fill-in-place", "v", 7.0]], {"x": X}, expected={"x": np.full_like(X, 7)})
row("tensor.select shares memory", [["v", "tensor.select", "x", 1, 0], ["_", "tensor.fill-in-place", "v", 7.0]],
    {"x": X}, expected={"x": np.where(np.arange(3) == 0, F(7), X)})

# ---- in place ----

changes("tensor.copy-in-place", np.broadcast_to(ROW, (2, 3)), "y", note=" broadcasts", x=X, y=ROW)
changes("tensor.copy-in-place", WHOLE.astype(F), "y", note=" converts", x=X, y=WHOLE)
changes("tensor.add-in-place", X + 2 * ROW, "y", 2.0, x=X, y=ROW)
changes("tensor.add-in-place", X * 2, "x", 1.0, note=" by itself", x=X)
changes("tensor.add-in-place", WHOLE + 2 * WHOLE, "y", 2.0, note=" of integers", x=WHOLE, y=WHOLE)
changes("tensor.mul-in-place", X * Y, "y", x=X, y=Y)
changes("tensor.affine-in-place", X * F(0.5) + 1, 0.5, 1.0, x=X)
changes("tensor.affine-in-place", WHOLE * 2 + 1, 2.0, 1.0, note=" of integers by whole numbers", x=WHOLE)
changes("tensor.lerp-in-place", X + F(0.25) * (Y - X), "y", 0.25, x=X, y=Y)
changes("tensor.clamp-in-place", np.clip(X, -1, 2), -1.0, 2.0, x=X)
changes("tensor.clamp-in-place", np.maximum(X, 0), 0.0, None, note=" from below", x=X)
changes("tensor.clamp-in-place", np.minimum(X, 0), None, 0.0, note=" from above", x=X)
changes("tensor.clamp-in-place", np.clip(WHOLE, 0, 5), 0.0, 5.0, note=" of integers by whole numbers", x=WHOLE)
changes("tensor.fill-in-place", np.full_like(X, -3), -3.0, x=X)
changes("tensor.fill-in-place", np.full_like(X, NAN), NAN, note=" with nan", x=X)
changes("tensor.masked-fill-in-place", np.where(MASK, F(9), X), "y", 9.0, x=X, y=MASK)
changes("tensor.masked-fill-in-place", np.where(MASK[0], 9, WHOLE), "y", 9.0, note=" broadcasts", x=WHOLE, y=MASK[0])
WIDE = np.ones((4, 2, 3), F)
for function, rest in {"copy": [], "add": [1.0], "mul": [], "lerp": [0.5]}.items():
    refuses(f"tensor.{function}-in-place", "shape-mismatch", "x", "y", *rest, note=" to grow", x=X, y=WIDE)
refuses("tensor.masked-fill-in-place", "shape-mismatch", "x", "y", 0.0, note=" to grow", x=X, y=WIDE > 0)
refuses("tensor.masked-fill-in-place", "dtype-mismatch", "x", "x", 0.0, note=" a mask of floats", x=X)
refuses("tensor.add-in-place", "dtype-mismatch", "x", "y", 1.0, note=" floats into integers", x=WHOLE, y=X)
refuses("tensor.add-in-place", "dtype-mismatch", "x", "x", 0.5, note=" a fraction of integers", x=WHOLE)
refuses("tensor.mul-in-place", "dtype-mismatch", "x", "y", note=" integers by floats", x=WHOLE, y=X)
refuses("tensor.affine-in-place", "dtype-mismatch", "x", 0.5, 0.0, note=" integers by a fraction", x=WHOLE)
refuses("tensor.lerp-in-place", "dtype-mismatch", "x", "x", 0.5, note=" integers", x=WHOLE)
refuses("tensor.clamp-in-place", "invalid-argument", "x", None, None, note=" no bounds", x=X)
refuses("tensor.clamp-in-place", "invalid-argument", "x", NAN, 1.0, note=" nan", x=X)
refuses("tensor.fill-in-place", "invalid-argument", "x", NAN, note=" integers with nan", x=WHOLE)
refuses("tensor.affine-in-place", "invalid-argument", "y", 2.0, 0.0, note=" an expanded view",
        before=[expanded("y", [4])], x=ONE)
refuses("tensor.normal-in-place", "invalid-argument", "x", 0.0, -1.0, note=" a negative std", x=X)
refuses("tensor.normal-in-place", "invalid-argument", "x", NAN, 1.0, note=" nan", x=X)
refuses("tensor.normal-in-place", "dtype-mismatch", "x", 0.0, 1.0, note=" integers", x=WHOLE)

# ---- whose it is ----

MEMBER = ["w", "tensor-group.get", "parameters", "bn1.weight"]
for function, arguments in {
    "copy": ["x"], "add": ["x", 1.0], "mul": ["x"], "affine": [2.0, 0.0], "lerp": ["x", 0.5], "clamp": [0.0, 1.0],
    "fill": [0.0], "normal": [0.0, 1.0], "masked-fill": ["m", 0.0],
}.items():
    refuses(f"tensor.{function}-in-place", "denied", "w", *arguments, note=" a parameter without the grant",
            before=[MEMBER], x=ONE, m=np.array([True]))
for view, arguments in {"reshape": [[-1]], "permute": [[0]], "transpose": [0, 0], "squeeze": [0], "unsqueeze": [0],
                        "expand": [[2]], "narrow": [0, 0, 1], "select": [0, 0], "detach": [], "contiguous": [],
                        "to-dtype": ["float32"], "to-device": ["cpu"]}.items():
    refuses("tensor.fill-in-place", "denied", "v", 0.0, note=f" a parameter's view by {view}",
            before=[MEMBER, ["v", f"tensor.{view}", "w", *arguments]])
row("tensor.duplicate of a parameter is the callback's own", [MEMBER, ["v", "tensor.duplicate", "w"],
    ["_", "tensor.fill-in-place", "v", 3.0]], expected={"v": np.full(2, 3, F)})
row("tensor.keep of a parameter is a copy of the callback's own", [MEMBER, ["v", "tensor.keep", "w"],
    ["_", "tensor.fill-in-place", "v", 3.0]], expected={"v": np.full(2, 3, F)})

# ---- how long it lasts, and what it costs ----

row("tensor.keep lasts over phases", [["k", "tensor.keep", "x"]], {"x": X}, then=[["result", "tensor.neg", "k"]],
    expected={"result": -X})
row("tensor.keep of a view lasts", [["v", "tensor.select", "x", 0, 1], ["k", "tensor.keep", "v"]], {"x": X},
    then=[["result", "tensor.neg", "k"]], expected={"result": -X[1]})
row("a tensor ends with its phase", [["y", "tensor.neg", "x"]], {"x": X}, then=[["_", "tensor.abs", "y"]],
    error="stale-handle")
row("a view of a kept tensor ends with its phase", [["k", "tensor.keep", "x"], ["y", "tensor.detach", "k"]], {"x": X},
    then=[["_", "tensor.fill-in-place", "y", 0.0]], error="stale-handle")
row("a group ends with its phase", [["g", "tensor-group.matching", "parameters", "*"]],
    then=[["_", "tensor-group.names", "g"]], error="stale-handle")
refuses("tensor.keep", "quota-exceeded", "y", note=" more than the limit", repeat=5,
        before=[["y", "create.zeros", [2**22], "float32", ""]])
refuses("create.zeros", "quota-exceeded", [2**25], "float32", "", note=" more than the limit of one call")
refuses("create.zeros", "quota-exceeded", [2**24 - 2**16], "int64", "", note=" twice the limit in int64")
refuses("tensor.detach", "quota-exceeded", "x", note=" more handles than the limit", repeat=2100, x=X)
refuses("tensor.defer", "quota-exceeded", "x", note=" more handles than the limit", repeat=2100, x=SCALAR)
refuses("tensor-group.matching", "quota-exceeded", "parameters", "*", note=" more handles than the limit", repeat=2100)
refuses("tensor-group.duplicate", "quota-exceeded", "parameters", note=" more handles than the limit", repeat=2100)

# ---- groups ----


def group(name, source, values):
    """Calls that make `name` a copy of members of `source`, with values given as `<name> <member>`."""
    calls = [["some", "tensor-group.matching", source, "bn1.*"], [name, "tensor-group.duplicate", "some"]]
    for member in values:
        calls += [["m", "tensor-group.get", name, member],
                  ["_", "tensor.copy-in-place", "m", f"{name} {member}"]]
    return calls


def on_groups(name, groups, calls, **rest):
    """A row on groups of members named after parameters or buffers of a batch normalization."""
    given, before = {}, []
    for key, values in groups.items():
        source = "buffers" if "bn1.running_mean" in values else "parameters"
        before += group(key, source, values)
        given |= {f"{key} {member}": value for member, value in values.items()}
    given |= rest.pop("given", {})
    row(name, before + calls, given, **rest)


def pair(bias, weight):
    return {"bn1.bias": np.array(bias, F), "bn1.weight": np.array(weight, F)}


def statistics(count, mean, variance):
    return {"bn1.num_batches_tracked": np.array(count, I), "bn1.running_mean": np.array(mean, F),
            "bn1.running_var": np.array(variance, F)}


G = pair([3.0, -4.0], [0.5, 12.0])
H = pair([1.0, 1.0], [-2.0, 2.0])
S = statistics(5, [1.0, 2.0], [3.0, 4.0])
T = statistics(9, [2.0, 4.0], [7.0, 8.0])
ALL = np.concatenate([G["bn1.bias"], G["bn1.weight"]])
NONE = ["none", "tensor-group.matching", "parameters", "absent.*"]


def each(function, *groups):
    return {name: function(*(values[name] for values in groups)).astype(groups[0][name].dtype) for name in groups[0]}


def group_gives(function, expected, *arguments, note=""):
    on_groups(f"tensor-group.{function}{note}", {"g": G}, [["result", f"tensor-group.{function}", "g", *arguments]],
              expected={"result": expected})


def group_changes(function, expected, *arguments, note="", g=G, **others):
    on_groups(f"tensor-group.{function}{note}", {"g": g, **others}, [["_", f"tensor-group.{function}", "g", *arguments]],
              expected={"g": expected}, given={"f": np.array(0.5, F)})


def group_refuses(function, code, *arguments, note="", g=G, given=None, before=(), **others):
    on_groups(f"tensor-group.{function} refuses{note}", {"g": g, **others},
              [*before, ["_", f"tensor-group.{function}", "g", *arguments]], error=code, given=given or {})


group_gives("names", ["bn1.bias", "bn1.weight"])
group_gives("len", 2)
group_gives("numel", 4)
group_gives("get", G["bn1.weight"], "bn1.weight")
group_refuses("get", "not-available", "bn1", note=" what no member is named")
group_gives("matching", {"bn1.weight": G["bn1.weight"]}, "*.weight")
group_gives("matching", {}, "fc.*", note=" nothing")
group_refuses("matching", "invalid-argument", "[", note=" what is no glob")
on_groups("tensor-group.duplicate is a copy", {"g": G}, [["copy", "tensor-group.duplicate", "g"],
          ["_", "tensor-group.affine-in-place", "g", 0.0, 0.0]], expected={"copy": G, "g": each(lambda x: x * 0, G)})
on_groups("tensor-group.duplicate lasts over phases", {"g": G}, [], then=[["_", "tensor-group.affine-in-place", "g", 2.0,
          0.0]], expected={"g": each(lambda x: x * 2, G)})
for p in [1.0, 2.0, INF]:
    group_gives("norm", F(np.linalg.norm(ALL, p)), p, note=f" of order {p}")
    group_gives("norms", np.array([np.linalg.norm(x, p) for x in G.values()], F), p, note=f" of order {p}")
group_refuses("norm", "invalid-argument", NAN, note=" order nan")
group_refuses("norms", "invalid-argument", NAN, note=" order nan")
group_refuses("norm", "dtype-mismatch", 2.0, note=" integers", g=S)
group_refuses("norms", "dtype-mismatch", 2.0, note=" integers", g=S)
for p in [1.0, 2.0, INF]:
    moved = np.concatenate([(G[name] - H[name]).ravel() for name in G])
    base = np.linalg.norm(np.concatenate([H[name].ravel() for name in G]), p)
    on_groups(f"tensor-group.relative-change of order {p}", {"g": G, "h": H},
              [["result", "tensor-group.relative-change", "g", "h", p]],
              expected={"result": F(np.linalg.norm(moved, p) / base)})
on_groups("tensor-group.relative-change from nothing", {"g": G, "h": each(lambda x: x * 0, G)},
          [["result", "tensor-group.relative-change", "g", "h", 2.0]], expected={"result": F(np.linalg.norm(ALL) / 1e-12)})
group_refuses("relative-change", "invalid-argument", "g", NAN, note=" order nan")
group_refuses("relative-change", "dtype-mismatch", "g", 2.0, note=" integers", g=S)
group_gives("count-nonfinite", np.array(0, I))
on_groups("tensor-group.count-nonfinite of integers and what is not finite", {"g": S | {
    "bn1.running_var": np.array([NAN, INF], F)}}, [["result", "tensor-group.count-nonfinite", "g"]],
    expected={"result": np.array(2, I)})
NORM = F(np.linalg.norm(ALL))
for limit in [1.0, 100.0]:
    factor = F(min(1.0, limit / (NORM + 1e-6)))
    on_groups(f"tensor-group.clip-norm-in-place to {limit}", {"g": G}, [
        ["result", "tensor-group.clip-norm-in-place", "g", limit, 2.0]],
        expected={"result": NORM, "g": each(lambda x: x * factor, G)})
for limit in [0.0, -1.0, NAN]:
    group_refuses("clip-norm-in-place", "invalid-argument", limit, 2.0, note=f" {limit}")
    group_refuses("clip-value-in-place", "invalid-argument", limit, note=f" {limit}")
group_refuses("clip-norm-in-place", "invalid-argument", 1.0, NAN, note=" order nan")
group_changes("clip-value-in-place", each(lambda x: np.clip(x, -2, 2), G), 2.0)
group_changes("affine-in-place", each(lambda x: x * F(0.5) + 1, G), 0.5, 1.0)
group_changes("mul-in-place", each(lambda x: x * F(0.5), G), "f")
group_changes("add-in-place", each(lambda x, y: x + 3 * y, G, H), "h", 3.0, h=H)
group_changes("lerp-in-place", each(lambda x, y: x + F(0.25) * (y - x), G, H), "h", 0.25, h=H)
group_changes("copy-in-place", H, "h", h=H)
on_groups("tensor-group.swap-in-place", {"g": G, "h": H}, [["_", "tensor-group.swap-in-place", "g", "h"]],
          expected={"g": H, "h": G})
on_groups("tensor-group.swap-in-place with itself", {"g": G}, [["_", "tensor-group.swap-in-place", "g", "g"]],
          expected={"g": G})

# What an average of a whole state needs: counts have no mean, so the newest is taken.
group_changes("lerp-in-place", each(lambda x, y: x + F(0.25) * (y - x), S, T) | {
    "bn1.num_batches_tracked": T["bn1.num_batches_tracked"]}, "h", 0.25, note=" copies integers", g=S, h=T)
group_changes("copy-in-place", T, "h", note=" of integers", g=S, h=T)
group_changes("add-in-place", each(lambda x, y: x + 2 * y, S, T), "h", 2.0, note=" of integers by a whole alpha", g=S,
              h=T)
for function, arguments in {"clip-norm-in-place": [1.0, 2.0], "clip-value-in-place": [1.0],
                            "affine-in-place": [0.5, 0.0], "mul-in-place": ["f"], "add-in-place": ["g", 0.5]}.items():
    group_refuses(function, "dtype-mismatch", *arguments, note=" integers", g=S, given={"f": np.array(0.5, F)})
group_refuses("mul-in-place", "shape-mismatch", "f", note=" several factors", given={"f": ROW})
for function, rest in {"relative-change": [2.0], "add-in-place": [1.0], "lerp-in-place": [0.5], "copy-in-place": [], "swap-in-place": []}.items():
    group_refuses(function, "shape-mismatch", "one", *rest, note=" another number of members",
                  before=[["one", "tensor-group.matching", "g", "*.bias"]])
    on_groups(f"tensor-group.{function} refuses other shapes", {"g": G}, [
        ["a", "tensor-group.matching", "g", "*.bias"], ["b", "tensor-group.matching", "parameters", "fc.bias"],
        ["c", "tensor-group.duplicate", "b"], ["_", f"tensor-group.{function}", "a", "c", *rest]],
        error="shape-mismatch")
for function, arguments in {
    "clip-norm-in-place": [1.0, 2.0], "clip-value-in-place": [1.0], "affine-in-place": [1.0, 0.0], "mul-in-place": ["f"],
    "add-in-place": ["parameters", 1.0], "lerp-in-place": ["parameters", 0.5], "copy-in-place": ["parameters"],
    "swap-in-place": ["parameters"],
}.items():
    refuses(f"tensor-group.{function}", "denied", "parameters", *arguments, note=" parameters without the grant",
            f=np.array(1.0, F))
row("tensor-group.swap-in-place refuses the other's missing grant", [["g", "tensor-group.duplicate", "parameters"],
    ["_", "tensor-group.swap-in-place", "g", "parameters"]], error="denied")
refuses("tensor.fill-in-place", "denied", "w", 0.0, note=" a member of chosen parameters", before=[
    ["some", "tensor-group.matching", "parameters", "bn1.*"], ["w", "tensor-group.get", "some", "bn1.weight"]])

# Nothing is to do for no tensors.
for function, expected in {"norm": np.array(0.0, F), "norms": np.zeros(0, F)}.items():
    row(f"tensor-group.{function} of nothing", [NONE, ["result", f"tensor-group.{function}", "none", 2.0]],
        expected={"result": expected})
row("tensor-group.count-nonfinite of nothing", [NONE, ["result", "tensor-group.count-nonfinite", "none"]],
    expected={"result": np.array(0, I)})
EMPTIES = [NONE, ["none", "tensor-group.duplicate", "none"]]
row("tensor-group.clip-norm-in-place of nothing", [*EMPTIES, ["result", "tensor-group.clip-norm-in-place", "none", 1.0,
    2.0]], expected={"result": np.array(0.0, F)})
for function, arguments in {"clip-value-in-place": [1.0], "affine-in-place": [2.0, 1.0], "mul-in-place": ["f"],
                            "add-in-place": ["none", 1.0], "lerp-in-place": ["none", 0.5], "copy-in-place": ["none"],
                            "swap-in-place": ["none"]}.items():
    row(f"tensor-group.{function} of nothing", [*EMPTIES, ["_", f"tensor-group.{function}", "none", *arguments]],
        {"f": np.array(0.5, F)}, expected={"none": {}})

# ---- vision: torchvision's formulas ----

BOXES = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 26], [0, 0, 9, 10], [20, 21, 30, 26]], F)
SCORES = np.array([0.6, 0.9, 0.3, 0.8, 0.7], F)
FORMATS = {
    "xyxy": (lambda b: b, lambda b: b),
    "xywh": (lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]], lambda b: [b[0], b[1], b[2] - b[0], b[3] - b[1]]),
    "cxcywh": (lambda b: [b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2],
               lambda b: [(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, b[2] - b[0], b[3] - b[1]]),
}
for one, (corners, _) in FORMATS.items():
    for other, (_, sizes) in FORMATS.items():
        gives("vision.box-convert", np.array([sizes(corners(box)) for box in BOXES], F), one, other,
              note=f" from {one} to {other}", x=BOXES)
gives("vision.box-convert", BOXES[None, :, [0, 1, 2, 3]], "xyxy", "xyxy", note=" of batches", x=BOXES[None])
gives("vision.box-convert", np.zeros((0, 4), F), "xyxy", "xywh", note=" of nothing", x=np.zeros((0, 4), F))
row("vision.box-convert is a copy", [["y", "vision.box-convert", "x", "xyxy", "xyxy"],
    ["_", "tensor.fill-in-place", "y", 0.0]], {"x": BOXES}, expected={"x": BOXES})
refuses("vision.box-convert", "invalid-argument", "x", "xyxy", "yxyx", note=" an unknown format", x=BOXES)
refuses("vision.box-convert", "shape-mismatch", "x", "xyxy", "xywh", note=" three numbers", x=X)
refuses("vision.box-convert", "dtype-mismatch", "x", "xyxy", "xywh", note=" integers", x=BOXES.astype(I))


def iou(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    return both / union if union else NAN


def nms(boxes, scores, threshold, classes=None):
    classes = np.zeros(len(boxes)) if classes is None else classes
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        if all(classes[i] != classes[k] or not iou(boxes[i], boxes[k]) > threshold for k in kept):
            kept.append(i)
    return np.array(kept, I)


POINT = np.array([[5, 5, 5, 5]], F)
CLASSES = np.array([0, 1, 0, 0, 1], I)
gives("vision.box-iou", np.array([[iou(a, b) for b in BOXES[1:]] for a in BOXES], F), "y", x=BOXES, y=BOXES[1:])
gives("vision.box-iou", np.array([[NAN, 0]], F), "y", note=" of boxes without area", x=POINT,
      y=np.concatenate([POINT, BOXES[:1]]))
gives("vision.box-iou", np.zeros((5, 0), F), "y", note=" with nothing", x=BOXES, y=np.zeros((0, 4), F))
row("vision.box-iou of float16 is computed in float32", [["h", "tensor.to-dtype", "x", "float16"],
    ["result", "vision.box-iou", "h", "h"]], {"x": BOXES * 40},
    expected={"result": np.array([[iou(a, b) for b in BOXES] for a in BOXES], F)})
refuses("vision.box-iou", "shape-mismatch", "x", "y", note=" boxes in batches", x=BOXES, y=BOXES[None])
refuses("vision.box-iou", "dtype-mismatch", "x", "y", note=" integers", x=BOXES, y=BOXES.astype(I))
refuses("vision.box-iou", "too-large", "y", "y", note=" 2^40 pairs", before=[expanded("y", [HUGE, 4])], x=ONE)
for threshold in [0.0, 0.5, 0.7, 1.0]:
    gives("vision.nms", nms(BOXES, SCORES, threshold), "y", None, threshold, note=f" above {threshold}", x=BOXES, y=SCORES)
    gives("vision.nms", nms(BOXES, SCORES, threshold, CLASSES), "y", "z", threshold,
          note=f" above {threshold}, in each class", x=BOXES, y=SCORES, z=CLASSES)
gives("vision.nms", np.array([0], I), "y", None, 0.5, note=" keeps the first of equal scores", x=BOXES[[0, 0, 0]],
      y=np.ones(3, F))
gives("vision.nms", np.array([1, 0, 2], I), "y", None, 0.9, note=" has a score of nan first", x=BOXES[[0, 1, 2]],
      y=np.array([0.5, NAN, 0.4], F))
gives("vision.nms", np.zeros(0, I), "y", None, 0.5, note=" of nothing", x=np.zeros((0, 4), F), y=np.zeros(0, F))
refuses("vision.nms", "shape-mismatch", "x", "y", None, 0.5, note=" too few scores", x=BOXES, y=SCORES[1:])
refuses("vision.nms", "shape-mismatch", "x", "y", "z", 0.5, note=" too few classes", x=BOXES, y=SCORES, z=CLASSES[1:])
refuses("vision.nms", "shape-mismatch", "x", "y", None, 0.5, note=" boxes in batches", x=BOXES[None], y=SCORES)
refuses("vision.nms", "dtype-mismatch", "x", "y", None, 0.5, note=" scores of integers", x=BOXES, y=CLASSES)
refuses("vision.nms", "dtype-mismatch", "x", "y", "y", 0.5, note=" classes of floats", x=BOXES, y=SCORES)
refuses("vision.nms", "invalid-argument", "x", "y", None, NAN, note=" nan", x=BOXES, y=SCORES)
refuses("vision.nms", "too-large", "b", "s", None, 0.5, note=" 32,769 boxes", before=[
    expanded("b", [32769, 4]), expanded("s", [32769])], x=ONE)

PICTURE = (np.arange(3 * 12 * 16) % 251).astype(np.uint8).reshape(3, 12, 16)
GRAY = (np.arange(12 * 16, dtype=F) % 9 / 8).reshape(1, 12, 16)
TINY = GRAY[:, :2, :3]
RED, GREEN, ORANGE = 0xff0000, 0x00ff00, 0xff8040


def channels(color, image):
    rgb = [color >> 16, color >> 8 & 255, color & 255]
    if len(image) == 1:
        rgb = [math.floor(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] + 0.5)]
    return np.array(rgb).reshape(-1, 1) / (1 if image.dtype == np.uint8 else 255)


def painted(image, *layers):
    """The image with a color where each mask [H, W] is true."""
    image = image.copy()
    for mask, color in layers:
        image[:, mask] = channels(color, image)
    return image


def outline(image, x1, y1, x2, y2, width):
    """A mask: both corners belong to the box, and the line grows inward."""
    y, x = np.mgrid[:image.shape[1], :image.shape[2]]
    depth = np.minimum(np.minimum(x - x1, x2 - x), np.minimum(y - y1, y2 - y))
    return (depth >= 0) & (depth < width)


# Drawn here once more, apart from the host's own letters.
LETTERS = {
    "T": ["#####", "..#..", "..#..", "..#..", "..#..", "..#..", "..#.."],
    "j": ["...#.", ".....", "..##.", "...#.", "...#.", "#..#.", ".##.."],
    "7": ["#####", "....#", "...#.", "..#..", ".#...", ".#...", ".#..."],
    "~": [".....", ".....", ".#...", "#.#.#", "...#.", ".....", "....."],
    "é": ["#####", "#...#", "#...#", "#...#", "#...#", "#...#", "#####"],
    " ": ["....."] * 7,
}


def written(image, text, x, y, scale):
    mask = np.zeros(image.shape[1:], B)
    for line, letters in enumerate(text.split("\n")):
        for place, letter in enumerate(letters):
            for row, column in np.ndindex(7, 5):
                if LETTERS[letter][row][column] == "#":
                    left, top = x + (place * 6 + column) * scale, y + (line * 8 + row) * scale
                    mask[max(top, 0):max(top + scale, 0), max(left, 0):max(left + scale, 0)] = True
    return mask


for name, image in {"a picture": PICTURE, "a gray image": GRAY}.items():
    two = np.array([[2, 1, 9.9, 8], [-3, -2, 5, 4]], F)
    gives("vision.draw-boxes", painted(image, (outline(image, 2, 1, 9, 8, 2), RED), (outline(image, -3, -2, 5, 4, 2), ORANGE)),
          "y", [RED, ORANGE], 2, [], 1, note=f" on {name}", x=image, y=two)
    gives("vision.draw-boxes", painted(image, (outline(image, 1, 0, 14, 11, 1), GREEN),
                                       (written(image, "7j", 3, 2, 1), GREEN)),
          "y", [GREEN], 1, ["7j"], 1, note=f" with a label on {name}", x=image, y=np.array([[1, 0, 14, 11]], F))
    gives("vision.draw-text", painted(image, (written(image, "T~\né 7", -1, 2, 1), ORANGE)), "T~\né 7", -1, 2, ORANGE, 1,
          note=f" on {name}", x=image)
    gives("vision.draw-text", painted(image, (written(image, "Tj", 1, -3, 2), GREEN)), "Tj", 1, -3, GREEN, 2,
          note=f" twice as large on {name}", x=image)
    halves = np.stack([np.arange(16) + 0 * np.arange(12)[:, None] < 8, np.arange(12)[:, None] + 0 * np.arange(16) < 4])
    laid = painted(image.astype(F), (halves[0], 0), (halves[1], 0))
    for mask, color in zip(halves, [RED, ORANGE]):
        laid[:, mask] = channels(color, image)
    blended = np.where(halves.any(0), image * 0.75 + laid * 0.25, image)
    gives("vision.draw-masks", np.rint(blended).astype(np.uint8) if image.dtype == np.uint8 else blended.astype(F), "m",
          [RED, ORANGE], 0.25, note=f" on {name}", x=image, m=halves)
gives("vision.draw-boxes", PICTURE, "y", [RED], 3, [], 1, note=" of nothing", x=PICTURE, y=np.zeros((0, 4), F))
gives("vision.draw-boxes", painted(PICTURE, (outline(PICTURE, 3, 3, 5, 4, 9), RED)), "y", [RED], 32, [], 1,
      note=" fills a box that is thinner than its lines", x=PICTURE, y=np.array([[3, 3, 5, 4]], F))
gives("vision.draw-boxes", PICTURE, "y", [RED], 1, [], 1, note=" draws nothing far outside", x=PICTURE,
      y=np.array([[1e30, 1e30, 2e30, 2e30]], F))
gives("vision.draw-masks", PICTURE, "m", [], 0.5, note=" of nothing", x=PICTURE, m=np.zeros((0, 12, 16), B))
row("vision.draw-text leaves its image as it is", [["_", "vision.draw-text", "x", "T", 0, 0, RED, 1]], {"x": TINY},
    expected={"x": TINY})
row("vision.draw-text of float16 stays float16", [["h", "tensor.to-dtype", "x", "float16"],
    ["h", "vision.draw-text", "h", " ", 0, 0, RED, 1], ["result", "tensor.info", "h"]], {"x": TINY},
    expected={"result": {"shape": [1, 2, 3], "dtype": "float16", "device": "cpu", "requires-grad": False}})
BOX = np.array([[1, 1, 5, 5]], F)
SIMPLE = {"draw-boxes": ["y", [RED], 1, [], 1], "draw-masks": ["m", [RED], 0.5], "draw-text": ["T", 0, 0, RED, 1]}
ONE_MASK = np.ones((1, 2, 3), B)
for function, arguments in SIMPLE.items():
    given = {"y": BOX, "m": ONE_MASK}
    refuses(f"vision.{function}", "shape-mismatch", "x", *arguments, note=" two channels", x=np.zeros((2, 1, 1), F), **given)
    refuses(f"vision.{function}", "shape-mismatch", "x", *arguments, note=" no pixels", x=np.zeros((3, 0, 16), F), **given)
    refuses(f"vision.{function}", "shape-mismatch", "x", *arguments, note=" a batch", x=TINY[None], **given)
    refuses(f"vision.{function}", "dtype-mismatch", "x", *arguments, note=" int64", x=WHOLE[None], **given)
    for shape in [[3, 1, 8193], [1, 8192, 8192]]:
        refuses(f"vision.{function}", "too-large", "i", *arguments, note=f" an image of {shape}",
                before=[expanded("i", shape)], x=ONE, **given)
    wrong = [0x1000000 if each == RED else [0x1000000] if each == [RED] else each for each in arguments]
    refuses(f"vision.{function}", "invalid-argument", "x", *wrong, note=" a color of four bytes", x=TINY, **given)
for box, text in {(5, 1, 1, 5): "a right before its left", (1, 5, 5, 1): "a bottom before its top", (1, 1, NAN, 5): "nan",
                  (1, 1, INF, 5): "an infinite box"}.items():
    refuses("vision.draw-boxes", "invalid-argument", "x", "y", [RED], 1, [], 1, note=f" {text}", x=TINY,
            y=np.array([box], F))
for colors, width, labels, scale, text in [
    ([RED, RED], 1, [], 1, "two colors for one box"), ([], 1, [], 1, "no color"), ([RED], 0, [], 1, "no width"),
    ([RED], 33, [], 1, "a line of 33 pixels"), ([RED], 1, ["T", "T"], 1, "two labels for one box"),
    ([RED], 1, ["T"], 0, "a scale of 0"), ([RED], 1, ["T"], 9, "a scale of 9"),
]:
    refuses("vision.draw-boxes", "invalid-argument", "x", "y", colors, width, labels, scale, note=f" {text}", x=TINY, y=BOX)
refuses("vision.draw-boxes", "too-large", "x", "y", [RED], 1, ["T" * 257], 1, note=" a label of 257 bytes", x=TINY, y=BOX)
refuses("vision.draw-boxes", "too-large", "x", "b", [RED], 1, [], 1, note=" 1,025 boxes", before=[expanded("b", [1025, 4],
        "y")], x=TINY, y=BOX)
refuses("vision.draw-boxes", "shape-mismatch", "x", "x", [RED], 1, [], 1, note=" what are no boxes", x=TINY)
refuses("vision.draw-masks", "dtype-mismatch", "x", "x", [RED], 0.5, note=" masks of floats", x=TINY)
refuses("vision.draw-masks", "shape-mismatch", "x", "m", [RED], 0.5, note=" masks of another size", x=TINY, m=MASK[None, :1])
refuses("vision.draw-masks", "invalid-argument", "x", "m", [RED, RED], 0.5, note=" two colors for one mask", x=TINY,
        m=ONE_MASK)
refuses("vision.draw-masks", "too-large", "x", "n", [RED], 0.5, note=" 257 masks", before=[
    expanded("n", [257, 2, 3], "m")], x=TINY, m=ONE_MASK)
for alpha in [-0.1, 1.1, NAN]:
    refuses("vision.draw-masks", "invalid-argument", "x", "m", [RED], alpha, note=f" alpha {alpha}", x=TINY, m=ONE_MASK)
for scale in [0, 9]:
    refuses("vision.draw-text", "invalid-argument", "x", "T", 0, 0, RED, scale, note=f" a scale of {scale}", x=TINY)
refuses("vision.draw-text", "too-large", "x", "T" * 4097, 0, 0, RED, 1, note=" 4,097 bytes", x=TINY)

# ---- creation ----

gives("create.zeros", np.zeros((2, 3), F), [2, 3], "float32", "")
gives("create.zeros", np.zeros((0, 3), I), [0, 3], "int64", "cpu", note=" of nothing")
gives("create.zeros", np.zeros((), B), [], "boolean", "", note=" of one boolean")
gives("create.full", np.full(2, 2.5, F), [2], 2.5, "float32", "")
gives("create.full", np.full((2, 1), -3, I), [2, 1], -3.0, "int64", "", note=" of integers")
gives("create.arange", np.arange(0.5, 3, 0.5, F), 0.5, 3.0, 0.5, "float32", "")
gives("create.arange", np.arange(5, 0, -2), 5.0, 0.0, -2.0, "int64", "", note=" downwards")
gives("create.arange", np.zeros(0, F), 1.0, 1.0, 1.0, "float32", "", note=" of nothing")
gives("create.from-f32", X, [2, 3], [float(x) for x in X.ravel()], "")
gives("create.from-f32", np.zeros((0, 2), F), [0, 2], [], "", note=" of nothing")
gives("create.from-s64", WHOLE, [2, 3], [int(x) for x in WHOLE.ravel()], "cpu")
for function, rest in {"zeros": ["float32", ""], "full": [1.0, "float32", ""], "rand": [""], "randn": [""]}.items():
    refuses(f"create.{function}", "invalid-argument", [2, -1], *rest, note=" a negative length")
    refuses(f"create.{function}", "too-large", [HUGE, HUGE], *rest, note=" 2^40 elements")
    refuses(f"create.{function}", "too-large", [2**40, 2**40], *rest, note=" 2^80 elements")
    refuses(f"create.{function}", "invalid-argument", [1] * 65, *rest, note=" 65 dimensions")
    refuses(f"create.{function}", "invalid-argument", [1], *rest[:-1], "cuda:7", note=" a device of no run")
refuses("create.zeros", "dtype-mismatch", [1], "other", "", note=" dtype other")
refuses("create.full", "invalid-argument", [1], NAN, "int64", "", note=" integers of nan")
for start, end, step in [(0.0, 1.0, 0.0), (0.0, 1.0, -1.0), (NAN, 1.0, 1.0), (0.0, INF, 1.0), (0.0, 1.0, NAN)]:
    refuses("create.arange", "invalid-argument", start, end, step, "float32", "", note=f" {start} to {end} by {step}")
refuses("create.arange", "too-large", 0.0, 1e12, 1.0, "float32", "", note=" 10^12 elements")
refuses("create.arange", "too-large", 0.0, 1e30, 1e-3, "float32", "", note=" 10^33 elements")
refuses("create.randperm", "too-large", 2**32 - 1, "", note=" 2^32 elements")
refuses("create.from-f32", "shape-mismatch", [2, 2], [1.0], "", note=" too few values")
refuses("create.from-s64", "shape-mismatch", [1], [1, 2], "", note=" too many values")
refuses("create.from-s64", "invalid-argument", [-1], [1], "", note=" a negative length")
row("create.cat", [["result", "create.cat", ["x", "y", "x"], 0]], {"x": X, "y": Y},
    expected={"result": np.concatenate([X, Y, X])})
row("create.cat along the last dimension", [["result", "create.cat", ["x", "y"], -1]], {"x": X, "y": COLUMN},
    expected={"result": np.concatenate([X, COLUMN], 1)})
row("create.stack", [["result", "create.stack", ["x", "y"], 1]], {"x": X, "y": Y},
    expected={"result": np.stack([X, Y], 1)})
for function in ["cat", "stack"]:
    refuses(f"create.{function}", "invalid-argument", [], 0, note=" no tensors")
    refuses(f"create.{function}", "invalid-argument", ["x"] * 4097, 0, note=" 4,097 tensors", x=ONE)
    refuses(f"create.{function}", "invalid-argument", ["x", "x"], 3, note=" dimension 3", x=X)
    refuses(f"create.{function}", "shape-mismatch", ["x", "y"], 0, note=" shapes that do not fit", x=X, y=COLUMN)
    refuses(f"create.{function}", "too-large", ["y", "y"], 0, note=" 2^29 elements",
            before=[expanded("y", [2**28])], x=ONE)

# ---- random numbers: SplitMix64 (Steele, Lea, Flood 2014) in counter mode, Box and Muller, Fisher and Yates ----

LIMIT = 2**64


def mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % LIMIT
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % LIMIT
    return z ^ (z >> 31)


class Draws:
    def __init__(self, seed, name):
        for byte in name.encode():
            seed = mix(seed ^ byte)
        self.seed, self.draws = mix(seed), 0

    def next(self):
        self.draws += 1
        return mix((self.seed + self.draws * 0x9E3779B97F4A7C15) % LIMIT)

    def uniform(self):
        return (self.next() >> 40) / 2**24

    def normal(self):
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())

    def order(self, n):
        order = list(range(n))
        for last in range(n - 1, 0, -1):
            other = self.next() % (last + 1)
            order[last], order[other] = order[other], order[last]
        return order


draws = Draws(42, "tensor-ops")
row("random numbers, which no refusal above has drawn from", [
    ["a", "create.rand", [2, 2], ""], ["b", "create.randn", [3], ""], ["c", "create.randperm", 6, ""],
    ["_", "tensor.normal-in-place", "x", 1.0, 0.5]], {"x": X}, expected={
        "a": np.array([draws.uniform() for _ in range(4)], F).reshape(2, 2),
        "b": np.array([draws.normal() for _ in range(3)], F), "c": np.array(draws.order(6), I),
        "x": np.array([1 + 0.5 * draws.normal() for _ in range(6)], F).reshape(2, 3)})

# ---- storage ----

row("storage.store-tensor copies", [["_", "storage.store-tensor", "lasting", "x"], ["_", "tensor.fill-in-place", "x", 0.0]],
    {"x": X}, then=[["result", "storage.load-tensor", "lasting"], ["gone", "storage.forget", "lasting"]],
    expected={"result": X, "gone": True})
row("storage.load-tensor is the kept tensor itself", [["_", "storage.store-tensor", "n", "x"],
    ["y", "storage.load-tensor", "n"], ["_", "tensor.fill-in-place", "y", 2.0], ["result", "storage.load-tensor", "n"],
    ["_", "storage.forget", "n"]], {"x": X}, expected={"result": np.full_like(X, 2)})
row("storage.load-tensor of nothing", [["result", "storage.load-tensor", "absent"]], expected={"result": None})
row("storage.load-group of nothing", [["result", "storage.load-group", "absent"]], expected={"result": None})
row("storage.forget of nothing", [["result", "storage.forget", "absent"]], expected={"result": False})
on_groups("storage.store-group lasts over phases", {"g": G}, [["_", "storage.store-group", "n g", "g"],
          ["_", "tensor-group.affine-in-place", "g", 0.0, 0.0]],
          then=[["result", "storage.load-group", "n g"], ["_", "storage.forget", "n g"]], expected={"result": G})
STORE = ["_", "storage.store-tensor", "n", "x"]
row("storage.load-group refuses a tensor", [STORE, ["_", "storage.load-group", "n"]], {"x": X},
    error="invalid-argument")
row("storage.load-tensor refuses a group", [["_", "storage.store-group", "n", "parameters"],
    ["_", "storage.load-tensor", "n"]], error="invalid-argument")
row("storage.store-tensor under a name again replaces", [["_", "storage.store-group", "n", "parameters"], STORE,
    ["result", "storage.load-tensor", "n"], ["_", "storage.forget", "n"]], {"x": X}, expected={"result": X})
for name in ["", "a//b", "line\nbreak", "x" * 257]:
    refuses("storage.store-tensor", "invalid-argument", name, "x", note=f" the name {name[:10]!r}", x=X)
    refuses("storage.store-group", "invalid-argument", name, "parameters", note=f" the name {name[:10]!r}")
row("storage.store-tensor refuses more than the limit", [["y", "create.full", [5_000_000], 1.0, "float32", ""],
    ["a", "tensor.keep", "y"], ["b", "tensor.keep", "y"],
    ["_", "storage.store-tensor", "a", "y"], ["_", "storage.store-tensor", "b", "y"]], error="quota-exceeded")

FILE = pathlib.Path(__file__).parent.parent / "tensor_ops/rows.json"
FILE.write_text("[\n" + ",\n".join(json.dumps(each) for each in ROWS) + "\n]\n")
