"""Cuts the trees of deepforest into tiles with boxes in COCO's format: python make.py deepforest-2.1.0-py3-none-any.whl

Needs Pillow. The tiles of an image cover it without overlap. A tree at an edge belongs to each tile that shows two fifths
of it or more.
"""

import io
import json
import sys
import xml.etree.ElementTree as xml
import zipfile
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent
# The part, the image, and its rows and columns of tiles.
PARTS = [
    ("train", "2019_YELL_2_528000_4978000_image_crop2", 7, 8),
    ("validation", "2019_YELL_2_541000_4977000_image_crop", 3, 4),
]
QUALITY = 56
LEAST_SHARE = 0.4


def edges(length, count):
    return [length * place // count for place in range(count + 1)]


def boxes(tree):
    for thing in tree.iter("object"):
        corners = [thing.find("bndbox/" + name).text for name in ("xmin", "ymin", "xmax", "ymax")]
        yield [int(corner) for corner in corners]


def cut(box, tile):
    """The box in the tile as x, y, width and height, if enough of it is there."""
    left, top, right, bottom = (max(box[0], tile[0]), max(box[1], tile[1]), min(box[2], tile[2]), min(box[3], tile[3]))
    width, height = right - left, bottom - top
    area = (box[2] - box[0]) * (box[3] - box[1])
    if width <= 0 or height <= 0 or width * height < LEAST_SHARE * area:
        return None
    return [left - tile[0], top - tile[1], width, height]


def make(part, name, rows, columns, wheel):
    data = "deepforest/data/" + name
    image = Image.open(io.BytesIO(wheel.read(data + ".png"))).convert("RGB")
    all_boxes = list(boxes(xml.fromstring(wheel.read(data + ".xml"))))
    xs, ys = edges(image.width, columns), edges(image.height, rows)
    images, annotations = [], []
    (FOLDER / part).mkdir(exist_ok=True)
    for row in range(rows):
        for column in range(columns):
            tile = (xs[column], ys[row], xs[column + 1], ys[row + 1])
            size = {"width": tile[2] - tile[0], "height": tile[3] - tile[1]}
            file = f"{row}{column}.jpg"
            images.append({"id": len(images) + 1, "file_name": file, **size})
            image.crop(tile).save(FOLDER / part / file, quality=QUALITY, optimize=True)
            for box in filter(None, (cut(box, tile) for box in all_boxes)):
                annotations.append({
                    "id": len(annotations) + 1,
                    "image_id": len(images),
                    "category_id": 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                })
    file = {
        "info": {"description": f"{name} of deepforest 2.1.0, MIT"},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "tree"}],
    }
    (FOLDER / f"{part}.json").write_text(json.dumps(file, separators=(",", ":")) + "\n")
    print(part, len(all_boxes), "trees,", len(images), "tiles,", len(annotations), "boxes")


if __name__ == "__main__":
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        for part in PARTS:
            make(*part, wheel)
        (FOLDER / "LICENSE").write_bytes(next(
            wheel.read(file) for file in wheel.namelist() if file.endswith("LICENSE")))
