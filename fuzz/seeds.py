"""Makes seeds, inputs that the fuzzers of those names begin with.

    pip install numpy
    GRADSIEVE=path/to/gradsieve python seeds.py

`cargo xtask fuzz` begins with these, with ../io/tests/golden/files for `arrays`, and
with ../harness/data for `tables`.
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


def directory(name, dtype, rows):
    """A directory of bergson: its info.json, a zero, and values."""
    modules = {"a": rows.shape[1] - 1, "b": 1}
    text = json.dumps({"num_grads": len(rows), "grad_sizes": modules, **dtype}, separators=(",", ":"))
    (here / "arrays" / name).write_bytes(text.encode() + b"\0" + rows.tobytes())


def clients(name, updates, hostile, choice=0, settings=b""):
    """A round of updates, a byte for each operation before it, and all rules on it: see
    fuzz_targets/clients.rs."""
    count, width = updates.shape
    observed = b"".join(bytes([0, client]) + row.tobytes() for client, row in enumerate(updates))
    rules = bytes([6, choice, hostile]) + settings + updates[-1].tobytes()
    (here / "clients" / name).write_bytes(bytes([0, count - 1, width - 1]) + observed + rules)


for target in ["steps", "stored", "arrays", "clients"]:
    (here / target).mkdir(parents=True, exist_ok=True)
ids, rate = np.array([0, 2], "<i8"), np.array([0.5], "<f8")
grads = np.arange(6, dtype="<f4").reshape(2, 3)
step("rows", {"ids": ids, "learning_rate": rate, "grads": grads, "target": grads[:1], "factors": grads})
layers = {"a.one": grads, "b.one": grads[:, :2].copy(), "curvature": grads.astype("<f2")}
step("layers", {"ids": ids, "learning_rate": rate, **layers})
outputs = {"a.one": grads, "b.one": grads[:, :2].copy(), "factors.b.one": np.ones((4, 2), "<f4")}
step("outputs", {"ids": ids, "learning_rate": rate, **outputs})
for codec in ["f32", "f16", "bf16", "int8", "4-bit", "2-bit", "1-bit"]:
    store(codec, codec)
directory("bergson", {"base_dtype": "float32", "attribute_tokens": False, "num_items": 2}, grads)
directory("bergson-old", {"dtype": {"names": ["a", "b"], "formats": ["(2,)<f2", "(1,)<f2"]}}, grads.astype("<f2"))

honest = np.random.default_rng(1).normal(1, 1, (13, 4)).astype("<f4")
opposite, wild, agreeing = (honest.copy() for _ in range(3))
opposite[:2] *= -3
wild[0], wild[1], wild[2] = np.nan, 3.4e38, 1e-45
agreeing[:] = honest[0]
clients("opposite", opposite, 2, 0xF0)
clients("wild", wild, 3, 0xF0)
clients("agreeing", agreeing, 2, 0xF0)
clients("settings", honest, 2, 0xF3, bytes([5]) + np.array([1.5], "<f8").tobytes())
