#!/usr/bin/env python3
"""Computes the published vectors again, in NumPy and from README.md beside this file, and compares them with the JSON files.

    python3 reproduce.py [FAMILY...]

Needs NumPy, nothing else. Leaves with 1 if a number or a hash differs, and says which."""
import json
import pathlib
import sys

import numpy as np

np.seterr(all="ignore")
F32, F64, U8, U16, U32, U64 = np.float32, np.float64, np.uint8, np.uint16, np.uint32, np.uint64
MASK = (1 << 64) - 1

# --- hash -------------------------------------------------------------------------------------------------------------


def mix(z):
    z = np.asarray(z, U64)
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


def words(state, index):
    """Words number `index` (an array) of splitmix64 from `state`."""
    return mix(U64(state) + (np.asarray(index, U64) + U64(1)) * U64(0x9E3779B97F4A7C15))


def word(state, index):
    return int(words(state, [index & MASK])[0])


def key(seed, stream):
    return int(mix(U64(int(mix(U64((seed + 0x9E3779B97F4A7C15) & MASK))) ^ stream)))


def siphash_128(key, message):
    """SipHash-2-4 with 128 bits of output, as two words; the key is two words, the message
    bytes."""
    v = [k ^ int.from_bytes(c, "big") for k, c in zip(key * 2, (b"somepseu", b"dorandom", b"lygenera", b"tedbytes"))]
    v[1] ^= 0xEE
    left = lambda x, n: (x << n | x >> (64 - n)) & MASK

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = left(v[1], 13) ^ v[0]
            v[0] = left(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = left(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = left(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = left(v[1], 17) ^ v[2]
            v[2] = left(v[2], 32)

    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) & 255])
    for at in range(0, len(padded), 8):
        m = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= m
        rounds(2)
        v[0] ^= m
    v[2] ^= 0xEE
    rounds(4)
    first = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    rounds(4)
    return [first, v[0] ^ v[1] ^ v[2] ^ v[3]]


def secret_word(key, of, counter):
    """Word number `counter` of the use `of` of a secret key."""
    start, step = siphash_128(key, of.to_bytes(8, "little"))
    step |= 1
    if (step ^ step >> 1).bit_count() < 24:
        step ^= 0xAAAAAAAAAAAAAAAA
    return int(mix(U64((start + step * (counter + 1)) & MASK)))


def below(bits, width, n):
    return (bits * n & MASK) >> width


# --- formats ----------------------------------------------------------------------------------------------------------
# A number of a small format is kept as the f32 of the same value.


def narrow(x, t):
    x = np.asarray(x, F32)
    if t == "f16":
        return x.astype(np.float16).astype(F32)
    if t == "bf16":
        bits = x.view(U32)
        even = bits + U32(0x7FFF) + ((bits >> U32(16)) & U32(1))
        return np.where(np.isnan(x), x, (even & U32(0xFFFF0000)).view(F32)).astype(F32)
    return x


def bits(x, t):
    """The numbers' bits, with one pattern for every NaN."""
    if t == "f64":
        x = np.asarray(x, F64)
        return np.where(np.isnan(x), U64(0x7FF8000000000000), x.view(U64))
    if t in ("u8", "u32", "u64"):
        return np.asarray(x, {"u8": U8, "u32": U32, "u64": U64}[t])
    x = np.asarray(x, F32)
    if t == "f16":
        return np.where(np.isnan(x), U16(0x7E00), x.astype(np.float16).view(U16))
    if t == "bf16":
        return np.where(np.isnan(x), U16(0x7FC0), (x.view(U32) >> U32(16)).astype(U16))
    return np.where(np.isnan(x), U32(0x7FC00000), x.view(U32))


def from_16_bits(b, t):
    b = np.asarray(b, U16)
    return b.view(np.float16).astype(F32) if t == "f16" else (b.astype(U32) << U32(16)).view(F32)


# --- cases ------------------------------------------------------------------------------------------------------------

KINDS = "uniform tiny heavy-tailed positive subnormal huge with-non-finite painted any-bits".split()


