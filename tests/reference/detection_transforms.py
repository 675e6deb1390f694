"""Writes detection_transforms.json: pictures with boxes as the detection transforms change them, by OpenCV 5.0 and numpy.

Run with a Python that has numpy and opencv-python-headless: python tests/reference/detection_transforms.py
Pictures and boxes come from formulas, chance from SplitMix64 with the keys that the loader takes; both are in
host/data/src/tests/detection.rs too. Boxes are class, left, top, right, bottom.
"""

import json
import math
from pathlib import Path

import cv2
import numpy as np

MASK = (1 << 64) - 1
SIZES = [(20, 26), (19, 11), (12, 12), (25, 40), (18, 33)]
GRAY = 114


class Random:
    """SplitMix64."""

    def __init__(self, *keys):
        self.state = 0
        for key in keys:
            self.state ^= key
            self.state = self.bits()

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return mixed ^ (mixed >> 31)

    def unit(self):
        return (self.bits() >> 11) / 2**53

    def below(self, bound):
        bound = max(bound, 1)
        uneven = (-bound & MASK) % bound
        while True:
            wide = self.bits() * bound
            if wide & MASK >= uneven:
                return wide >> 64

    def chance(self, probability):
        return probability > 0 and self.unit() < probability

    def between(self, low, high):
        return low + (high - low) * self.unit()


def picture(index):
    """Waves, so that a place that is off by little gives a value that is off by little, with a bright frame."""
    height, width = SIZES[index]
    y, x, c = np.mgrid[:height, :width, :3]
    wave = (x * (3 + c) + y * (5 + index) + 40 * index) % 128
    wave = np.minimum(wave, 128 - wave) * 3 + 17 * c
    wave[0], wave[-1] = 220, 200
    boxes = [[index, 2, 3, width - 5, height - 2], [9 - index, width / 4, 0, width / 2, height / 3]]
    return wave.astype(np.uint8), np.array(boxes, np.float64)


def cut(image, boxes):
    """Boxes cut at the edges; those without an area end."""
    height, width = image.shape[:2]
    boxes = boxes.copy()
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, width)
    boxes[:, 2::2] = boxes[:, 2::2].clip(0, height)
    return image, boxes[(boxes[:, 3] > boxes[:, 1]) & (boxes[:, 4] > boxes[:, 2])]


def resized(image, boxes, size):
    boxes = boxes.copy()
    boxes[:, 1::2] *= size[1] / image.shape[1]
    boxes[:, 2::2] *= size[0] / image.shape[0]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR), boxes


def fitted(image, boxes, size):
    scale = min(size[0] / image.shape[0], size[1] / image.shape[1])
    return resized(image, boxes, (int(image.shape[0] * scale), int(image.shape[1] * scale)))


def laid(canvas, image, top, left):
    """The image on the canvas, what sticks out cut."""
    height, width = image.shape[:2]
    rows = range(max(top, 0), min(top + height, canvas.shape[0]))
    columns = range(max(left, 0), min(left + width, canvas.shape[1]))
    for row in rows:
        canvas[row, columns.start : columns.stop] = image[row - top, columns.start - left : columns.stop - left]


def shifted(boxes, left, top):
    return boxes + np.array([0, left, top, left, top])


def padded(image, boxes, size, top, left, gray=GRAY):
    canvas = np.full((*size, 3), gray, np.uint8)
    laid(canvas, image, top, left)
    return cut(canvas, shifted(boxes, left, top))


def mirrored(image, boxes):
    boxes = boxes.copy()
    boxes[:, [1, 3]] = image.shape[1] - boxes[:, [3, 1]]
    return image[:, ::-1], boxes


def mosaic(image, boxes, draw, size):
    row, column = (int(draw.between(0.5, 1.5) * side) for side in size)
    canvas, all_boxes = np.full((2 * size[0], 2 * size[1], 3), GRAY, np.uint8), []
    for below, right in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        if below or right:
            image, boxes = picture(draw.below(len(SIZES)))
        image, boxes = fitted(image, boxes, size)
        top = row if below else row - image.shape[0]
        left = column if right else column - image.shape[1]
        laid(canvas, image, top, left)
        all_boxes.append(shifted(boxes, left, top))
    return cut(canvas, np.concatenate(all_boxes))


