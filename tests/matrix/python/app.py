"""One guest of the matrix: does what its parameter `task` names and says the outcome in lines of the log. All languages do
the same; `tests/it/matrix.rs` has the lines that are due."""

import math
import sys

from componentize_py_types import Err
from phasebox import callback, parameter, refuse
from wit_world.imports import diagnostics, tensor
from wit_world.imports.context import PhaseContext
from wit_world.imports.types import Dtype, ErrorCode, Level

LARGE = 4 << 20


def info(line: str) -> None:
    diagnostics.log(Level.INFO, line)


def number(value: float) -> tensor.Tensor:
    return tensor.full([], value, Dtype.FLOAT32, "")


def code(call) -> str:
    """The contract's name of the error's code."""
    try:
        call()
        return "no error"
    except Err as error:
        return error.value.code.name.lower().replace("_", "-")


def shown(value: float) -> str:
    """A float as all languages write it."""
    if math.isnan(value):
        return "nan"
    return f"{value:g}"


def shown_option(value) -> str:
    return "none" if value is None else f"some {value}"


@callback(name="matrix", version="0.1.0")
class Matrix:
    """Behaves as it is told"""

    task: str = parameter("", "The behavior")
    say: str = parameter("", "A text to say")
    turns: int = parameter(0, "Calls after which it is enough")

    def __init__(self):
        self.calls = 0
        self.kept = None
        self.saved = b""

    def configure(self) -> None:
        self.fail_at("configure")

    def save_state(self) -> bytes:
        self.fail_at("save")
        return self.saved

    def load_state(self, state: bytes) -> None:
        self.saved = bytes(state)

    def on_training_start(self, ctx: PhaseContext) -> None:
        self.fail_at("start")
        if self.task == "errors":
            errors(ctx)
        if self.task == "options":
            info(f"epoch {shown_option(ctx.epoch())}")

    def on_train_batch_start(self, ctx: PhaseContext) -> None:
        self.turn(ctx)

    def on_train_batch_forward_end(self, ctx: PhaseContext) -> None:
        self.turn(ctx)

    def on_train_batch_loss_end(self, ctx: PhaseContext) -> None:
        self.fail_at("loss")
        self.turn(ctx)

    def on_train_batch_backward_end(self, ctx: PhaseContext) -> None:
        self.turn(ctx)

    def on_train_batch_gradient_step_start(self, ctx: PhaseContext) -> None:
        self.turn(ctx)

    def on_train_batch_gradient_ready(self, ctx: PhaseContext) -> None:
        self.turn(ctx)

    def on_train_batch_optimizer_stepped(self, ctx: PhaseContext) -> None:
        self.turn(ctx)

    def on_train_batch_gradient_step_end(self, ctx: PhaseContext) -> None:
        self.turn(ctx)

    def on_train_batch_end(self, ctx: PhaseContext) -> None:
        self.turn(ctx)
        step = ctx.global_step()
        if step == 1:
            self.first_step(ctx)
        if self.task == "handles":
            self.handles(step)
        elif self.task == "stale":
            self.stale(step)
        elif self.task == "own-error":
            raise refuse("it may not, ⅓ 💡", ErrorCode.CONFLICT)
        elif self.task == "state" and step > 1:
            info("state whole" if self.saved == bytes(range(256)) else "state damaged")
        elif self.task == "recover":
            assert step > 1, "the first strike"
            info("alive again")

    def on_train_loader_end(self, ctx: PhaseContext) -> None:
        if self.task != "texts":
            return
        ctx.publish_metric("é ⅓ 💡", 1.0)
        for entry in ctx.metrics_dict():
            if entry.name.endswith("💡"):
                info(entry.name)

    def on_validation_batch_end(self, ctx: PhaseContext) -> None:
        self.fail_at("validation")

    def on_training_end(self, ctx: PhaseContext) -> None:
        self.fail_at("end")

    def fail_at(self, place: str) -> None:
        if self.task == f"panic-{place}":
            raise RuntimeError("it broke on purpose, ⅓ 💡")  # the panic

    def turn(self, ctx: PhaseContext) -> None:
        """Takes a handle and gives it back to nobody; or asks the host so many times."""
        if self.task == "costs":
            for _ in range(self.turns):
                ctx.global_step()
        if self.task != "turns":
            return
        self.calls += 1
        group = ctx.parameters()
        if self.calls == self.turns:
            ctx.disable_self("that is enough")

    def first_step(self, ctx: PhaseContext) -> None:
        if self.task == "twice":
            self.twice()
        elif self.task == "texts":
            info(self.say)
            info("a\0b é ⅓ 💡 \U0010ffff")
        elif self.task == "options":
            options(ctx)
        elif self.task == "lists":
            lists()
        elif self.task == "integers":
            integers(ctx)
        elif self.task == "numbers":
            numbers(ctx)
        elif self.task == "state":
            self.saved = bytes(range(256))

    def handles(self, step: int) -> None:
        if step == 1:
            one = tensor.full([2, 3], 1.5, Dtype.FLOAT32, "")
            two = one.add(one, 1.0)
            info(f"{two.sum([], False).item():g} {one.sum([], False).item():g}")
            self.kept = number(7.0).keep()
        if step == 2:
            info(f"kept {self.kept.item():g}")
            self.kept = None
            info("released later")

    def twice(self) -> None:
        made = number(7.0)
        with made:
            pass
        with made:
            pass
        info("alive")

    def stale(self, step: int) -> None:
        if step == 1:
            self.kept = number(7.0)
        if step == 2:
            info(code(self.kept.item))


