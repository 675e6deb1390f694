"""Writes multi_task_loss.json: a loss of three parts with trained variances, by PyTorch 2.11, for `criterion`'s test."""
import json
import pathlib

import torch
from torch.nn import functional

torch.manual_seed(4)
digit = torch.randn(5, 4).round(decimals=3).requires_grad_()
odd = torch.randn(5, 1).round(decimals=3).requires_grad_()
ink = torch.randn(5, 1).round(decimals=3).requires_grad_()
targets = {"digit": [0, 3, 1, 2, 2], "odd": [0.0, 1.0, 1.0, 0.0, 0.0], "ink": [0.5, -0.25, 1.0, 0.0, 2.0]}
log_variances = torch.tensor([0.3, -0.2, 0.5], requires_grad=True)
parts = torch.stack([
    functional.cross_entropy(digit, torch.tensor(targets["digit"]), label_smoothing=0.1),
    functional.binary_cross_entropy_with_logits(odd, torch.tensor(targets["odd"]).unsqueeze(1)),
    functional.mse_loss(ink, torch.tensor(targets["ink"]).unsqueeze(1)),
])
loss = (torch.exp(-log_variances) * parts + log_variances / 2).sum()
loss.backward()
fixed = (parts * torch.tensor([1.0, 0.5, 2.0])).sum()
reference = {
    "preds": {"digit": digit.flatten().tolist(), "odd": odd.flatten().tolist(), "ink": ink.flatten().tolist()},
    "targets": targets,
    "log_variances": log_variances.tolist(),
    "parts": parts.tolist(),
    "learned": loss.item(),
    "learned_gradient": log_variances.grad.tolist(),
    "ink_gradient": ink.grad.flatten().tolist(),
    "fixed": fixed.item(),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference, indent=0) + "\n")
