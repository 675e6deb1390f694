"""The same training in PyTorch and in Lightning, timed when asked for.

Reads one request a line, `{"network": "mlp", "runner": "pytorch", "steps": 400, "threads": 1, "device": "cpu"}`, and answers
each with the microseconds that one step took: the time of `steps` of them, after a tenth as many to warm up.
benches/training.rs asks in turn with its own runs, so that both sides see the same machine.
"""

import json
import logging
import math
import sys
import time
import warnings

import torch
from torch import nn
from torch.nn import functional

NETWORKS = {
    "mlp": ((64, 64), lambda: nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))),
    "resnet18": ((128, 3, 32, 32), lambda: __import__("torchvision").models.resnet18(num_classes=10)),
}


def optimizer_of(network):
    return torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)


def batch_of(shape, device):
    return torch.rand(*shape, device=device), torch.randint(10, (shape[0],), device=device)


def now(device):
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def pytorch(network_name, device, warm_up, steps):
    """A loop as PyTorch's tutorials write it, over one batch that is there already."""
    shape, make = NETWORKS[network_name]
    network = make().to(device)
    optimizer = optimizer_of(network)
    inputs, target = batch_of(shape, device)

    def train(count):
        for _ in range(count):
            optimizer.zero_grad()
            functional.cross_entropy(network(inputs), target).backward()
            optimizer.step()

    train(warm_up)
    begun = now(device)
    train(steps)
    return now(device) - begun


def cuda_graph(network_name, device, warm_up, steps):
    """The least that a step can take: forward, backward and a fused optimizer recorded once, as one CUDA graph."""
    shape, make = NETWORKS[network_name]
    network = make().to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, fused=True)
    inputs, target = batch_of(shape, device)

    def step():
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(network(inputs), target).backward()
        optimizer.step()

    beside = torch.cuda.Stream()
    with torch.cuda.stream(beside):
        for _ in range(3):
            step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()

    def train(count):
        for _ in range(count):
            graph.replay()

    train(warm_up)
    begun = now(device)
    train(steps)
    return now(device) - begun


def lightning(network_name, device, warm_up, steps, with_callbacks):
    """Lightning's trainer with nothing on that can be off, and three callbacks."""
    import pytorch_lightning as pl

    shape, make = NETWORKS[network_name]
    batch = batch_of(shape, device)

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = make()

        def training_step(self, batch, _):
            return functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self):
            return optimizer_of(self.network)

    class Endless(torch.utils.data.IterableDataset):
        def __iter__(self):
            while True:
                yield batch

    class LossLogging(pl.Callback):
        def __init__(self):
            self.losses = []

        def on_train_batch_end(self, trainer, module, outputs, batch, index):
            self.losses.append(outputs["loss"].item())

    class GradientClipping(pl.Callback):
        def on_before_optimizer_step(self, trainer, module, optimizer):
            nn.utils.clip_grad_norm_(module.parameters(), 1.0)

    class LearningRate(pl.Callback):
        def on_train_batch_start(self, trainer, module, batch, index):
            rate = 0.05 * 0.5 * (1 + math.cos(math.pi * index / (warm_up + steps)))
            for group in trainer.optimizers[0].param_groups:
                group["lr"] = rate

    class Stopwatch(pl.Callback):
        def on_train_batch_start(self, trainer, module, batch, index):
            if index == warm_up:
                self.begun = now(device)

    stopwatch = Stopwatch()
    callbacks = [LossLogging(), GradientClipping(), LearningRate()] if with_callbacks else []
    trainer = pl.Trainer(
        max_steps=warm_up + steps,
        accelerator="gpu" if device == "cuda" else "cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[stopwatch, *callbacks],
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(Endless(), batch_size=None))
    return now(device) - stopwatch.begun


def answer(request):
    torch.set_num_threads(request["threads"])
    network, device, steps = request["network"], request["device"], request["steps"]
    warm_up = max(2, steps // 10)
    if request["runner"] == "pytorch":
        seconds = pytorch(network, device, warm_up, steps)
    elif request["runner"] == "pytorch, one CUDA graph":
        seconds = cuda_graph(network, device, warm_up, steps)
    else:
        seconds = lightning(network, device, warm_up, steps, request["runner"] == "lightning, three callbacks")
    return seconds / steps * 1e6


def main():
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.manual_seed(0)
    # Whatever libraries print must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


main()
