"""Writes state dicts as PyTorch 2.11 and trainers save them: `state_dicts/*.pth`, and what they hold as state_dicts.json."""
import collections
import json
import pathlib

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
OUT = HERE / "state_dicts"
OUT.mkdir(exist_ok=True)


def network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(3, 2).to(torch.bfloat16))


def views():
    """Tensors of one storage: a transposed one, a slice, the same twice."""
    whole = torch.arange(12.0).reshape(3, 4)
    return {"whole": whole, "turned": whole.t(), "slice": whole[1:, 2:], "again": whole, "number": torch.tensor(7)}


def trainer():
    net, ema = network(1).state_dict(), network(2).state_dict()
    optimizer = torch.optim.Adam(network(1).parameters())
    return {
        "net": net,
        "ema_net": ema,
        "acc": torch.tensor(0.5),
        "epoch": 3,
        "optimizer_state_dict": optimizer.state_dict(),
        "metrics": {"valid": {"Accuracy": 0.25, "none": None, "large": 2**70}},
        "processing_params": {"shapes": ((1, 2), [3]), "names": {"ä", "b"}, "bytes": b"\x00\x01"},
    }


def with_prefix(state):
    return collections.OrderedDict(("module." + name, tensor) for name, tensor in state.items())


FILES = {
    "plain": (network(0).state_dict(), network(0).state_dict()),
    "views": (views(), views()),
    "trainer": (trainer(), network(1).state_dict()),
    "lightning": ({"epoch": 1, "state_dict": with_prefix(network(0).state_dict())}, with_prefix(network(0).state_dict())),
    "parameters": (dict(network(0).named_parameters()), dict(network(0).named_parameters())),
}
expected = {}
for name, (saved, held) in FILES.items():
    torch.save(saved, OUT / f"{name}.pth")
    expected[name] = {key: [list(value.shape), value.double().flatten().tolist()] for key, value in held.items()}
torch.save(network(0), OUT / "module.pth")
torch.save(network(0).state_dict(), OUT / "legacy.pth", _use_new_zipfile_serialization=False)
(HERE / "state_dicts.json").write_text(json.dumps(expected, indent=1) + "\n")