def errors(ctx: PhaseContext) -> None:
    two = tensor.full([2], 1.0, Dtype.FLOAT32, "")
    three = tensor.full([3], 1.0, Dtype.FLOAT32, "")
    info(code(lambda: two.add(three, 1.0)))
    info(code(ctx.preds))
    info(code(lambda: ctx.request_stop("batch", "")))
    info(code(lambda: tensor.zeros([2], Dtype.OTHER, "")))
    info(code(lambda: tensor.zeros([1 << 40], Dtype.FLOAT32, "")))
    info(code(lambda: ctx.learning_rate("nobody")))


def options(ctx: PhaseContext) -> None:
    info(f"epoch {shown_option(ctx.epoch())}")
    info(f"metric {shown_option(ctx.metric('nobody'))}")
    three = number(3.0)
    info(f"{three.clamp(None, 2.0).item():g}")
    info(f"{three.clamp(5.0, None).item():g}")


def lists() -> None:
    given = tensor.from_f32([LARGE], [float(index % 7) for index in range(LARGE)], "")
    total = given.to_dtype(Dtype.FLOAT64).sum([], False).item()
    back = given.read_f32(0, LARGE)
    info(f"{len(back)} {total:.0f} {sum(back):.0f}")


def integers(ctx: PhaseContext) -> None:
    given = tensor.from_s64([3], [-(1 << 63), (1 << 63) - 1, -1], "")
    info(" ".join(str(value) for value in given.read_s64(0, 3)))
    info(str(ctx.seed()))
    info(code(lambda: given.read_s64((1 << 64) - 1, 1)))


def numbers(ctx: PhaseContext) -> None:
    values = [math.nan, math.inf, -math.inf, -0.0, 3.0]
    back = tensor.from_f32([5], values, "").read_f32(0, 5)
    info(" ".join(shown(value) for value in back))
    for value in [sys.float_info.max, 5e-324, -math.inf]:
        found = tensor.full([], value, Dtype.FLOAT64, "").item()
        info("exact" if found == value else "changed")
    ctx.log_scalar("nan", math.nan)
    ctx.log_scalar("é ⅓ 💡", sys.float_info.max)