def mixup(image, boxes, draw, size):
    other, others = picture(draw.below(len(SIZES)))
    if draw.chance(0.5):
        other, others = mirrored(other, others)
    factor = draw.between(0.5, 1.5)
    other, others = fitted(np.ascontiguousarray(other), others, size)
    other, others = padded(other, others, size, 0, 0)
    other, others = resized(other, others, tuple(int(side * factor) for side in size))
    room = [max(side - own, 0) for side, own in zip(other.shape, image.shape[:2])]
    top, left = (draw.below(max(side - 1, 0) + 1) for side in room)
    other, others = padded(other, others, image.shape[:2], -top, -left, 0)
    mixed = (0.5 * image + 0.5 * other).astype(np.uint8)
    return mixed, np.concatenate([boxes, others])


def affine(image, boxes, draw, size):
    """±10°, factor 0.5 to 1.5, shear ±2°, shift ±0.1, and the filter of boxes."""
    angle, scale = draw.between(-10, 10), draw.between(0.5, 1.5)
    shear = [draw.between(-2, 2) for _ in range(2)]
    shift = [draw.between(0.4, 0.6) for _ in range(2)]
    center, turn, slant, move = (np.eye(3) for _ in range(4))
    center[:2, 2] = [-(image.shape[1] // 2), -(image.shape[0] // 2)]
    turn[:2] = cv2.getRotationMatrix2D((0, 0), angle, scale)
    slant[0, 1], slant[1, 0] = np.tan(np.radians(shear))
    move[:2, 2] = [shift[0] * size[1], shift[1] * size[0]]
    matrix = move @ slant @ turn @ center
    corners = np.stack([boxes[:, [1, 2]], boxes[:, [3, 2]], boxes[:, [1, 4]], boxes[:, [3, 4]]], 1)
    corners = corners @ matrix[:2, :2].T + matrix[:2, 2]
    hulls = np.concatenate([boxes[:, :1], corners.min(1), corners.max(1)], 1)
    hulls[:, 1::2] = hulls[:, 1::2].clip(0, size[1])
    hulls[:, 2::2] = hulls[:, 2::2].clip(0, size[0])
    width, height = hulls[:, 3] - hulls[:, 1], hulls[:, 4] - hulls[:, 2]
    before = (boxes[:, 3] - boxes[:, 1]) * (boxes[:, 4] - boxes[:, 2])
    ratio = np.maximum(width / (height + 1e-16), height / (width + 1e-16))
    kept = (width > 2) & (height > 2) & (width * height > 0.1 * before) & (ratio < 20)
    return warped(image, matrix, size), hulls[kept]


def warped(image, matrix, size):
    """Linear, with gray beyond the edge; pixel i reaches from i to i + 1."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    places = np.linalg.inv(matrix)[:2] @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)]) - 0.5
    x, y = np.floor(places).astype(int)
    right, low = places - np.floor(places)
    frame = np.pad(image.astype(float), ((1, 1), (1, 1), (0, 0)), constant_values=GRAY)

    def at(x, y):
        return frame[np.clip(y + 1, 0, frame.shape[0] - 1), np.clip(x + 1, 0, frame.shape[1] - 1)]

    upper = at(x, y) + (at(x + 1, y) - at(x, y)) * right[:, None]
    lower = at(x, y + 1) + (at(x + 1, y + 1) - at(x, y + 1)) * right[:, None]
    return (upper + (lower - upper) * low[:, None]).round().astype(np.uint8).reshape(*size, 3)


def hsv(image, boxes, draw):
    offsets = [draw.between(-gain, gain) for gain in [5, 30, 30]]
    offsets = [int(offset * draw.below(2)) for offset in offsets]
    levels = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV).astype(np.int16) + offsets
    levels[..., 0] %= 180
    return cv2.cvtColor(np.clip(levels, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB), boxes


def turned(image, boxes, draw):
    if draw.chance(0.9):
        for _ in range(draw.below(4)):
            width = image.shape[1]
            image = np.rot90(image)
            boxes = np.stack([boxes[:, 0], boxes[:, 2], width - boxes[:, 3], boxes[:, 4], width - boxes[:, 1]], 1)
    return image, boxes


def upside_down(image, boxes):
    boxes = boxes.copy()
    boxes[:, [2, 4]] = image.shape[0] - boxes[:, [4, 2]]
    return image[::-1], boxes


def letterbox(image, boxes, size):
    image, boxes = padded(*fitted(image, boxes, size), size, 0, 0)
    return image.astype(np.float32), boxes


def in_middle(image, boxes, size):
    room = [side - own for side, own in zip(size, image.shape[:2])]
    return padded(image, boxes, size, room[0] // 2, room[1] // 2)


def centered(image, boxes):
    """Class, middle, width, height; boxes whose shorter side is not above 1 end."""
    width, height = boxes[:, 3] - boxes[:, 1], boxes[:, 4] - boxes[:, 2]
    middle = [(boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 2] + boxes[:, 4]) / 2]
    boxes = np.stack([boxes[:, 0], *middle, width, height], 1)
    return image, boxes[np.minimum(width, height) > 1]


AFFINE = {"target_size": [18, 24], "scales": [0.5, 1.5], "shear": 2.0, "filter_box_candidates": True}
MEAN, STD = [120.0, 110.0, 100.0], [60.0, 55.0, 50.0]
STEPS = {
    "DetectionMosaic": ({"input_dim": [16, 20]}, lambda i, b, d: mosaic(i, b, d, (16, 20))),
    "DetectionRandomAffine": (AFFINE, lambda i, b, d: affine(i, b, d, (18, 24))),
    "DetectionMixup": (
        {"input_dim": [20, 24], "mixup_scale": [0.5, 1.5]},
        lambda i, b, d: mixup(i, b, d, (20, 24)) if d.chance(1) else None,
    ),
    "DetectionHSV": (
        {"prob": 1, "hgain": 5, "sgain": 30, "vgain": 30},
        lambda i, b, d: hsv(i, b, d) if d.chance(1) else None,
    ),
    "DetectionRGB2BGR": ({}, lambda i, b, d: (i[..., ::-1], b) if d.chance(0.5) else (i, b)),
    "DetectionHorizontalFlip": ({}, lambda i, b, d: mirrored(i, b) if d.chance(0.5) else (i, b)),
    "DetectionVerticalFlip": ({}, lambda i, b, d: upside_down(i, b) if d.chance(0.5) else (i, b)),
    "DetectionRandomRotate90": ({"prob": 0.9}, turned),
    "DetectionRescale": ({"output_shape": [19, 15]}, lambda i, b, d: resized(i, b, (19, 15))),
    "DetectionPadToSize": ({"output_size": [33, 41]}, lambda i, b, d: in_middle(i, b, (33, 41))),
    "DetectionPaddedRescale": ({"input_dim": [18, 24]}, lambda i, b, d: letterbox(i, b, (18, 24))),
    "DetectionStandardize": ({}, lambda i, b, d: ((i / 255.0).astype(np.float32), b)),
    "DetectionNormalize": (
        {"mean": MEAN, "std": STD},
        lambda i, b, d: (((i - np.array(MEAN)) / STD).astype(np.float32), b),
    ),
    "DetectionTargetsFormatTransform": ({}, lambda i, b, d: centered(i, b)),
}
# The transforms of coco2017_yolox, in its order, without HSV: in gray a hue is off by much for a color that is off by one.
YOLOX = (
    "DetectionMosaic DetectionRandomAffine DetectionMixup DetectionHorizontalFlip DetectionPaddedRescale "
    "DetectionTargetsFormatTransform"
).split()


def number(value):
    rounded = round(float(value), 4)
    return int(rounded) if rounded == int(rounded) else rounded


def row(names, seed, index):
    draw = Random(seed, index)
    image, boxes = picture(index)
    for name in names:
        if name == "DetectionMosaic":
            draw.chance(1)
        image, boxes = STEPS[name][1](image, boxes, draw)
        image = np.ascontiguousarray(image)
    is_bytes = image.dtype == np.uint8
    return {
        "transforms": [{name: STEPS[name][0]} for name in names],
        "seed": seed,
        "index": index,
        "shape": list(image.shape),
        "pixels": image.flatten().tolist() if is_bytes else [number(value) for value in image.flatten()],
        "boxes": [[number(value) for value in box] for box in boxes],
    }


rows = [row([name], seed, index) for name in STEPS for seed, index in [(3, 2), (8, 1)]]
rows += [row(YOLOX, seed, seed % 5) for seed in range(4)]
place = Path(__file__).with_suffix(".json")
place.write_text(json.dumps({"rows": rows}, separators=(",", ":")) + "\n")
