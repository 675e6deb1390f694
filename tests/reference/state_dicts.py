"""Writes state dicts as PyTorch 2.11 and trainers save them: `state_dicts/*.pth`, and what they hold as state_dicts.json."""
import collections
import json
import pathlib

import numpy
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


def attributes():
    """Tensors that have more than numbers: attributes of Python, a class."""
    noted, parameter = torch.arange(4.0), nn.Parameter(torch.ones(2))
    noted.note, parameter.note = "x", 1
    return {"noted": noted, "parameter": parameter, "buffer": nn.Buffer(torch.zeros(3))}


class TwiceNamed(collections.OrderedDict):
    """A dict whose pickle has a key twice; Python keeps the last."""

    def __reduce__(self):
        return collections.OrderedDict, (), None, None, iter([("w", torch.zeros(2)), ("w", torch.ones(3))])


def odd_neighbors():
    """Weights beside what few pickles hold."""
    return {
        "model": {"state_dict": network(3).state_dict()},
        "array": numpy.arange(5),
        "bytes": bytearray(b"ab"),
        "half": "\ud800",
        "large": -(2**5000),
        "yes": True,
    }


def refused():
    """State dicts that cannot be read, with names that a terminal must not see."""
    ones, complexes = torch.ones(3), torch.ones(3, dtype=torch.complex64)
    rows = {
        "float8": ones.to(torch.float8_e4m3fn),
        "uint16": ones.to(torch.uint16),
        "complex": complexes,
        "conjugate": complexes.conj(),
        "negative": complexes.conj().imag,
        "sparse": torch.eye(3).to_sparse(),
        "quantized": torch.quantize_per_tensor(ones, 1.0, 0, torch.qint8),
        "meta": torch.ones(3, device="meta"),
        "expanded": torch.ones(1).expand(1_000_000_000),
    }
    files = {name: {"a\x1b[31m\n": tensor} for name, tensor in rows.items()}
    files["views_of_one"] = {f"view{at}": torch.ones(1).expand(1_000_000) for at in range(16)}
    files["other_keys"] = {"backbone\x1b": {"w": ones}, "head": {"w": ones}}
    return files


FILES = {
    "plain": (network(0).state_dict(), network(0).state_dict()),
    "views": (views(), views()),
    "trainer": (trainer(), network(1).state_dict()),
    "lightning": ({"epoch": 1, "state_dict": with_prefix(network(0).state_dict())}, with_prefix(network(0).state_dict())),
    "parameters": (dict(network(0).named_parameters()), dict(network(0).named_parameters())),
    "attributes": (attributes(), attributes()),
    "twice_named": (TwiceNamed(), {"w": torch.ones(3)}),
    "composer": ({"state": {"model": network(4).state_dict(), "seed": 1}}, network(4).state_dict()),
    "protocol_1": (odd_neighbors(), network(3).state_dict()),
    "protocol_5": (odd_neighbors(), network(3).state_dict()),
}
PROTOCOLS = {"protocol_1": 1, "protocol_5": 5}
expected = {}
for name, (saved, held) in FILES.items():
    torch.save(saved, OUT / f"{name}.pth", pickle_protocol=PROTOCOLS.get(name, 2))
    expected[name] = {key: [list(value.shape), value.double().flatten().tolist()] for key, value in held.items()}
torch.save(network(0), OUT / "module.pth")
torch.save(network(0).state_dict(), OUT / "legacy.pth", _use_new_zipfile_serialization=False)
for name, saved in refused().items():
    torch.save(saved, OUT / f"{name}.pth")
torch.save({"w": torch.ones(3)}, OUT / "protocol_0.pth", pickle_protocol=0)
(HERE / "state_dicts.json").write_text(json.dumps(expected, indent=1) + "\n")
