"""Writes transforms.json: images changed by torchvision 0.26, OpenCV 5.0 and PyTorch 2.11.

Run with a Python that has torch, torchvision and opencv-python-headless: python tests/reference/transforms.py
Images are lists of bytes, [height, width, channels]; matrices map places, of which pixel i has i + 0.5.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import InterpolationMode

HEIGHT, WIDTH = 7, 9
image = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
# Equal channels, black, white and pure colors are the corner cases of hue.
image[0, :5] = [[0, 0, 0], [255, 255, 255], [80, 80, 80], [255, 0, 0], [0, 0, 255]]
tensor = torch.from_numpy(image).permute(2, 0, 1)
rows = []


def row(operation, arguments, result, tolerance, own=None):
    if isinstance(result, torch.Tensor):
        result = result.permute(1, 2, 0).numpy()
    rows.append(
        {
            "operation": operation,
            "arguments": arguments,
            "shape": list(result.shape),
            "expected": result.flatten().tolist(),
            "tolerance": tolerance,
            "image": None if own is None else own.flatten().tolist(),
        }
    )


for factor in [0.0, 0.4, 1.7]:
    row("brightness", [factor], F.adjust_brightness(tensor, factor), 0)
    row("contrast", [factor], F.adjust_contrast(tensor, factor), 1)
    row("saturation", [factor], F.adjust_saturation(tensor, factor), 1)
for turn in [-0.4, 0.0, 0.13, 0.5]:
    row("hue", [turn], F.adjust_hue(tensor, turn), 1)

for shift in [[0, 0, 0], [4, -30, 20], [-90, 200, -200]]:
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV).astype(np.int16) + shift
    hsv[..., 0] %= 180
    hsv = np.clip(hsv, 0, 255).astype(np.uint8)
    row("hsv", shift, cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), 1)

# The operations of timm's RandAugment, which are Pillow's.
picture = Image.fromarray(image)
for operation, argument, result in [
    ("autocontrast", 0, ImageOps.autocontrast(picture)),
    ("invert", 0, ImageOps.invert(picture)),
    ("posterize", 1, ImageOps.posterize(picture, 1)),
    ("posterize", 4, ImageOps.posterize(picture, 4)),
    ("solarize", 100, ImageOps.solarize(picture, 100)),
    ("solarize_add", 77, picture.point([min(255, i + 77) if i < 128 else i for i in range(256)] * 3)),
    *[("enhance_color", f, ImageEnhance.Color(picture).enhance(f)) for f in [0.1, 1.36]],
    *[("enhance_contrast", f, ImageEnhance.Contrast(picture).enhance(f)) for f in [0.1, 1.36]],
    *[("enhance_brightness", f, ImageEnhance.Brightness(picture).enhance(f)) for f in [0.1, 1.36]],
    *[("enhance_sharpness", f, ImageEnhance.Sharpness(picture).enhance(f)) for f in [0.1, 1.36]],
]:
    row(operation, [argument], np.asarray(result), 1 if operation.startswith("enhance") else 0)

# So many pixels that there is something to equalize.
large = np.random.default_rng(8).integers(40, 90, (21, 28, 3), dtype=np.uint8)
row("equalize", [0], np.asarray(ImageOps.equalize(Image.fromarray(large))), 0, large)

fill = (124, 116, 104)


def moved(*numbers):
    """Pillow's map from the new place to the old one."""
    size = picture.size
    return np.asarray(picture.transform(size, Image.Transform.AFFINE, numbers, fillcolor=fill))


for degrees in [17.3, -140.9]:
    row("rand_rotate", [degrees], np.asarray(picture.rotate(degrees, fillcolor=fill)), 0)
row("rand_shear_x", [0.29], moved(1, 0.29, 0, 0, 1, 0), 0)
row("rand_shear_y", [-0.23], moved(1, 0, 0, -0.23, 1, 0), 0)
row("rand_translate_x", [2.4], moved(1, 0, 2.4, 0, 1, 0), 0)
row("rand_translate_y", [-3.3], moved(1, 0, 0, 0, 1, -3.3), 0)

for size in [[14, 18], [5, 13], [3, 4]]:
    row("linear", size, cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR), 1)
    row("antialiased", size, F.resize(tensor, size, antialias=True), 1)
    row("bicubic", size, F.resize(tensor, size, InterpolationMode.BICUBIC, antialias=True), 2)
    row("nearest", size, F.resize(tensor, size, InterpolationMode.NEAREST_EXACT), 0)


def warped(matrix, size):
    """Bilinear, with 114 beyond the edge."""
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    places = back[:2] @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    places = places * 2 / np.array([[WIDTH], [HEIGHT]]) - 1
    grid = torch.from_numpy(places.T.reshape(1, *size, 2)).float()
    source = tensor[None].float() - 114
    moved = torch.nn.functional.grid_sample(source, grid, align_corners=False)
    return (moved[0] + 114).round().to(torch.uint8)


def affine(angle, scale, shear, shift, source, target):
    """The matrix of YOLOX: the middle to the corner, turn and scale, shear, shift."""
    center, turn, slant, move = (np.eye(3) for _ in range(4))
    center[:2, 2] = [-(source[1] // 2), -(source[0] // 2)]
    turn[:2] = cv2.getRotationMatrix2D((0, 0), angle, scale)
    slant[0, 1], slant[1, 0] = np.tan(np.radians(shear))
    move[:2, 2] = [shift[0] * target[1], shift[1] * target[0]]
    return (move @ slant @ turn @ center)[:2]


matrices = []
for angle, scale, shear, shift, target in [
    (0, 1, [0, 0], [0.5, 0.5], [7, 9]),
    (10, 1.5, [2, -1], [0.45, 0.6], [12, 10]),
    (-170, 0.4, [-20, 30], [0.5, 0.4], [6, 20]),
]:
    matrix = affine(angle, scale, shear, shift, [HEIGHT, WIDTH], target)
    matrices.append(
        {
            "angle": angle,
            "scale": scale,
            "shear": shear,
            "shift": shift,
            "to": target,
            "matrix": matrix.flatten().tolist(),
        }
    )
    row("warp", matrix.flatten().tolist() + target, warped(matrix, target), 1)

place = Path(__file__).with_suffix(".json")
content = {
    "shape": [HEIGHT, WIDTH, 3],
    "image": image.flatten().tolist(),
    "rows": rows,
    "matrices": matrices,
}
place.write_text(json.dumps(content, indent=None, separators=(",", ":")) + "\n")
