"""Writes passes.json: weights after steps of SAM, and with a gradient penalty, by PyTorch 2.11, for `extra_passes`."""
import gzip
import json
import pathlib

import torch
from torch import nn
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
STEPS, BATCH, RATE, RADIUS, WEIGHT = 5, 32, 0.1, 0.05, 0.5


def idx(name, offset):
    with gzip.open(HERE / "../../recipes/data/mnist5k" / name) as file:
        return torch.frombuffer(bytearray(file.read()[offset:]), dtype=torch.uint8)


def batches():
    images = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 784)[: STEPS * BATCH]
    labels = idx("train-labels-idx1-ubyte.gz", 8)[: STEPS * BATCH].long()
    inputs = (images.float() / 255 - 0.1307) / 0.3081
    return list(zip(inputs.split(BATCH), labels.split(BATCH)))


def mlp():
    """As `mlp` of the recipe: its parameters are drawn in this order."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 8), nn.Tanh(), nn.Linear(8, 10))


def step(net):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= RATE * parameter.grad


def sam():
    net = mlp()
    for inputs, labels in batches():
        net.zero_grad()
        functional.cross_entropy(net(inputs), labels).backward()
        norm = torch.stack([parameter.grad.norm() for parameter in net.parameters()]).norm() + 1e-12
        away = [parameter.grad * (RADIUS / norm) for parameter in net.parameters()]
        with torch.no_grad():
            [parameter.add_(each) for parameter, each in zip(net.parameters(), away)]
        net.zero_grad()
        functional.cross_entropy(net(inputs), labels).backward()
        with torch.no_grad():
            [parameter.sub_(each) for parameter, each in zip(net.parameters(), away)]
        step(net)
    return net


def penalty():
    net, penalties = mlp(), []
    for inputs, labels in batches():
        net.zero_grad()
        leaf = inputs.clone().requires_grad_()
        (slope,) = torch.autograd.grad(net(leaf).sum(), leaf, create_graph=True)
        penalty = (slope.norm(dim=1) - 1).square().mean()
        (functional.cross_entropy(net(inputs), labels) + WEIGHT * penalty).backward()
        penalties.append(penalty.item())
        step(net)
    return net, penalties


def flat(net):
    names = {"hidden.0.weight": net[0].weight, "hidden.0.bias": net[0].bias, "fc.weight": net[2].weight, "fc.bias": net[2].bias}
    # Every 37th weight of the large matrix is enough.
    return {name: tensor.detach().flatten()[:: 37 if tensor.numel() > 1000 else 1].tolist() for name, tensor in names.items()}


net, penalties = penalty()
reference = {"sam": flat(sam()), "penalty": flat(net), "penalties": penalties}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n")
