"""`smooth` in Python: the smoothed loss, logged at each batch, and a stop when it has not improved for long.

What it does and the bytes of its state are in ../README.md; handles and errors are explained in plugins/sdk/python.
"""

import json
import math
import struct

from componentize_py_types import Err
from phasebox import callback, refuse
from wit_world import exports
from wit_world.imports import diagnostics
from wit_world.imports.context import PhaseContext
from wit_world.imports.tensor import Deferred
from wit_world.imports.types import ErrorCode, Level

DESCRIPTION = {
    "name": "smooth",
    "version": "0.1.0",
    "summary": "Logs a smoothed loss and stops when it no longer improves",
    "parameters": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "smoothing": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.9},
            "patience": {"type": "integer", "minimum": 1, "maximum": 4294967295, "default": 50},
            "min_delta": {"type": "number", "minimum": 0, "default": 0},
        },
    },
    "grants": ["stop"],
}
# version, flags, wait, smoothed, best, arrived: little endian, no padding.
STATE = struct.Struct("<BBIddd")
STATE_VERSION, HAS_SMOOTHED, HAS_ARRIVED = 1, 1, 2

# What each parameter may be, and how that is said.
RANGES = {
    "smoothing": (lambda v: 0 <= v < 1, "a number from 0 to below 1"),
    "patience": (lambda v: 1 <= v <= 4294967295 and v == math.floor(v), "a whole number from 1 to 4294967295"),
    "min_delta": (lambda v: 0 <= v < math.inf, "a number from 0 on"),
}


def invalid(message: str) -> Err:
    return refuse(message, ErrorCode.INVALID_ARGUMENT)


def parsed(params: str) -> dict:
    try:
        values = json.loads(params)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise invalid("params is not a JSON object")
    return values


@callback
class Callback(exports.Callback):
    def __init__(self):
        self.params = {"smoothing": 0.9, "patience": 50, "min_delta": 0.0}
        self.smoothed: float | None = None
        self.best, self.wait = 0.0, 0
        self.pending: Deferred | None = None  # the loss on its way
        self.arrived: float | None = None  # a loss that is here and not yet in `smoothed`

    def describe(self) -> str:
        return json.dumps(DESCRIPTION)

    def configure(self, params: str) -> None:
        for key, value in parsed(params).items():
            if key not in RANGES:
                raise invalid(f'unknown parameter "{key}"; known are {", ".join(RANGES)}')
            allowed, meaning = RANGES[key]
            if type(value) not in (int, float) or not allowed(value):
                raise invalid(f'parameter "{key}" must be {meaning}')
            self.params[key] = value

    def save_state(self) -> bytes:
        self._collect()
        flags = HAS_SMOOTHED * (self.smoothed is not None) | HAS_ARRIVED * (self.arrived is not None)
        return STATE.pack(STATE_VERSION, flags, self.wait, self.smoothed or 0.0, self.best, self.arrived or 0.0)

    def load_state(self, state: bytes) -> None:
        if len(state) != STATE.size or state[0] != STATE_VERSION:
            raise invalid("the state is not 30 bytes of version 1")
        _, flags, self.wait, smoothed, self.best, arrived = STATE.unpack(state)
        self.smoothed = smoothed if flags & HAS_SMOOTHED else None
        self.arrived = arrived if flags & HAS_ARRIVED else None

    def on_train_batch_end(self, ctx: PhaseContext) -> None:
        self._collect()
        if self.arrived is not None:
            self._update(self.arrived)
            self.arrived = None
            with ctx.sg_logger() as logger:
                logger.scalar("smoothed_loss", self.smoothed)
            if self.wait >= self.params["patience"]:
                ctx.request_stop("batch", f"smoothed loss has not improved for {self.wait} batches")
        if self.pending is None:
            self._ask_for_loss(ctx)

    def on_training_end(self, ctx: PhaseContext) -> None:
        self.pending = None
        patience = int(self.params["patience"])
        diagnostics.log(Level.INFO, f"smoothed loss: {self.wait} of {patience} batches without improvement")

    def _collect(self) -> None:
        """Takes the loss that was asked for, if it is here."""
        value = self.pending.poll() if self.pending else None
        if value is not None:
            self.arrived, self.pending = value, None

    def _update(self, loss: float) -> None:
        smoothing = self.params["smoothing"]
        first = self.smoothed is None
        self.smoothed = loss if first else smoothing * self.smoothed + (1 - smoothing) * loss
        improved = first or self.smoothed < self.best - self.params["min_delta"]
        if improved:
            self.best = self.smoothed
        self.wait = 0 if improved else self.wait + 1

    def _ask_for_loss(self, ctx: PhaseContext) -> None:
        """A batch that was skipped has no loss; that is no failure."""
        try:
            with ctx.loss() as loss:
                self.pending = loss.defer()
        except Err as error:
            if error.value.code != ErrorCode.NOT_AVAILABLE:
                raise