def value(kind, seed, index):
    index = np.asarray(index, U64)
    w = words(seed, index)
    unit = (w >> U64(40)).astype(np.int64)
    t = (unit - (1 << 23)).astype(F32)
    if kind == "uniform":
        return np.ldexp(t, -23).astype(F32)
    if kind == "tiny":
        return np.ldexp(t, -36).astype(F32)
    if kind == "heavy-tailed":
        return np.ldexp(t, (w % U64(32)).astype(np.int32) - 39).astype(F32)
    if kind == "positive":
        return np.ldexp(unit.astype(F32), -24).astype(F32)
    if kind == "subnormal":
        return (w.astype(U32) & U32(0x80FFFFFF)).view(F32)
    if kind == "huge":
        return np.ldexp(t, 104).astype(F32)
    if kind == "with-non-finite":
        m = w % U64(97)
        odd = [m == 0, m == 1, m == 2, m == 3]
        return np.select(odd, [F32(np.nan), F32(np.inf), F32(-np.inf), F32(-0.0)], np.ldexp(t, -23)).astype(F32)
    if kind == "painted":
        return (index % U64(251) + U64(1)).astype(F32)
    return w.astype(U32).view(F32)


class Case:
    def __init__(self, number, long):
        self.number, self.kind = number, KINDS[number % 9]
        if long:
            s = word(0x6C6F6E670000, number)
            r = (s >> 8) % 65536
            length = [r % 300] * 3 + [300 + r % 1000] * 2 + [4000 + r % 300, 8190 + r % 70, 12289]
            self.seed, self.start, self.length = s, (s >> 32) % 5, length[s % 8]
        else:
            self.seed, self.start = word(0x736D616C6C00, number), number % 3
            self.length = [0, 1, 2, 3, 5, 7, 12, 16, 17, 33, 67][number]
        self.small = self.length < 100
        self.record = []
        self.factor, self.second_factor = value("uniform", self.seed ^ 0x5555555555555555, [0, 1])

    def parameter(self, n):
        return word(self.seed ^ 0x5555555555555555, n)

    def seed_of(self, operand):
        return {"x": self.seed, "y": self.seed ^ MASK}.get(operand, int(mix(U64(self.seed))))

    def index(self, n):
        return np.arange(self.start, self.start + n, dtype=U64)

    def take(self, name, t, n=None):
        """Makes an operand and records it."""
        n = self.length if n is None else n
        x = narrow(value(self.kind, self.seed_of(name), self.index(n)), t)
        self.input(name, x, t)
        return x

    def input(self, name, x, t):
        self.record.append((name, np.atleast_1d(x), t, False))

    def answer(self, name, x, t):
        self.record.append((name, np.atleast_1d(x), t, True))

    def cut(self, x):
        at = self.parameter(0) % (len(x) + 1)
        self.input("cut", at, "u64")
        return x[:at], x[at:]

    def offset(self):
        return self.parameter(4) % 200 + (1 << 33 if self.parameter(3) % 4 == 0 else 0)


# --- sums -------------------------------------------------------------------------------------------------------------


def fold(lanes, rest=1):
    """Adds the upper half of the last axis to the lower until so many are left; one is a number."""
    while lanes.shape[-1] > rest:
        half = lanes.shape[-1] // 2
        lanes = lanes[..., :half] + lanes[..., half:]
    return lanes[..., 0] if rest == 1 else lanes


def lanes_of(terms):
    """Term i added to lane i mod 64, in order."""
    lanes = np.zeros(64, F32)
    for row in range(0, len(terms), 64):
        some = terms[row : row + 64]
        lanes[: len(some)] += some
    return lanes


def canonical(terms):
    """The canonical sum of f32 terms."""
    if len(terms) == 0:
        return F64(0)
    before = (len(terms) - 1) // 1024 * 1024
    last = F64(fold(lanes_of(terms[before:])))
    if before == 0:
        return last
    wide = np.zeros(16, F64)
    for tile in range(0, before, 1024):
        wide += fold(lanes_of(terms[tile : tile + 1024]), 16).astype(F64)
    return fold(wide) + last


def in_wide_lanes(terms):
    """The sum of f64 terms in sixteen lanes."""
    lanes = np.zeros(16, F64)
    for row in range(0, len(terms), 16):
        some = terms[row : row + 16]
        lanes[: len(some)] += some
    return fold(lanes)


def stands(total):
    """Whether a sum of rounded terms has lost none of them to overflow or underflow."""
    return np.isfinite(total) and np.abs(total) >= 2.0**-80


def product_of(x, y):
    """The dot product: canonical, or in f64 if that leaves the range of f32."""
    total = canonical(x * y)
    return total if stands(total) else in_wide_lanes(x.astype(F64) * y.astype(F64))


def magnitude_of(x):
    total = canonical(np.abs(x))
    return total if np.isfinite(total) else in_wide_lanes(np.abs(x.astype(F64)))


