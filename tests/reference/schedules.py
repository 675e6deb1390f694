"""Writes schedules.json: learning rates of torch.optim.lr_scheduler, which the schedules of phasebox must repeat.

Each row has a recipe's keys and the learning rate of every step of a run of EPOCHS epochs of STEPS steps. Where
PyTorch has no such schedule by that name, the row is put together from schedulers that compute the same. Run with
torch 2.11.0:

    python tests/reference/schedules.py > tests/reference/schedules.json
"""

import json
import math
import warnings

import torch
from torch.optim import lr_scheduler as torch_lr

EPOCHS, STEPS, INITIAL = 6, 5, 0.1
TOTAL = EPOCHS * STEPS


def rates(make, count):
    """The learning rates of `count` steps of a scheduler."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=INITIAL)
    scheduler = make(optimizer)
    result = [optimizer.param_groups[0]["lr"]]
    while len(result) < count:
        optimizer.step()
        scheduler.step()
        result.append(optimizer.param_groups[0]["lr"])
    return result


def each_epoch(values):
    return [value for value in values for _ in range(STEPS)]


def cosine(steps, ratio):
    return rates(lambda o: torch_lr.CosineAnnealingLR(o, T_max=steps + 1, eta_min=INITIAL * ratio), steps)


def yolox(step, warm, cool, ratio, start):
    """The rate of a step: quadratic warm-up, cosine, flat end."""
    if step <= warm and warm:
        return (INITIAL - start) * (step / warm) ** 2 + start
    if step >= TOTAL - cool:
        return ratio * INITIAL
    angle = math.pi * (step - warm) / (TOTAL - warm - cool)
    return ratio * INITIAL + 0.5 * (INITIAL - ratio * INITIAL) * (1 + math.cos(angle))


def rows():
    multistep = each_epoch(rates(lambda o: torch_lr.MultiStepLR(o, [2, 5], 0.1), EPOCHS))
    yield {"lr_mode": None}, [INITIAL] * TOTAL
    yield {"lr_mode": "StepLRScheduler", "lr_updates": [2, 5], "lr_decay_factor": 0.1}, multistep
    yield {"lr_mode": {"MultiStepLR": {"milestones": [2, 5], "gamma": 0.1}}}, multistep
    every_two = each_epoch(rates(lambda o: torch_lr.StepLR(o, 2, 0.5), EPOCHS))
    yield {"lr_mode": "StepLRScheduler", "step_lr_update_freq": 2, "lr_decay_factor": 0.5}, every_two
    exponential = rates(lambda o: torch_lr.ExponentialLR(o, 0.5 ** (1 / STEPS)), TOTAL)
    yield {"lr_mode": "ExponentialLRScheduler", "lr_decay_factor": 0.5}, exponential
    yield {"lr_mode": "PolyLRScheduler"}, rates(lambda o: torch_lr.PolynomialLR(o, TOTAL, 0.9), TOTAL)
    yield {"lr_mode": "CosineLRScheduler"}, cosine(TOTAL, 0.01)
    yield {"lr_mode": "cosine", "cosine_final_lr_ratio": 0.2}, cosine(TOTAL, 0.2)

    # Two epochs of warm-up and one of cool-down, which keeps the last learning rate.
    ramp = each_epoch(rates(lambda o: torch_lr.LinearLR(o, 1 / 3, 1.0, 2), 2))
    middle = cosine(3 * STEPS, 0.01)
    keys = {"lr_mode": "CosineLRScheduler", "lr_warmup_epochs": 2, "lr_cooldown_epochs": 1}
    yield keys, ramp + middle + middle[-1:] * STEPS
    ramp = each_epoch(rates(lambda o: torch_lr.LinearLR(o, 0.2, 1.0, 2), 2))
    yield {"lr_mode": None, "lr_warmup_epochs": 2, "warmup_initial_lr": 0.02}, ramp + [INITIAL] * (TOTAL - 2 * STEPS)

    # Four steps of warm-up: the fourth already has the full learning rate.
    ramp = rates(lambda o: torch_lr.LinearLR(o, 0.1, 1.0, 3), 4)
    keys = {"warmup_mode": "LinearBatchLRWarmup", "lr_warmup_steps": 4, "warmup_initial_lr": 0.01}
    yield {"lr_mode": "CosineLRScheduler"} | keys, ramp + cosine(TOTAL - 4, 0.01)

    # Six steps of warm-up are one more than an epoch has: five rise, the cosine begins after the sixth.
    ramp = rates(lambda o: torch_lr.LinearLR(o, 0.1, 1.0, 4), 5)
    keys |= {"lr_warmup_steps": 6}
    yield {"lr_mode": "CosineLRScheduler"} | keys, ramp + [INITIAL] + cosine(TOTAL - 6, 0.01)

    # Four steps of warm-up, and the curve begins in the third epoch.
    ramp = rates(lambda o: torch_lr.LinearLR(o, 0.1, 1.0, 3), 4)
    keys |= {"lr_warmup_steps": 4, "lr_warmup_epochs": 2}
    yield {"lr_mode": "CosineLRScheduler"} | keys, ramp + [INITIAL] * 10 + cosine(TOTAL - 14, 0.01)
    poly = rates(lambda o: torch_lr.PolynomialLR(o, 4 * STEPS, 0.9), 4 * STEPS)
    yield {"lr_mode": "PolyLRScheduler"} | keys, ramp + [INITIAL] * 6 + poly

    # Under a warm-up by epochs its steps end it, and the cosine begins so many steps after its epochs.
    ramp = each_epoch(rates(lambda o: torch_lr.LinearLR(o, 1 / 3, 1.0, 2), 2))
    keys = {"lr_mode": "CosineLRScheduler", "lr_warmup_epochs": 2, "lr_warmup_steps": 7}
    yield keys, ramp[:7] + [INITIAL] * 10 + cosine(TOTAL - 17, 0.01)

    # YOLOX, from the formula of its code, which sets the rate of step i + 1 after step i.
    for warm, cool, ratio, start in ((2, 1, 0.05, 0.0), (1, 0, 0.2, 0.01), (0, 3, 0.05, 0.0), (3, 3, 0.05, 0.0)):
        keys = {"lr_mode": "FlatCosineLRScheduler", "warmup_mode": "QuadraticBatchLRWarmup"}
        keys |= {"lr_warmup_epochs": warm, "lr_cooldown_epochs": cool, "cosine_final_lr_ratio": ratio}
        if start:
            keys["warmup_initial_lr"] = start
        yield keys, [yolox(step, warm * STEPS, cool * STEPS, ratio, start) for step in range(TOTAL)]
    keys = {"lr_mode": None, "warmup_mode": "quadratic_batch_step", "lr_warmup_epochs": 2}
    yield keys, [yolox(step, 2 * STEPS, 0, 1.0, 0.0) for step in range(TOTAL)]

    # A decay in the middle of an epoch shows in the next one.
    every = each_epoch(rates(lambda o: torch_lr.MultiStepLR(o, [3, 5], 0.5), EPOCHS))
    yield {"lr_mode": "StepLRScheduler", "lr_updates": [2.4, 4.8], "lr_decay_factor": 0.5}, every

    for options in ({"max_lr": 0.4}, {"max_lr": 0.4, "anneal_strategy": "linear", "three_phase": True, "pct_start": 0.4}):
        yield {"lr_mode": {"OneCycleLR": options}}, rates(
            lambda o: torch_lr.OneCycleLR(o, total_steps=TOTAL, cycle_momentum=False, **options), TOTAL
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    result = [{"keys": keys, "learning_rates": values} for keys, values in rows()]
    print("[\n" + ",\n".join(json.dumps(row) for row in result) + "\n]")
