"""Writes small TorchScript modules with unusual tensors (torch 2.11), for the tests of `torchscript`."""
import pathlib

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


class Scaled(nn.Module):
    """A linear layer whose outputs are scaled by a parameter that is a view."""

    def __init__(self, scale):
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.scale = nn.Linear(64, 10), nn.Parameter(scale)

    def forward(self, x):
        return self.fc(x.flatten(1)) * self.scale


class Counting(nn.Module):
    """Puts another tensor in the place of its buffer."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x):
        if self.training:
            self.count = self.count + 1
        return self.fc(x.flatten(1))


class WithComplex(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)
        self.register_buffer("phase", torch.zeros(2, dtype=torch.complex64))

    def forward(self, x):
        return self.fc(x.flatten(1))


for name, module in {
    "expanded": Scaled(torch.ones(1).expand(10)),
    "strided": Scaled(torch.ones(20)[::2]),
    "plain": Scaled(torch.ones(10)),
    "counting": Counting(),
    "complex": WithComplex(),
}.items():
    torch.jit.script(module).save(HERE / f"{name}.pt")