def one_by_one(terms):
    """The sum of f64 terms, one after the other."""
    total = F64(0)
    for term in terms:
        total = total + term
    return total


def in_order(terms):
    """A summary's sum of f32 terms."""
    total = F64(0)
    for tile in range(0, len(terms), 4096):
        total = total + F64(fold(lanes_of(terms[tile : tile + 4096])))
    return total


def largest(x):
    magnitudes = np.abs(x[~np.isnan(x)])
    return magnitudes.max() if len(magnitudes) else F32(0)


def dot(c, t, u):
    x, y = c.take("x", t), c.take("y", u)
    c.answer("dot", product_of(x, y), "f64")


def pair(c, t, u):
    x, y = c.take("x", t), c.take("y", u)
    c.answer("dot", product_of(x, y), "f64")
    c.answer("x_squared", product_of(x, x), "f64")
    c.answer("y_squared", product_of(y, y), "f64")
    c.answer("x_l1", magnitude_of(x), "f64")


def squared_norm(c, t):
    x = c.take("x", t)
    c.answer("squared_norm", product_of(x, x), "f64")


def l1_norm(c, t):
    c.answer("l1_norm", magnitude_of(c.take("x", t)), "f64")


def max_abs(c, t):
    c.answer("max_abs", largest(c.take("x", t)), "f32")


def summary(c, t):
    x = c.take("x", t)
    c.cut(x)
    l1, l2_squared, most = in_order(np.abs(x)), in_order(x * x), largest(x)
    if np.isfinite(x).all() and (most >= 2.0**60 or 0 < most < 2.0**-40):
        magnitudes = np.abs(x.astype(F64))
        if most >= 2.0**60:
            magnitudes = magnitudes[magnitudes >= 2.0**30]
        l2_squared = one_by_one(magnitudes * magnitudes)
        l1 = one_by_one(magnitudes) if most >= 2.0**110 else l1
    c.answer("l1", l1, "f64")
    c.answer("l2_squared", l2_squared, "f64")
    c.answer("max", largest(x), "f32")
    c.answer("non_finite", np.count_nonzero(~np.isfinite(x)), "u64")
    c.answer("count", len(x), "u64")


# --- updates, matrices, conversions -----------------------------------------------------------------------------------


def axpy(c, t):
    c.input("alpha", c.factor, "f32")
    x, y = c.take("x", t), c.take("y", "f32")
    c.answer("out", y + c.factor * x, "f32")


def scale_add(c, t):
    c.input("alpha", c.factor, "f32")
    c.input("beta", c.second_factor, "f32")
    x, y = c.take("x", t), c.take("y", "f32")
    c.answer("out", c.second_factor * y + c.factor * x, "f32")


def matvec(c, t, u):
    rows, columns = 1 + c.parameter(5) % 4, c.length % 1025
    c.input("rows", rows, "u64")
    x, y = c.take("x", t, rows * columns), c.take("y", u, columns)
    c.answer("out", [F32(product_of(row, y)) for row in x.reshape(rows, columns)], "f32")


def product(c, t, u):
    rows, others, columns = 1 + c.parameter(5) % 4, 1 + c.parameter(6) % 4, c.length % 1025
    c.input("rows", [rows, others], "u64")
    x = c.take("x", t, rows * columns).reshape(rows, columns)
    y = c.take("y", u, others * columns).reshape(others, columns)
    c.answer("out", [F32(product_of(a, b)) for a in x for b in y], "f32")


