"""Makes the small files in golden/files/ that tests/all/files reads.

    pip install numpy==2.4.6 safetensors==0.8.0
    python files.py

The values of `gradient` are the same in every file: row r, column c holds (r * 5 + c - 7) / 4, which
every float type of 16 bits and more holds exactly.
"""

import json
import struct
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from safetensors.numpy import save_file

here = Path(__file__).parent / "files"
here.mkdir(exist_ok=True)
gradient = (np.arange(15).reshape(3, 5) - 7) / 4

for dtype in ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8"]:
    order = "big" if dtype[0] == ">" else "little"
    np.save(here / f"{order}-{dtype[1:]}.npy", gradient.astype(dtype))

for version in [(2, 0), (3, 0)]:
    with open(here / f"version-{version[0]}.npy", "wb") as file:
        npy.write_array(file, gradient.astype("<f4"), version=version)

np.save(here / "fortran.npy", np.asfortranarray(gradient.astype("<f4")))
# One column: both orders are the same bytes; the header says Fortran.
with open(here / "fortran-column.npy", "wb") as file:
    npy.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": True, "shape": (15, 1)})
    file.write(gradient.astype("<f4").tobytes())
np.save(here / "0d.npy", np.float32(3))
np.save(here / "1d.npy", gradient.astype("<f4")[0])
np.save(here / "3d.npy", np.zeros((3, 4, 5), "<f4"))
np.save(here / "no-rows.npy", np.zeros((0, 5), "<f4"))
np.save(here / "int64.npy", np.arange(15).reshape(3, 5))
np.save(here / "complex.npy", gradient.astype("<c8"))
np.save(here / "fields.npy", np.zeros(3, [("a, '(", "<f4"), ("b", [("c", "<i2", (2, 3))])]))
np.save(here / "objects.npy", np.array([None, {}], dtype=object), allow_pickle=True)
np.savez(here / "archive.npz", gradient=gradient)
np.savez_compressed(here / "deflated.npz", gradient=gradient, labels=np.array([1, -1, 1]))

groups = [0, 1, 1, 0, 2]
for dtype in ["|i1", "<i2", "<i4", "<i8", "|u1", ">u2", "<u4", "<u8", ">i8", "<f2", "<f4", ">f8"]:
    order = "big" if dtype[0] == ">" else "little"
    np.save(here / f"groups-{order}-{dtype[1:]}.npy", np.array(groups, dtype))
np.save(here / "groups-bool.npy", np.array(groups).astype(bool))
np.save(here / "groups-negative.npy", np.array([0, 1, -1]))
np.save(here / "groups-half.npy", np.array([0, 1.5, 1]))
np.save(here / "groups-large.npy", np.array([2**32 - 1, 2**32]))

save_file({"w": gradient.astype("<f4")}, here / "one.safetensors")
save_file(
    {
        "layer.weight": gradient.astype("<f4"),
        "layer.bias": gradient.astype("<f2"),
        "double": gradient,
        "labels": np.array(groups),
    },
    here / "several.safetensors",
    metadata={"made by": "files.py"},
)
save_file({}, here / "none.safetensors")

# NumPy has no bf16: the upper halves of f32, and the header by hand.
halves = (gradient.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
header = json.dumps({"w": {"dtype": "BF16", "shape": [3, 5], "data_offsets": [0, len(halves)]}}).encode()
(here / "bf16.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + halves)
