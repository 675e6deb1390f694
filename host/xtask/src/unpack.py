"""unpack.py WHEELS SITE: from every wheel, what a compiler, a linker or a loader reads; no Python code."""

import pathlib
import sys
import zipfile

KEPT = ("torch/lib/", "torch/include/", "nvidia/")
# For Python's own use, 32 MB.
LEFT_OUT = ("torch/lib/libtorch_python.so", "torch/lib/libshm")

wheels, site = sys.argv[1:]
for wheel in sorted(pathlib.Path(wheels).glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith(".py")]
        kept = [name for name in names if name.startswith(KEPT) and not name.startswith(LEFT_OUT)]
        licences = [name for name in names if ".dist-info/licenses/" in name.lower()]
        archive.extractall(site, kept + licences)
