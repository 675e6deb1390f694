"""Writes optimizers.json: losses of a small network under torch.optim, which the optimizers of phasebox must repeat.

Network and data are formulas of the index, so nothing but the numbers is shared. PyTorch's plain per-tensor loops are
used (foreach and fused off), which is not the code that phasebox calls. Run with torch 2.11.0:

    python tests/reference/optimizers.py > tests/reference/optimizers.json
"""

import json

import torch

SAMPLES, INPUTS, HIDDEN, OUTPUTS, STEPS = 12, 8, 16, 4, 50

CASES = [
    ("SGD", 0.1, {"momentum": 0.0}),
    ("SGD", 0.1, {"weight_decay": 0.01}),
    ("SGD", 0.05, {"momentum": 0.9}),
    ("SGD", 0.05, {"momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    ("SGD", 0.05, {"momentum": 0.9, "weight_decay": 0.01, "dampening": 0.5}),
    ("Adam", 0.01, {}),
    ("Adam", 0.01, {"betas": [0.8, 0.95], "eps": 1e-6, "weight_decay": 0.1}),
    ("Adam", 0.01, {"amsgrad": True}),
    ("AdamW", 0.01, {}),
    ("AdamW", 0.01, {"betas": [0.8, 0.95], "weight_decay": 0.3, "amsgrad": True}),
    ("RMSprop", 0.01, {}),
    ("RMSprop", 0.01, {"alpha": 0.9, "weight_decay": 0.1}),
    ("RMSprop", 0.01, {"centered": True}),
    ("RMSprop", 0.01, {"momentum": 0.9, "centered": True, "weight_decay": 0.01}),
]


# phasebox has SuperGradients' defaults for these, so that each row says PyTorch's.
DEFAULTS = {
    "SGD": {"momentum": 0.0, "weight_decay": 0.0},
    "Adam": {"weight_decay": 0.0},
    "AdamW": {},
    "RMSprop": {"momentum": 0.0, "weight_decay": 0.0},
}


def wave(shape, offset, dtype):
    index = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (0.5 * torch.sin(0.7 * index + offset)).reshape(shape).to(dtype)


def losses(name, lr, params, dtype):
    shapes = [(HIDDEN, INPUTS), (HIDDEN,), (OUTPUTS, HIDDEN), (OUTPUTS,)]
    w1, b1, w2, b2 = weights = [wave(s, k, dtype).requires_grad_() for k, s in enumerate(shapes)]
    inputs, targets = wave((SAMPLES, INPUTS), 4, dtype), wave((SAMPLES, OUTPUTS), 5, dtype)
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
    optimizer = getattr(torch.optim, name)(weights, lr=lr, foreach=False, **options)
    result = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        outputs = torch.tanh(inputs @ w1.T + b1) @ w2.T + b2
        loss = ((outputs - targets) ** 2).mean()
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    rows = [
        {"optimizer": name, "optimizer_params": DEFAULTS[name] | params, "lr": lr}
        | {kind: losses(name, lr, params, getattr(torch, kind)) for kind in ("float64", "float32")}
        for name, lr, params in CASES
    ]
    print("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")
