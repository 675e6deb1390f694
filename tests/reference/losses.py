"""Writes losses.json: losses and their gradients by PyTorch 2.11, for the rows of `criterion`'s test."""
import json
import pathlib

import torch
from torch import nn

torch.manual_seed(1)
LOGITS = torch.randn(6, 4).mul(2).round(decimals=3).tolist()
INDICES = [0, 3, 1, 2, 2, 0]
PROBABILITIES = torch.rand(6, 4).softmax(1).round(decimals=4).tolist()
LABELS = torch.rand(6, 4).round().tolist()
# The image's index, the class and a box; twice the same class in image 0, no box in image 3, and padding.
BOXES = [[0.0, 1, 1, 1, 5, 5], [0, 1, 2, 2, 7, 7], [0, 3, 0, 0, 2, 2], [1, 0, 3, 1, 4, 9], [2, 2, 0, 0, 1, 1], [4, 3, 1, 1, 2, 2],
         [5, 0, 1, 2, 3, 4], [-1, 0, 0, 0, 0, 0], [-1.0, 0, 0, 0, 0, 0]]
NUMBERS = torch.randn(6, 4).round(decimals=3).tolist()
PIXELS = torch.randn(2, 3, 2, 2).round(decimals=3).tolist()
PIXEL_CLASSES = [[[0, 1], [2, 2]], [[1, 1], [0, 2]]]


class WithZLoss(nn.Module):
    """PaLM's auxiliary term: weight * mean(log(Z)^2)."""

    def forward(self, preds, target):
        log_z = preds.exp().sum(1).log()
        return nn.functional.cross_entropy(preds, target) + 0.01 * (log_z**2).mean()


class WithL1(nn.Module):
    def forward(self, preds, target):
        return ((preds - target) ** 2).mean() + 0.5 * (preds - target).abs().mean()


class WithPresence(nn.Module):
    """Row by row: which classes have a box in which image."""

    def __init__(self, pos_weight=None):
        super().__init__()
        self.loss = nn.BCEWithLogitsLoss(pos_weight=pos_weight)

    def forward(self, preds, target):
        present = torch.zeros_like(preds)
        for image, label, *_ in target.tolist():
            if image >= 0:
                present[int(image), int(label)] = 1
        return self.loss(preds, present)


class WithSpread(nn.Module):
    """SuperGradients' smooth_dist: a share of the target goes to given classes."""

    def __init__(self, share, spread):
        super().__init__()
        self.share, self.spread = share, torch.tensor(spread, dtype=torch.float64)

    def forward(self, preds, target):
        target = nn.functional.one_hot(target, preds.shape[1]) * (1 - self.share) + self.share * self.spread
        return -(target * preds.log_softmax(1)).sum(1).mean()


class Masked(nn.Module):
    """SuperGradients' smoothing with a class that counts for nothing."""

    def forward(self, preds, target, share=0.1, ignored=2):
        logs, kept = preds.log_softmax(1), target != ignored
        nll = logs.gather(1, target[:, None]).squeeze(1)
        return -((1 - share) * nll + share * logs.mean(1))[kept].sum() / kept.sum()


SPREAD = [0.5, 0.3, 0.2, 0.0]
WEIGHT = [0.5, 1.0, 2.0, 0.25]
ROWS = [
    ("CrossEntropyLoss", {}, nn.CrossEntropyLoss(), LOGITS, INDICES),
    ("cross_entropy", {"label_smoothing": 0.1}, nn.CrossEntropyLoss(label_smoothing=0.1), LOGITS, INDICES),
    ("LabelSmoothingCrossEntropyLoss", {"smooth_eps": 0.2}, nn.CrossEntropyLoss(label_smoothing=0.2), LOGITS, INDICES),
    ("LabelSmoothingCrossEntropyLoss", {"smooth_eps": 0.1, "ignore_index": 2}, Masked(), LOGITS, INDICES),
    ("LabelSmoothingCrossEntropyLoss", {"smooth_eps": 0.3, "smooth_dist": SPREAD}, WithSpread(0.3, SPREAD), LOGITS, INDICES),
    ("LabelSmoothingCrossEntropyLoss", {"from_logits": False, "weight": WEIGHT}, nn.NLLLoss(torch.tensor(WEIGHT)), LOGITS, INDICES),
    ("LabelSmoothingCrossEntropyLoss", {"reduction": "sum"}, nn.CrossEntropyLoss(reduction="sum"), LOGITS, INDICES),
    ("CrossEntropyLoss", {"ignore_index": 2}, nn.CrossEntropyLoss(ignore_index=2), LOGITS, INDICES),
    ("CrossEntropyLoss", {"weight": WEIGHT}, nn.CrossEntropyLoss(weight=torch.tensor(WEIGHT)), LOGITS, INDICES),
    ("CrossEntropyLoss", {}, nn.CrossEntropyLoss(), LOGITS, PROBABILITIES),
    ("CrossEntropyLoss", {}, nn.CrossEntropyLoss(), PIXELS, PIXEL_CLASSES),
    ("CrossEntropyLoss", {"z_loss": 0.01}, WithZLoss(), LOGITS, INDICES),
    ("BCEWithLogitsLoss", {}, nn.BCEWithLogitsLoss(), LOGITS, LABELS),
    ("bce_with_logits", {"pos_weight": WEIGHT}, nn.BCEWithLogitsLoss(pos_weight=torch.tensor(WEIGHT)), LOGITS, LABELS),
    ("PresenceLoss", {}, WithPresence(), LOGITS, BOXES),
    ("PresenceLoss", {"pos_weight": WEIGHT}, WithPresence(torch.tensor(WEIGHT)), LOGITS, BOXES),
    ("MSELoss", {}, nn.MSELoss(), LOGITS, NUMBERS),
    ("MSELoss", {"l1_weight": 0.5}, WithL1(), LOGITS, NUMBERS),
    ("L1Loss", {}, nn.L1Loss(), LOGITS, NUMBERS),
    ("HuberLoss", {"delta": 0.5}, nn.HuberLoss(delta=0.5), LOGITS, NUMBERS),
]


def row(name, params, loss, preds, target):
    preds = torch.tensor(preds, dtype=torch.float64, requires_grad=True)
    integer = isinstance(torch.tensor(target).flatten()[0].item(), int)
    target_tensor = torch.tensor(target, dtype=torch.int64 if integer else torch.float64)
    value = loss.double()(preds, target_tensor)
    value.backward()
    return {
        "name": name,
        "params": params,
        "shape": list(preds.shape),
        "preds": preds.flatten().tolist(),
        "classes": integer,
        "target": target_tensor.flatten().tolist(),
        "target_shape": list(target_tensor.shape),
        "loss": value.item(),
        "gradient": preds.grad.flatten().tolist(),
    }


path = pathlib.Path(__file__).with_suffix(".json")
path.write_text("[\n" + ",\n".join(json.dumps(row(*entry)) for entry in ROWS) + "\n]\n")
