"""Reads states.hex by docs/format.md alone, with nothing of gradsieve's: python3 states.py

Checks every frame, and decodes the stores of each codec back to the rows that the tests wrote, which are eighths by a formula.
states.hex itself is written by: cargo test --test all -- --ignored write_the_published_bytes
"""

import pathlib
import struct
import zlib

ORDER = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]
CODECS = ["f32", "f16", "bf16", "int8", "1-bit"]


def row(r, width):
    return [(17 * i + 5 * r) % 29 / 8 - 1.75 for i in range(width)]


def frame(data):
    """Kind of state, kind of projection, K, and the body."""
    magic, version, kind, zero, length = struct.unpack_from("<8sHHIQ", data)
    assert (magic, version, zero, length) == (b"gradsiev", 1, 0, len(data))
    assert zlib.crc32(data[:-4]) == struct.unpack("<I", data[-4:])[0]
    projection, _, width = struct.unpack_from("<BB6xQ", data, 24)
    return kind, projection, width, data[64:-4]


def store(body):
    """Rows, ids and squared norms."""
    codec, K, n, _ = struct.unpack_from("<B7xQQQ", body)
    starts = {lane: sum(len(range(j, K, 16)) for j in ORDER[: ORDER.index(lane)]) for lane in ORDER}
    codec, groups = CODECS[codec], -(-n // 16)
    blocks = -(-K // 64)
    size = {"f32": 64 * K, "f16": 32 * K, "bf16": 32 * K, "int8": 64 * -(-K // 4), "1-bit": 128 * blocks}[codec]
    numbers, rest = body[64 : 64 + groups * size], body[64 + groups * size :]

    def take(letter, count):
        nonlocal rest
        values = struct.unpack_from(f"<{count}{letter}", rest)
        rest = rest[struct.calcsize(f"<{count}{letter}") :]
        return values

    ids, _, squared, _, _ = take("Q", n), take("d", n), take("d", n), take("f", n), take("I", n)
    scales = take("f", n) if codec == "int8" else take("e", n) if codec == "1-bit" else [1.0] * n
    exponents = take("b", n) if codec in ("f16", "bf16", "1-bit") else [0] * n

    def number(r, i):
        group = numbers[r // 16 * size : (r // 16 + 1) * size]
        place = starts[i % 16] + i // 16
        if codec == "f32":
            return struct.unpack_from("<f", group, (place * 16 + r % 16) * 4)[0]
        if codec == "f16":
            return struct.unpack_from("<e", group, (place * 16 + r % 16) * 2)[0]
        if codec == "bf16":
            return struct.unpack("<f", b"\0\0" + group[(place * 16 + r % 16) * 2 :][:2])[0]
        if codec == "int8":
            return group[(i // 4 * 16 + r % 16) * 4 + i % 4] - 128
        term = ORDER.index(i % 16) * blocks + i // 64
        word = struct.unpack_from("<I", group, (term // 8 * 16 + r % 16) * 4)[0]
        return 1 - 2 * (word >> (term % 8 * 4 + i % 64 // 16) & 1)

    rows = [[number(r, i) * scales[r] * 2.0 ** exponents[r] for i in range(K)] for r in range(n)]
    return codec, rows, ids, squared, rest


def main():
    lines = (pathlib.Path(__file__).parent / "states.hex").read_text().splitlines()
    for line in lines:
        name, digits = line.rsplit(": ", 1)
        kind, projection, width, body = frame(bytes.fromhex(digits))
        said = "no sketches" if projection == 255 else f"sketches of {width}"
        print(f"{name}: kind {kind}, {said}, body of {len(body)} bytes")
        if kind == 12:
            codec, rows, ids, squared, rest = store(body)
            assert (len(rows), rest) == (17 if "wide" in name else 20, b"")
            assert list(ids) == list(range(100, 100 + len(rows)))
            for r, found in enumerate(rows):
                exact = row(r, width)
                assert squared[r] == sum(x * x for x in exact)
                mean = sum(map(abs, exact)) / width
                for x, y in zip(exact, found):
                    allowed = {"int8": max(map(abs, exact)) / 250, "1-bit": mean / 1000}.get(codec, 0)
                    want = x if codec != "1-bit" else (mean if x >= 0 else -mean)
                    assert abs(y - want) <= allowed, (codec, r, x, y)
        if kind == 14:
            _, rows, ids, _, rest = store(body)
            assert struct.unpack(f"<{len(ids)}d", rest) == tuple(i % 7 for i in ids)
    print(f"{len(lines)} states read")


main()
