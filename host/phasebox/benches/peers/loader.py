"""The augmentations of YOLOX in Python with OpenCV, in two workers of PyTorch's loader, timed when asked for.

Reads one request a line, `{"folder": "recipes/data/trees", "size": 416, "images": 400}`, and answers each with the images a
second. benches/loader.rs asks in turn with its own runs, so that both sides see the same machine.
"""

import json
import math
import random
import sys
import time

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

GRAY = 114


class Trees(Dataset):
    """Mosaic, affine map, mixup, HSV and mirror, as SuperGradients' recipe for YOLOX has them."""

    def __init__(self, folder, size, images):
        annotations = json.load(open(f"{folder}/train.json"))
        boxes = {image["id"]: [] for image in annotations["images"]}
        for row in annotations["annotations"]:
            x, y, width, height = row["bbox"]
            boxes[row["image_id"]].append([x, y, x + width, y + height, 0])
        named = [(f"{folder}/train/{image['file_name']}", boxes[image["id"]]) for image in annotations["images"]]
        self.files = [(file, np.array(boxes, np.float32)) for file, boxes in named if boxes]
        self.size, self.images = size, images

    def __len__(self):
        return self.images

    def load(self, index):
        file, boxes = self.files[index]
        image, boxes = cv2.imread(file), boxes.copy()
        scale = min(self.size / side for side in image.shape[:2])
        boxes[:, :4] *= scale
        size = (int(image.shape[1] * scale), int(image.shape[0] * scale))
        return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), boxes

    def other(self):
        return self.load(random.randrange(len(self.files)))

    def mosaic(self, index):
        double = 2 * self.size
        canvas, all_boxes = np.full((double, double, 3), GRAY, np.uint8), []
        row, column = (int(random.uniform(0.5, 1.5) * self.size) for _ in range(2))
        for place in range(4):
            image, boxes = self.load(index) if place == 0 else self.other()
            height, width = image.shape[:2]
            left = column - width if place % 2 == 0 else column
            top = row - height if place < 2 else row
            x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + width, double), min(top + height, double)
            canvas[y1:y2, x1:x2] = image[y1 - top : y2 - top, x1 - left : x2 - left]
            boxes[:, [0, 2]] = (boxes[:, [0, 2]] + left).clip(0, double)
            boxes[:, [1, 3]] = (boxes[:, [1, 3]] + top).clip(0, double)
            all_boxes.append(boxes)
        return canvas, np.concatenate(all_boxes)

    def affine(self, image, boxes):
        size = self.size
        center, turn, slant, move = (np.eye(3) for _ in range(4))
        center[:2, 2] = -size
        turn[:2] = cv2.getRotationMatrix2D((0, 0), random.uniform(-10, 10), random.uniform(0.1, 2))
        slant[0, 1], slant[1, 0] = (math.tan(math.radians(random.uniform(-2, 2))) for _ in range(2))
        move[:2, 2] = [random.uniform(0.4, 0.6) * size for _ in range(2)]
        matrix = move @ slant @ turn @ center
        image = cv2.warpAffine(image, matrix[:2], (size, size), borderValue=(GRAY,) * 3)
        corners = np.ones((len(boxes) * 4, 3))
        corners[:, :2] = boxes[:, [0, 1, 2, 1, 0, 3, 2, 3]].reshape(-1, 2)
        corners = (corners @ matrix.T)[:, :2].reshape(-1, 4, 2)
        hulls = np.concatenate([corners.min(1), corners.max(1)], 1).clip(0, size)
        sides = hulls[:, 2:] - hulls[:, :2]
        before = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) + 1e-16
        ratio = sides.max(1) / (sides.min(1) + 1e-16)
        kept = (sides.min(1) > 2) & (sides.prod(1) / before > 0.1) & (ratio < 20)
        return image, np.concatenate([hulls, boxes[:, 4:]], 1)[kept]

    def mixup(self, image, boxes):
        size = self.size
        other, others = self.other()
        if random.random() < 0.5:
            others[:, [0, 2]] = other.shape[1] - others[:, [2, 0]]
            other = other[:, ::-1]
        factor = random.uniform(0.5, 1.5)
        canvas = np.full((size, size, 3), GRAY, np.uint8)
        canvas[: other.shape[0], : other.shape[1]] = other
        other = cv2.resize(canvas, (int(size * factor),) * 2, interpolation=cv2.INTER_LINEAR)
        padded = np.zeros((max(other.shape[0], size),) * 2 + (3,), np.uint8)
        padded[: other.shape[0], : other.shape[1]] = other
        top, left = (random.randint(0, max(padded.shape[0] - size - 1, 0)) for _ in range(2))
        others[:, :4] = (others[:, :4] * factor - [left, top, left, top]).clip(0, size)
        other = padded[top : top + size, left : left + size]
        mixed = (0.5 * image.astype(np.float32) + 0.5 * other.astype(np.float32)).astype(np.uint8)
        return mixed, np.concatenate([boxes, others])

    def hsv(self, image):
        gains = (np.random.uniform(-1, 1, 3) * [5, 30, 30] * np.random.randint(0, 2, 3)).astype(np.int16)
        levels = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(np.int16)
        levels[..., 0] = (levels[..., 0] + gains[0]) % 180
        levels[..., 1:] = np.clip(levels[..., 1:] + gains[1:], 0, 255)
        return cv2.cvtColor(levels.astype(np.uint8), cv2.COLOR_HSV2BGR)

    def __getitem__(self, index):
        image, boxes = self.affine(*self.mosaic(index % len(self.files)))
        image, boxes = self.mixup(image, boxes)
        image = self.hsv(image)
        if random.random() < 0.5:
            image = image[:, ::-1]
            boxes[:, [0, 2]] = self.size - boxes[:, [2, 0]]
        image = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)
        middle = (boxes[:, :2] + boxes[:, 2:4]) / 2
        rows = np.concatenate([boxes[:, 4:], middle, boxes[:, 2:4] - boxes[:, :2]], 1)
        return image, rows.astype(np.float32)


def collated(samples):
    images = torch.from_numpy(np.stack([image for image, _ in samples]))
    rows = [np.insert(rows, 0, index, 1) for index, (_, rows) in enumerate(samples)]
    return images, torch.from_numpy(np.concatenate(rows))


def answer(request):
    trees = Trees(request["folder"], request["size"], request["images"])
    batches = iter(DataLoader(trees, batch_size=8, num_workers=2, collate_fn=collated))
    next(batches)
    seen, begun = 0, time.perf_counter()
    for images, _ in batches:
        seen += len(images)
    return seen / (time.perf_counter() - begun)


cv2.setNumThreads(0)
torch.set_num_threads(1)
for line in sys.stdin:
    print(answer(json.loads(line)), flush=True)
