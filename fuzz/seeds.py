"""Makes seeds/steps and seeds/stored, inputs that the fuzzers of those names begin with.

    pip install numpy
    GRADSIEVE=path/to/gradsieve python seeds.py

The other targets begin with files that are here anyway: `arrays` with ../io/tests/golden/files, `tables`
with ../harness/data.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

here = Path(__file__).parent / "seeds"
program = os.environ["GRADSIEVE"]


def step(name, tensors):
    """A header without its length, and values, of which the first byte is zero."""
    header, values = {}, b""
    types = {"<i8": "I64", "<f4": "F32", "<f8": "F64", "<f2": "F16"}
    for tensor, array in tensors.items():
        data = array.tobytes()
        header[tensor] = {
            "dtype": types[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [len(values), len(values) + len(data)],
        }
        values += data
    (here / "steps" / name).write_bytes(json.dumps(header, separators=(",", ":")).encode() + values)


def store(name, codec):
    """A manifest without its checksum, a zero, and segments."""
    with tempfile.TemporaryDirectory() as folder:
        rows = np.arange(20, dtype="<f4").reshape(5, 4)
        np.save(f"{folder}/g.npy", rows)
        out = f"{folder}/x.store"
        line = [program, "sketch", f"{folder}/g.npy", "-o", out, "--dim", "32", "--dtype", codec]
        subprocess.run(line, check=True, capture_output=True)
        manifest = json.loads(Path(out, "store.json").read_text())
        del manifest["crc32"]
        text = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode()
        (here / "stored" / name).write_bytes(text + b"\0" + Path(out, "gradients.bin").read_bytes())


for target in ["steps", "stored"]:
    (here / target).mkdir(parents=True, exist_ok=True)
ids, rate = np.array([0, 2], "<i8"), np.array([0.5], "<f8")
grads = np.arange(6, dtype="<f4").reshape(2, 3)
step("rows", {"ids": ids, "learning_rate": rate, "grads": grads, "target": grads[:1], "factors": grads})
layers = {"a.one": grads, "b.one": grads[:, :2].copy(), "curvature": grads.astype("<f2")}
step("layers", {"ids": ids, "learning_rate": rate, **layers})
for codec in ["f32", "f16", "bf16", "int8", "1-bit"]:
    store(codec, codec)
