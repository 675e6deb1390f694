"""Steps of YOLOX-nano in PyTorch, timed when asked for: one batch of 8 images that is in memory already, ten boxes each.

Reads one request a line, `{"loss": "dense", "size": 416, "steps": 4, "threads": 1, "device": "cpu",
"channels_last": false}`, and answers each with the microseconds of a step. The loss is `dense`, without a loop over
images, or `loops`, with one over images and one over boxes, as the paper's program has them. benches/detection.rs
asks in turn with its own runs, so that both sides see the same machine.
"""

import json
import pathlib
import sys
import time

import torch
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "tests/reference"))
from yolox import SIZES, Network, boxes_of, cells, filled, flat, iou_of  # noqa: E402

IMAGES, BOXES, CLASSES, RADIUS = 8, 10, 10, 2.5


def batch(size):
    torch.manual_seed(0)
    sides = 20 + torch.rand(IMAGES, BOXES, 2) * size / 4
    middles = sides / 2 + torch.rand(IMAGES, BOXES, 2) * (size - sides)
    labels = torch.randint(CLASSES, (IMAGES, BOXES))
    return torch.rand(IMAGES, 3, size, size) * 255, labels, torch.cat([middles, sides], -1)


def overlaps(a, b):
    """IoU of [..., n, 4] with [..., m, 4]: [..., n, m]."""
    a, b = a.unsqueeze(-2), b.unsqueeze(-3)
    low = torch.max(a[..., :2] - a[..., 2:] / 2, b[..., :2] - b[..., 2:] / 2)
    high = torch.min(a[..., :2] + a[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2)
    both = (high - low).clamp(min=0).prod(-1)
    return both / (a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - both + 1e-16)


def costs(raw, boxes, places, labels, gts):
    """Costs and IoUs of all cells for all boxes, [..., n, A], and the cells that may be chosen, [..., A]."""
    x, y, stride = places
    centers = torch.stack([(x + 0.5) * stride, (y + 0.5) * stride], -1)
    away = (centers - gts[..., :, None, :2]).abs()
    in_box = (away < gts[..., :, None, 2:] / 2).all(-1)
    in_center = (away < RADIUS * stride[:, None]).all(-1)
    iou = overlaps(gts, boxes)
    scores = (raw[..., 5:].sigmoid() * raw[..., 4:5].sigmoid()).sqrt().clamp(1e-7, 1 - 1e-7)
    absent = -(1 - scores).log()
    change = -scores.log() - absent
    wanted = F.one_hot(labels, CLASSES).to(scores)
    classes = absent.sum(-1).unsqueeze(-2) + wanted @ change.transpose(-1, -2)
    cost = classes - 3 * (iou + 1e-8).log() + 1e5 * ~(in_box & in_center)
    return cost, iou, (in_box | in_center).any(-2)


@torch.no_grad()
def dense_matches(raw, places, labels, gts):
    cost, iou, chosen = costs(raw, boxes_of(raw, places), places, labels, gts)
    cost = cost.masked_fill(~chosen[:, None], torch.inf)
    iou = iou * chosen[:, None]
    counts = iou.topk(10).values.sum(-1).int().clamp(min=1)
    best = cost.topk(10, largest=False).indices
    is_match = torch.arange(10) < counts[..., None]
    matched = torch.zeros_like(cost, dtype=torch.bool).scatter_(-1, best, is_match)
    only = F.one_hot(cost.argmin(1), BOXES).transpose(1, 2).bool()
    matched = torch.where(matched.sum(1, keepdim=True) > 1, only, matched)
    return matched.any(1), matched.int().argmax(1)


@torch.no_grad()
def looped_matches(raw, places, labels, gts):
    everything = []
    for image in range(IMAGES):
        cost, iou, chosen = costs(raw[image], boxes_of(raw[image], places), places, labels[image], gts[image])
        cost, iou = cost[:, chosen], iou[:, chosen]
        counts = iou.topk(min(10, iou.shape[1])).values.sum(1).int().clamp(min=1)
        matched = torch.zeros_like(cost, dtype=torch.bool)
        for box in range(BOXES):
            matched[box, cost[box].topk(counts[box].item(), largest=False).indices] = True
        claimed = matched.sum(0) > 1
        if claimed.sum() > 0:
            winners = cost[:, claimed].argmin(0)
            matched[:, claimed] = False
            matched[winners, claimed.nonzero()[:, 0]] = True
        mask = torch.zeros(len(chosen), dtype=torch.bool)
        mask[chosen.nonzero()[:, 0][matched.any(0)]] = True
        owner = torch.zeros(len(chosen), dtype=torch.long)
        owner[mask] = matched[:, matched.any(0)].int().argmax(0)
        everything.append((mask, owner))
    return [torch.stack(both) for both in zip(*everything)]


def loss(levels, labels, gts, matches):
    raw, places = flat(levels), cells_of(levels)
    mask, owner = matches(raw, places, labels, gts)
    foreground = mask.sum().clamp(min=1)
    owned = gts.gather(1, owner[..., None].expand(-1, -1, 4))[mask]
    overlap = iou_of(boxes_of(raw, places)[mask], owned)
    wanted = F.one_hot(labels.gather(1, owner)[mask], CLASSES) * overlap.detach()[:, None]
    boxes = (1 - overlap**2).sum()
    things = F.binary_cross_entropy_with_logits(raw[..., 4], mask.to(raw), reduction="sum")
    classes = F.binary_cross_entropy_with_logits(raw[..., 5:][mask], wanted, reduction="sum")
    return (5 * boxes + things + classes) / foreground


PLACES = {}


def cells_of(levels):
    key = levels[0].shape
    if key not in PLACES:
        PLACES[key] = cells(levels)
    return PLACES[key]


def now(device):
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def answer(request):
    torch.set_num_threads(request["threads"])
    torch.set_default_device(request["device"])
    matches = dense_matches if request["loss"] == "dense" else looped_matches
    network = filled(Network(*SIZES["yolox_n"], "conv", CLASSES)).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)
    images, labels, gts = batch(request["size"])
    if request["channels_last"]:
        network, images = (x.to(memory_format=torch.channels_last) for x in (network, images))

    def train(count):
        for _ in range(count):
            optimizer.zero_grad()
            loss(network(images), labels, gts, matches).backward()
            optimizer.step()

    train(3 if request["device"] == "cuda" else 1)
    begun = now(request["device"])
    train(request["steps"])
    return (now(request["device"]) - begun) / request["steps"] * 1e6


for line in sys.stdin:
    print(answer(json.loads(line)), flush=True)