def add_outer(c):
    k = c.length % (24 if c.small else 151)
    c.input("weight", c.factor, "f32")
    x, y = c.take("x", "f32", k), c.take("y", "f32", k * (k + 1) // 2)
    i, j = np.tril_indices(k)
    c.answer("out", y + (c.factor * x[i]) * x[j], "f32")


def add_products(c):
    batch, rows, columns = c.parameter(7) % 6, 1 + c.parameter(5) % 4, c.length % 1025
    c.input("batch", batch, "u64")
    x = c.take("x", "f32", batch * rows).reshape(batch, rows)
    y = c.take("y", "f32", batch * columns).reshape(batch, columns)
    out = c.take("z", "f32", rows * columns).reshape(rows, columns).copy()
    for a, b in zip(x, y):
        out += a[:, None] * b[None, :]
    c.answer("out", out.ravel(), "f32")


def narrowing(c, t):
    c.answer("out", narrow(c.take("x", "f32"), t), t)


def widening(c, t):
    if c.length == 0:
        return
    b = np.arange(65536) if c.length == 12289 else words(c.seed, c.index(c.length)) & U64(0xFFFF)
    x = from_16_bits(b.astype(U16), t)
    c.input("x", x, t)
    c.answer("out", x, "f32")


# --- projections ------------------------------------------------------------------------------------------------------


def widths(c):
    """Blocks of outputs of a sparse projection."""
    return 1 + c.length // 40 if c.small else 1 + c.parameter(2) % 20


def add_blocks(out, seed, s, coordinates, x):
    """Adds the SJLT of these coordinates."""
    k, b = key(seed, 0x534A4C542D333200), len(out) // (32 * s)
    for block in sorted(set((coordinates // U64(32)).tolist())):
        here = coordinates // U64(32) == U64(block)
        i, v = (coordinates[here] % U64(32)).astype(np.int64), x[here]
        for r in range(s):
            w = word(k, block * s + r)
            signed = np.where((w >> 0 & 0xFFFFFFFF) >> i & 1 == 1, -v, v)
            d, p = below(w >> 37, 27, b), w >> 32 & 31
            out[32 * (r * b + d) + (i ^ p)] += signed


def from_offset(offset, x):
    return np.arange(offset, offset + len(x), dtype=U64)


def sjlt(c, t, s, scaled):
    offset = c.offset()
    c.input("projection_seed", c.parameter(1), "u64")
    c.input("offset", offset, "u64")
    x = c.take("x", t)
    if scaled:
        c.input("scale", c.factor, "f32")
        x = c.factor * x
    out = np.zeros(32 * s * widths(c), F32)
    add_blocks(out, c.parameter(1), s, from_offset(offset, x), x)
    c.answer("out", out, "f32")


def mask(c, t, s, scaled):
    every, offset = 1 + c.parameter(7) % (3 if c.small else 40), c.offset()
    scale = c.factor if scaled else F32(1)
    c.input("projection_seed", c.parameter(1), "u64")
    c.input("every", every, "u64")
    c.input("offset", offset, "u64")
    c.input("scale", scale, "f32")
    x = scale * c.take("x", t)
    coordinates, k = from_offset(offset, x), key(c.parameter(1), 0x4D41534B2D333200)
    blocks = coordinates // U64(32)
    chosen = {int(n): below(word(k, int(n)) >> 32, 32, every) for n in set((blocks // U64(every)).tolist())}
    kept = np.array([int(n) % every == chosen[int(n) // every] for n in blocks], bool)
    out = np.zeros(32 * s * widths(c), F32)
    add_blocks(out, c.parameter(1), s, coordinates[kept], x[kept])
    c.answer("out", out, "f32")


def lanes_of_8(x, count=1):
    """Eight lanes in order, from +0, folded until so many are left."""
    lanes = np.zeros(8, F32)
    for start in range(0, len(x), 8):
        row = x[start : start + 8]
        lanes[: len(row)] += row
    while len(lanes) > count:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    return lanes


def sum_of_pieces(x):
    """Lanes of 512 entries each time, one sum after the other."""
    total = F32(0)
    for start in range(0, len(x), 512):
        total = total + lanes_of_8(x[start : start + 512])[0]
    return total


def folded(c, t):
    kept = 1 <= c.length <= 32 and c.parameter(6) % 3 == 0
    width = c.length if kept else 1 << c.parameter(5) % 4
    c.input("projection_seed", c.parameter(1), "u64")
    c.input("width", width, "u64")
    x, k = c.take("x", t), key(c.parameter(1), 0x464F4C442D333200)
    flipped = np.array([word(k, i // 32) >> i % 32 & 1 for i in range(len(x))], bool)
    c.answer("out", x if width == len(x) else lanes_of_8(np.where(flipped, -x, x), width), "f32")
    most = largest(x)
    held = len(x) <= 4096 and bool(np.isfinite(x).all()) and (most == 0 or 2.0**-40 <= most < 2.0**30)
    c.answer("held", int(held), "u64")
    if held:
        c.answer("l1", sum_of_pieces(np.abs(x)), "f32")
        c.answer("l2_squared", sum_of_pieces(x * x), "f32")
        c.answer("max", most, "f32")


def transformed(x):
    h = 1
    while h < len(x):
        pairs = x.reshape(-1, 2, h)
        x = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], 1).ravel()
        h *= 2
    return x


def add_mixed(out, seed, offset, x):
    """Adds the SRHT of a segment."""
    k, at = key(seed, 0x535248542D313032), 0
    while at < len(x):
        first = (offset + at) % 1024
        start = offset + at - first
        now = x[at : at + 1024 - first]
        at += len(now)
        block = np.zeros(1024, F32)
        block[first : first + len(now)] = now
        i = np.arange(1024, dtype=U64)
        flip = words(k, (U64(start) + i) // U64(64)) >> (i % U64(64)) & U64(1) == 1
        add_blocks(out, seed, 1, U64(start) + i, transformed(np.where(flip, -block, block)))


def srht(c, t, scaled, cut):
    offset = c.offset()
    c.input("projection_seed", c.parameter(1), "u64")
    c.input("offset", offset, "u64")
    if not cut:
        scale = c.factor if scaled else F32(1)
        c.input("scale", scale, "f32")
    x = c.take("x", t)
    out = np.zeros(32 * widths(c), F32)
    pieces = c.cut(x) if cut else (scale * x,)
    for piece in pieces:
        add_mixed(out, c.parameter(1), offset, piece)
        offset += len(piece)
    c.answer("out", out, "f32")


# What a nibble's lower three bits choose from, for each of four nibbles.
TABLES = np.array(
    [
        [0.03534863, 0.15452993, 0.2613045, 0.3847366, 0.48207536, 0.7291584, 0.827904, 1.2168516],
        [0.06810865, 0.16950035, 0.288353, 0.31773221, 0.44884443, 0.54263604, 0.7649707, 1.0461514],
        [0.009154989, 0.060886085, 0.08712699, 0.1448617, 0.17035817, 0.26094964, 0.34471324, 1.0069622],
        [0.0041464656, 0.013264631, 0.014946054, 0.082104705, 0.09395404, 0.113362566, 0.12671022, 1.0621551],
    ],
    F32,
)


def gaussian(c, t, scaled):
    width = 32 if c.small else 32 * (1 + c.parameter(2) % 3)
    k, offset, scale = key(c.parameter(1), 0x474155535349414E), c.offset(), c.factor if scaled else F32(1)
    c.input("projection_seed", c.parameter(1), "u64")
    c.input("offset", offset, "u64")
    c.input("scale", scale, "f32")
    x = scale * c.take("x", t)
    out = np.zeros(width, F32)
    tables = np.concatenate([TABLES, -TABLES], 1)
    for i, x in zip(range(offset, offset + len(x)), x):
        w = words(k, U64(i * (width // 4) & MASK) + np.arange(width // 4, dtype=U64)).reshape(-1, 8)
        sixteen = lambda shift: (w >> U64(shift)).astype(np.int64) & 0xFFFF
        low = np.stack([sixteen(0), sixteen(32)], 2).reshape(-1, 16)
        high = np.stack([sixteen(16), sixteen(48)], 2).reshape(-1, 16)
        n = np.concatenate([low, high], 1).ravel()
        products = tables * x
        part = [products[q][n >> 4 * q & 15] for q in range(4)]
        out += (part[0] + part[1]) + (part[2] + part[3])
    c.answer("out", out, "f32")


def add_groups(out, k, offset, x):
    """Adds the Rademacher projection of a segment."""
    width = len(out)
    at = 0
    while at < len(x):
        group, first = divmod(offset + at, 32)
        now = x[at : at + 32 - first]
        at += len(now)
        inputs = np.zeros(32, F32)
        inputs[first : first + len(now)] = now
        w = words(k, U64(group * (width // 2) & MASK) + np.arange(width // 2, dtype=U64))
        signs = np.stack([w & U64(0xFFFFFFFF), w >> U64(32)], 1).ravel().astype(np.int64)
        nibble = np.arange(16)
        flip = lambda x, bit: np.where(nibble >> bit & 1 == 1, -x, x)
        t = []
        for q, (a, b, cc, d) in enumerate(inputs.reshape(8, 4)):
            table = flip(((flip(a, 0) + flip(b, 1)) + flip(cc, 2)) + d, 3)
            t.append(table[signs >> 4 * q & 15])
        out += ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]))


def rademacher(c, t, scaled=False, cut=False, carried=False):
    width = 64 if c.small else 64 * (1 + c.parameter(2) % 4)
    k, offset = key(c.parameter(1), 0x524144454D414348), c.offset()
    c.input("projection_seed", c.parameter(1), "u64")
    c.input("offset", offset, "u64")
    if not cut and not carried:
        scale = c.factor if scaled else F32(1)
        c.input("scale", scale, "f32")
    x = c.take("x", t)
    out = np.zeros(width, F32)
    if cut or carried:
        head, tail = c.cut(x)
        if cut:
            add_groups(out, k, offset, head)
            add_groups(out, k, offset + len(head), tail)
        else:
            add_groups(out, k, offset, x)
    else:
        add_groups(out, k, offset, scale * x)
    c.answer("out", out, "f32")


def hadamard(c):
    x = c.take("x", "f32", 1 << (max(c.length, 1).bit_length() - 1))
    c.answer("out", transformed(x), "f32")


# --- stored rows ------------------------------------------------------------------------------------------------------


def quantise(x):
    """Scale and codes of a finite row."""
    m = np.abs(x).max() if len(x) else F32(0)
    scale = m / F32(127)
    if m / scale >= F32(127.5):
        scale = np.nextafter(scale, F32(np.inf))
    elif np.isinf(scale * F32(127)):
        scale = np.nextafter(scale, F32(0))
    codes = np.zeros(len(x), np.int64) if scale == 0 else np.rint(x / scale).astype(np.int64)
    return scale, codes


def int8(c):
    x = c.take("x", "f32")
    refused = not np.isfinite(x).all()
    c.answer("refused", refused, "u8")
    if not refused:
        scale, codes = quantise(x)
        c.answer("scale", scale, "f32")
        c.answer("codes", codes + 128, "u8")
        c.answer("decoded", codes.astype(F32) * scale, "f32")


LEVELS = {
    1: np.array([1, -1]),
    2: np.array([3, 1, -1, -3]),
    4: np.array([6, 18, 31, 44, 58, 75, 96, 127, -6, -18, -31, -44, -58, -75, -96, -127]),
}


def few_bits(c, bits):
    x = c.take("x", "f32", 64)
    x = np.where(np.isfinite(x), x, F32(0))
    levels = F32({1: 1.0, 2: 2.0086, 4: 46.47}[bits]) * F32([1, 0.25, 8][c.parameter(5) % 3])
    c.input("levels", levels, "f32")
    all_levels = np.sort(LEVELS[bits][LEVELS[bits] > 0])
    scaled = np.abs(x * levels).astype(F64)
    # How many of the places in the middle are not above it: further from zero in the middle.
    nearest = all_levels[((all_levels[1:] + all_levels[:-1]) / 2 <= scaled[:, None]).sum(1)]
    chosen = np.where(np.signbit(x), -nearest, nearest)
    codes = np.array([list(LEVELS[bits]).index(level) for level in chosen], U32)
    packed = (codes.reshape(-1, 32 // bits) << np.arange(0, 32, bits, dtype=U32)).sum(1, dtype=U32)
    c.answer("words", packed, "u32")
    lanes = np.zeros(16, F32)
    for i in range(0, 64, 16):
        lanes += x[i : i + 16] * chosen[i : i + 16].astype(F32)
    c.answer("product", fold(lanes[None])[0], "f32")
    c.answer("decoded", chosen.astype(F32) * F32(0.3), "f32")


ORDER = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]


def shape(c, short):
    rows = 1 + c.parameter(5) % (3 if c.small else 48)
    queries = [1, 8, 1 + c.parameter(8) % 11][c.parameter(7) % 3]
    k = max(c.length % (short if c.small else 257), 1)
    c.input("rows", rows, "u64")
    c.input("queries", queries, "u64")
    return rows, queries, k


def in_groups(rows, zero):
    """Rows filled up with rows of `zero` to groups of sixteen: (groups, 16, k)."""
    missing = -len(rows) % 16
    filled = np.concatenate([rows, np.full((missing, rows.shape[1]), zero, rows.dtype)])
    return filled.reshape(-1, 16, rows.shape[1])


def score_float(c, t, sealed):
    n, q, k = shape(c, 24)
    x, y = c.take("x", t, n * k).reshape(n, k), c.take("y", "f32", q * k).reshape(q, k)
    if sealed:
        order = [i for lane in ORDER for i in range(lane, k, 16)]
        c.answer("sealed", in_groups(x, F32(0))[:, :, order].transpose(0, 2, 1).ravel(), t)
    lanes = np.zeros((q, n, 16), F32)
    for i in range(0, k, 16):
        terms = x[None, :, i : i + 16] * y[:, None, i : i + 16]
        lanes[:, :, : terms.shape[2]] += terms
    scores = fold(lanes)
    for at in np.ndindex(scores.shape):
        if not stands(scores[at]):
            scores[at] = F32(in_wide_lanes(x[at[1]].astype(F64) * y[at[0]].astype(F64)))
    c.answer("scores", scores.ravel(), "f32")


def score_int8(c, sealed):
    n, q, k = shape(c, 24)
    codes = (words(c.seed, c.index(n * k)) & U64(0xFF)).astype(U8)
    c.input("codes", codes, "u8")
    codes = codes.reshape(n, k)
    scales, y = c.take("scales", "f32", n), c.take("y", "f32", q * k).reshape(q, k)
    if sealed:
        quads = np.concatenate([codes, np.zeros((n, -k % 4), U8)], 1)
        c.answer("sealed", in_groups(quads, U8(0)).reshape(-1, 16, quads.shape[1] // 4, 4).transpose(0, 2, 1, 3).ravel(), "u8")
    refused = not np.isfinite(y).all()
    c.answer("refused", refused, "u8")
    if not refused:
        scores = []
        for query in y:
            scale, of_query = quantise(query)
            sums = (codes.astype(np.int64) - 128) @ of_query
            scores.append(sums.astype(F32) * scales * scale)
        c.answer("scores", np.concatenate(scores), "f32")


def score_bits(c, bits):
    n, q, k = shape(c, 257)
    k = -(-k // bits)
    blocks = -(-k // 64)
    row_words = (words(c.seed, c.index(n * 2 * bits * blocks)) & U64(0xFFFFFFFF)).astype(U32)
    c.input("words", row_words, "u32")
    scales, y = c.take("scales", "f16", n), c.take("y", "f32", q * k).reshape(q, k)
    c.answer("sealed", in_groups(row_words.reshape(n, -1), U32(0)).transpose(0, 2, 1).ravel(), "u32")
    refused = not np.isfinite(y).all()
    c.answer("refused", refused, "u8")
    if not refused:
        codes = row_words[:, None] >> np.arange(0, 32, bits, dtype=U32) & U32((1 << bits) - 1)
        levels = LEVELS[bits][codes.reshape(n, -1)[:, :k]]
        scores = []
        for query in y:
            scale, of_query = quantise(query)
            scores.append((levels @ of_query).astype(F32) * scales * scale)
        c.answer("scores", np.concatenate(scores), "f32")


def hamming(c, sealed):
    n, q, k = shape(c, 257)
    blocks = -(-k // 64)
    row_words = (words(c.seed, c.index(n * 2 * blocks)) & U64(0xFFFFFFFF)).astype(U32)
    c.input("words", row_words, "u32")
    y = c.take("y", "f32", q * k).reshape(q, k)
    signs = np.zeros((1 + q, blocks * 64), U32)
    signs[0, :k] = 1
    signs[1:, :k] = y.view(U32) >> U32(31)
    packed = in_words(signs)
    if sealed:
        # Tiles of eight queries, the last one of the next power of two: their words side by side.
        last = 0 if q % 8 == 0 else 1 << (q % 8 - 1).bit_length()
        filled = np.zeros((q - q % 8 + last, 2 * blocks), U32)
        filled[:q] = packed[1:]
        tiles = [filled[i : i + 8].T.ravel() for i in range(0, len(filled), 8)]
        packed = np.concatenate([packed[0], *tiles])
    c.answer("packed", packed.ravel(), "u32")
    negative = (row_words.reshape(n, -1, 1) >> np.arange(32, dtype=U32) & U32(1)).reshape(n, -1)
    c.answer("distances", (negative[None, :, :k] != signs[1:, None, :k]).sum(2, dtype=U32).ravel(), "u32")


def in_words(signs):
    """Rows of bits, a multiple of 64, as words."""
    return (signs.reshape(len(signs), -1, 32) << np.arange(32, dtype=U32)).sum(2, dtype=U32)


# --- the hash itself --------------------------------------------------------------------------------------------------


def hashes(c, name):
    n = min(c.length, 64)
    w = words(c.seed, np.arange(n, dtype=U64))
    m = 1 + c.seed % 1000
    if name == "key":
        c.input("stream", c.seed, "u64")
        out = [key(int(w), c.seed) for w in w]
    elif name == "word":
        c.input("counter", c.seed, "u64")
        out = [word(int(w), c.seed) for w in w]
    elif name == "secret":
        secret = [c.seed, int(mix(U64(c.seed)))]
        c.input("key", np.array(secret, U64), "u64")
        out = [secret_word(secret, int(w), int(w)) for w in w]
    elif name == "below":
        c.input("below", m, "u64")
        out = [below(int(w) >> 37, 27, m) for w in w]
    else:
        out = mix(w)
    c.input("words", w, "u64")
    c.answer("out", np.array(out, U64), "u64")


# --- which kernel is which --------------------------------------------------------------------------------------------

PLAIN = {
    "dot": dot, "pair": pair, "squared-norm": squared_norm, "l1-norm": l1_norm, "max-abs": max_abs, "summary": summary,
    "axpy": axpy, "scale-add": scale_add, "matvec": matvec, "product": product, "add-outer": add_outer,
    "add-products": add_products, "fold": folded, "narrow": narrowing, "widen": widening, "hadamard": hadamard, "int8": int8,
}  # fmt: skip


def kernel(name):
    """The function that runs a kernel on a case."""
    parts = name.split("-")
    formats = [part for part in parts if part in ("f32", "f16", "bf16")]
    stem = "-".join(part for part in parts if part not in formats)
    if stem in PLAIN:
        return lambda c: PLAIN[stem](c, *formats)
    if name in ("mix", "key", "word", "secret", "below"):
        return lambda c: hashes(c, name)
    if parts[0] == "sjlt":
        return lambda c: sjlt(c, formats[0], int(parts[-2]), "scaled" in parts)
    if parts[0] == "mask":
        return lambda c: mask(c, formats[0], int(parts[-2]), "scaled" in parts)
    if parts[0] == "srht":
        return lambda c: srht(c, formats[0], "scaled" in parts, "cut" in parts)
    if parts[0] == "gaussian":
        return lambda c: gaussian(c, formats[0], "scaled" in parts)
    if parts[0] == "rademacher":
        return lambda c: rademacher(c, formats[0], "scaled" in parts, "cut" in parts, "carry" in parts)
    if parts[0] == "bits":
        return lambda c: few_bits(c, int(parts[1]))
    if parts[:2] == ["score", "bits"]:
        return lambda c: score_bits(c, int(parts[2]))
    if parts[0] == "score":
        sealed = parts[1] == "sealed"
        if formats:
            return lambda c: score_float(c, formats[0], sealed)
        return lambda c: score_int8(c, sealed)
    if parts[0] == "hamming":
        return lambda c: hamming(c, parts[1] == "sealed")
    raise SystemExit(f"no such kernel: {name}")


BYTES = {"u8": 1, "f16": 2, "bf16": 2, "f32": 4, "u32": 4, "f64": 8, "u64": 8}


def spelled(x, t):
    return [f"0x{int(b):0{2 * BYTES[t]}x}" for b in bits(x, t)]


def check(family):
    """The differences of a family."""
    for published in family["kernels"]:
        run, wrong = kernel(published["name"]), []
        for expected in published["small"]:
            c = Case(expected["case"], long=False)
            run(c)
            found = {"case": c.number, "kind": c.kind, "seed": f"0x{c.seed:016x}", "length": c.length, "start": c.start}
            found |= {name: spelled(x, t) for name, x, t, _ in c.record}
            if list(found) != list(expected):
                wrong.append(f"small case {c.number}: {list(found)} and not {list(expected)}")
            wrong += [f"small case {c.number}: {name}" for name in expected if found.get(name) != expected[name]]
        h = 0xCBF29CE484222325
        for number in range(published["long"]["cases"]):
            c = Case(number, long=True)
            run(c)
            for _, x, t, is_answer in c.record:
                if is_answer:
                    b = bits(x, t)
                    for byte in b.astype(b.dtype.newbyteorder("<")).tobytes():
                        h = (h ^ byte) * 0x100000001B3 & MASK
        if f"0x{h:016x}" != published["long"]["hash"]:
            wrong.append("the hash of the long cases")
        print(f"{'FAIL' if wrong else 'ok  '} {published['name']}", *wrong, sep="\n     " if wrong else " ", flush=True)
        yield from wrong


def main():
    folder = pathlib.Path(__file__).parent
    names = sys.argv[1:] or sorted(path.stem for path in folder.glob("*.json"))
    wrong = [w for name in names for w in check(json.loads((folder / f"{name}.json").read_text()))]
    print(f"{len(wrong)} differences" if wrong else f"all of {', '.join(names)} reproduced with NumPy {np.__version__}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
