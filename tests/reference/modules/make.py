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


class Tied(nn.Module):
    """Two layers with one weight, and one normalization that is called twice."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
        self.b.weight = self.a.weight
        self.first = nn.BatchNorm1d(8)
        self.again = self.first
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        x = self.first(torch.relu(self.a(x)))
        return self.out(self.again(torch.relu(self.b(x))))


class Overlapping(nn.Module):
    """A parameter that is a slice of another."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 8, bias=False), nn.Linear(8, 4, bias=False)
        self.b.weight = nn.Parameter(self.a.weight.data[2:6])

    def forward(self, x):
        return self.b(self.a(x))


class Raising(nn.Module):
    def forward(self, x):
        if x.dim() != 2:
            raise ValueError("give me rows, not\n" + str(x.dim()) + " dimensions")
        return x


class Wide(nn.Module):
    """Returns numbers of a dtype that tch lacks."""

    def forward(self, x):
        return x.to(torch.uint16)


for name, module in {
    "expanded": Scaled(torch.ones(1).expand(10)),
    "strided": Scaled(torch.ones(20)[::2]),
    "plain": Scaled(torch.ones(10)),
    "counting": Counting(),
    "complex": WithComplex(),
    "tied": Tied(),
    "overlapping": Overlapping(),
    "raising": Raising(),
    "wide": Wide(),
}.items():
    torch.jit.script(module).save(HERE / f"{name}.pt")
traced = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8))
torch.jit.trace(traced, torch.ones(2, 1, 8, 8)).save(HERE / "traced_norm.pt")
