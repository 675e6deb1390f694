"""Writes models.json: what PyTorch 2.11 computes with networks freshly made from seed 0, for `model`'s test.

`state` has each tensor's sum after two forwards in training; `train` and `eval` are the predictions.
"""
import json
import pathlib

import torch
from torch import nn


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))


class Mlp(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.activation = activation
        self.hidden = nn.ModuleList([nn.Linear(64, 32), nn.Linear(32, 16)])
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.fc(x)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64)
        self.fc = nn.Linear(64 * 2 * 2, 10)

    def forward(self, x):
        for conv, bn in ((self.conv1, self.bn1), (self.conv2, self.bn2)):
            x = nn.functional.max_pool2d(bn(conv(x)).relu(), 2)
        return self.fc(x.flatten(1))


FUNCTIONS = {"relu": nn.ReLU(), "gelu": nn.GELU(), "silu": nn.SiLU(), "tanh": nn.Tanh()}
ROWS = [("linear", {}, Linear), ("convnet", {}, ConvNet)]
for name, function in FUNCTIONS.items():
    ROWS.append(("mlp", {"hidden": [32, 16], "activation": name}, lambda function=function: Mlp(function)))


def row(architecture, arch_params, make):
    torch.manual_seed(0)
    model = make()
    inputs = torch.linspace(-1, 1, 3 * 64).reshape(3, 1, 8, 8)
    with torch.no_grad():
        model(inputs)
        train = model(inputs)
        model.eval()
        evaluated = model(inputs)
    return {
        "architecture": architecture,
        "arch_params": arch_params,
        "train": train.flatten().tolist(),
        "eval": evaluated.flatten().tolist(),
        "state": {name: tensor.double().sum().item() for name, tensor in model.state_dict().items()},
    }


path = pathlib.Path(__file__).with_suffix(".json")
path.write_text("[\n" + ",\n".join(json.dumps(row(*entry)) for entry in ROWS) + "\n]\n")
