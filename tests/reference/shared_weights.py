"""Trains `modules/tied.pt`, two of whose layers share a weight, as PyTorch does (torch 2.11): writes shared_weights.json."""
import json
import pathlib

import torch

HERE = pathlib.Path(__file__).parent
OPTIMIZERS = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.9, weight_decay=1e-2),
    "Adam": lambda parameters: torch.optim.Adam(parameters, 1e-2),
}


def batch(index):
    inputs = torch.sin(torch.arange(5 * 8, dtype=torch.float64) * (index + 1)).reshape(5, 8).float()
    return inputs, torch.arange(5) % 3


def train(build):
    torch.manual_seed(0)
    net = torch.jit.load(HERE / "modules/tied.pt")
    optimizer = build(net.parameters())
    norms = []
    for index in range(4):
        inputs, target = batch(index)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), target).backward()
        norms.append(torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0).item())
        optimizer.step()
    state = {name: tensor.double().sum().item() for name, tensor in net.state_dict().items()}
    return {"gradient_norms": norms, "state_sums": state}


net = torch.jit.load(HERE / "modules/tied.pt")
rows = {"parameters": sum(tensor.numel() for tensor in net.parameters())}
rows |= {name: train(build) for name, build in OPTIMIZERS.items()}
(HERE / "shared_weights.json").write_text(json.dumps(rows, indent=1) + "\n")
