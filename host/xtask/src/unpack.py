"""unpack.py WHEELS SITE: from every wheel, what a compiler, a linker or a loader reads; no Python code."""

import pathlib
import sys
import zipfile

KEPT = ("torch/lib/", "torch/include/", "nvidia/")
# For Python's own use, 32 MB.
LEFT_OUT = ("torch/lib/libtorch_python.so", "torch/lib/libshm")


def wanted(name):
    is_license = ".dist-info/licenses/" in name.lower()
    return is_license or (name.startswith(KEPT) and not name.startswith(LEFT_OUT) and not name.endswith(".py"))


def is_unpacked(entry, site):
    """A library that is there may be in use: writing the same bytes once more would crash its users."""
    path = site / entry.filename
    return path.is_file() and path.stat().st_size == entry.file_size


wheels, site = map(pathlib.Path, sys.argv[1:])
for wheel in sorted(wheels.glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        entries = [entry for entry in archive.infolist() if wanted(entry.filename)]
        archive.extractall(site, [entry for entry in entries if not is_unpacked(entry, site)])
