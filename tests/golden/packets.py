"""Reads packets.hex by docs/src/formats/packets.md alone, with nothing of gradsieve's: python3 packets.py

Checks every front, fingerprint and CRC, and decodes each codec's numbers back to the rows that the tests wrote, which are eighths by a formula.
packets.hex itself is written by: cargo test --test all -- --ignored write_the_published_packets
"""

import bits
import pathlib
import struct
import zlib

MASK = 2**64 - 1
CODECS = {0: "f32", 1: "f16", 2: "bf16", 3: "int8", 6: "1-bit", 7: "2-bit", 8: "4-bit"}


def mix(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def fingerprint(kind, width, repeat, secret, key, settings, layout):
    h = mix(mix(width + 0x9E3779B97F4A7C15 & MASK) ^ 0x5041434B45540000)
    for word in (kind + (repeat << 8) + (secret << 16), key, settings, layout):
        h = mix(h ^ word)
    return h


def row(width):
    return [(17 * i + 3) % 29 / 8 - 1.75 for i in range(width)]


def numbers(codec, scale, data, width):
    if codec == "f32":
        return list(struct.unpack(f"<{width}f", data))
    if codec == "f16":
        return [x * 2.0 ** scale[0] for x in struct.unpack(f"<{width}e", data)]
    if codec == "bf16":
        return [struct.unpack("<f", b"\0\0" + data[2 * i : 2 * i + 2])[0] * 2.0 ** scale[0] for i in range(width)]
    if codec == "int8":
        return [(byte - 128) * scale[0] for byte in data]
    padded = data + bytes(32)
    return bits.values(codec, lambda w: struct.unpack_from("<I", padded, 4 * w)[0], scale[0] * 2.0 ** scale[1], width)


def main():
    lines = (pathlib.Path(__file__).parent / "packets.hex").read_text().splitlines()
    seen = {}
    for line in lines:
        name, digits = line.rsplit(": ", 1)
        data = bytes.fromhex(digits)
        kind, width, said = name.split()
        magic, version, fields, K, mark, norm = struct.unpack_from("<BBBHQf", data)
        codec = CODECS[version & 15]
        assert (magic, version >> 4, K, codec) == (0xA6, 1, int(width), said)
        assert zlib.crc32(data[:-4]) == struct.unpack("<I", data[-4:])[0]
        at = 17
        found = {}
        for bit, field, form in [(1, "group", "<I"), (2, "loss", "<f"), (4, "l1", "<f"), (8, "max", "<f")]:
            if fields & bit:
                found[field] = struct.unpack_from(form, data, at)[0]
                at += 4
        assert norm == 2.5 and found in ({}, {"group": 3, "loss": 0.75, "l1": 12.5, "max": 1.75})
        form = {"f32": "<", "f16": "<b", "bf16": "<b", "int8": "<f"}.get(codec, "<eb")
        scale = struct.unpack_from(form, data, at)
        at += struct.calcsize(form)
        values, exact = numbers(codec, scale, data[at:-4], K), row(K)
        assert len(values) == K
        if codec in bits.BITS:
            bits.check(codec, exact, values)
        else:
            allowed = max(map(abs, exact)) / 250 if codec == "int8" else 0
            assert all(abs(y - x) <= allowed for x, y in zip(exact, values)), codec
        seen.setdefault((kind, width), set()).add(mark)
        print(f"{name}: {len(data)} bytes, {found}")
    # Each of the three kinds of sketch has one fingerprint. That of the exact one, whose layout is a single vector of nine
    # coordinates, and that of the SJLT of seed 7, one of 1,000.
    def flat(length):
        h = mix(mix(1 + 0x9E3779B97F4A7C15 & MASK) ^ 0x4C41594F55540000)
        h = mix(h ^ mix(0)) + length & MASK
        return mix(mix(h) ^ 1)

    assert seen["0", "5"] == {fingerprint(0, 5, 1, 0, 0, 0, flat(9))}
    assert fingerprint(1, 128, 1, 0, 7, 0, flat(1000)) in seen["1", "128"] and len(seen["1", "128"]) == 2
    print(f"{len(lines)} packets read")


main()
