"""Reads states.hex by docs/src/formats/states.md alone, with nothing of gradsieve's: python3 states.py

Checks every frame, and decodes the stores of each codec back to the rows that the tests wrote, which are eighths by a formula. The adjoint, Arnoldi, GIF
and EK-FAC are held against what the methods say they contain.
states.hex itself is written by: cargo test --test all -- --ignored write_the_published_bytes
"""

import bits
import pathlib
import struct
import zlib

ORDER = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]
CODECS = {0: "f32", 1: "f16", 2: "bf16", 3: "int8", 6: "1-bit", 7: "2-bit", 8: "4-bit"}


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
    size = {"f32": 64 * K, "f16": 32 * K, "bf16": 32 * K, "int8": 64 * -(-K // 4)}
    size = size.get(codec) or 128 * bits.BITS[codec] * -(-K // 64)
    numbers, rest = body[64 : 64 + groups * size], body[64 + groups * size :]

    def take(letter, count):
        nonlocal rest
        values = struct.unpack_from(f"<{count}{letter}", rest)
        rest = rest[struct.calcsize(f"<{count}{letter}") :]
        return values

    ids, _, squared, _, _ = take("Q", n), take("d", n), take("d", n), take("f", n), take("I", n)
    scales = take("f", n) if codec == "int8" else take("e", n) if codec in bits.BITS else [1.0] * n
    exponents = take("b", n) if codec in ("f16", "bf16", *bits.BITS) else [0] * n

    def number(r, i):
        group = numbers[r // 16 * size : (r // 16 + 1) * size]
        place = starts[i % 16] + i // 16
        if codec == "f32":
            return struct.unpack_from("<f", group, (place * 16 + r % 16) * 4)[0]
        if codec == "f16":
            return struct.unpack_from("<e", group, (place * 16 + r % 16) * 2)[0]
        if codec == "bf16":
            return struct.unpack("<f", b"\0\0" + group[(place * 16 + r % 16) * 2 :][:2])[0]
        return group[(i // 4 * 16 + r % 16) * 4 + i % 4] - 128

    def numbers_of(r):
        scale = scales[r] * 2.0 ** exponents[r]
        if codec in bits.BITS:
            group = numbers[r // 16 * size : (r // 16 + 1) * size]
            return bits.values(codec, lambda w: struct.unpack_from("<I", group, (w * 16 + r % 16) * 4)[0], scale, K)
        return [number(r, i) * scale for i in range(K)]

    rows = [numbers_of(r) for r in range(n)]
    return codec, rows, ids, squared, rest


class Body:
    """Takes numbers from the front of a body."""

    def __init__(self, data):
        self.data = data

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data)
        self.data = self.data[struct.calcsize("<" + form) :]
        return values

    def rows(self, count, width, letter="f"):
        return [self.take(f"{width}{letter}") for _ in range(count)]

    def triangle(self, width, letter="f"):
        return [list(self.take(f"{i + 1}{letter}")) for i in range(width)]


def whole(lower):
    return [[lower[max(i, j)][min(i, j)] for j in range(len(lower))] for i in range(len(lower))]


def dot(x, y):
    return sum(a * b for a, b in zip(x, y))


def near(x, y, allowed):
    assert abs(x - y) <= allowed * max(1.0, abs(y)), (x, y)


def orthonormal(vectors):
    for i, x in enumerate(vectors):
        for j, y in enumerate(vectors):
            near(dot(x, y), float(i == j), 1e-6)


def second_moment(rows):
    return [[sum(r[i] * r[j] for r in rows) / len(rows) for j in range(len(rows[0]))] for i in range(len(rows[0]))]


def adjoint(body, K):
    """One step with the rows 0 and 1, which eighths and their products do without rounding."""
    (blocks,) = body.take("Q")
    ends = body.take(f"{blocks}Q")
    assert ends == (2, K)
    targets, steps = body.take("QQ")
    assert (targets, steps) == (3, 1)
    found, norms = body.rows(targets, K), body.take(f"{targets}f")
    for q, (w, norm) in enumerate(zip(found, norms)):
        before = row(2 + q, K)
        assert norm == dot(before, before)
        after = list(before)
        for first, end in zip((0,) + ends, ends):
            for factor in (row(0, K)[first:end], row(1, K)[first:end]):
                along = dot(factor, before[first:end])
                after[first:end] = [w - 0.125 * along * f for w, f in zip(after[first:end], factor)]
        assert list(w) == after


def arnoldi(body, K):
    m, keep, seed, closed, fitted, basis, observed, kept = body.take("QQQBB6xQQQ")
    assert (m, keep, seed, basis, closed) == (3, 2, 8, 3, fitted)
    H = second_moment([row(r, K) for r in range(20)])
    if fitted:
        vectors, values = body.rows(kept, K), body.take(f"{kept}d")
        orthonormal(vectors)
        for u, value in zip(vectors, values):
            near(dot([dot(h, u) for h in H], u), value, 1e-5)
        return
    Q, product, small = body.rows(basis, K), body.take(f"{K}f"), body.rows(basis, basis, "d")
    orthonormal(Q)
    assert observed == 20
    for i, value in enumerate(product):
        near(value, 20 * dot(H[i], Q[2]), 1e-5)
    for i in range(basis):
        # The column of the product under way is not there yet.
        for j in range(basis):
            near(small[i][j], dot([dot(h, Q[j]) for h in H], Q[i]) if j < 2 else 0.0, 1e-5)


def gif(body, K):
    damping, fitted, count = body.take("fB3xQ")
    indices = body.take(f"{count}Q")
    assert (damping, indices) == (0.5, (1, 4))
    centre, width, half_life, ticks, n, weight = body.take("B7xQI4xQQd")
    assert (centre, width, half_life, ticks, n, weight) == (0, K, 0, 20, 20, 0.0)
    C = [[x / n for x in line] for line in whole(body.triangle(K, "d"))]
    assert C == second_moment([row(r, K) for r in range(n)])
    if fitted:
        ridge = damping * sum(C[i][i] for i in range(K)) / K
        H = [[C[i][j] + ridge * (i == j) for j in range(K)] for i in indices]
        for found, expected in zip(body.rows(count, K, "d"), H):
            for x, y in zip(found, expected):
                near(x, y, 1e-14)
        lower = body.triangle(count, "d")
        for i in range(count):
            for j in range(i + 1):
                near(dot(lower[i], lower[j]), dot(H[i], H[j]), 1e-13)


def ekfac(body):
    damping, decomposed, I, O, positions, samples, under_way = body.take("fB3xQQQQQ")
    assert (damping, I, O, positions) == (0.5, 3, 2, 20)
    factors = [(row(r, I + O)[:I], row(r, I + O)[I:]) for r in range(20)]
    sums = [whole(body.triangle(width)) for width in (I, O)]
    for side, found in enumerate(sums):
        assert [[x / 20 for x in line] for line in found] == second_moment([f[side] for f in factors])
    assert (samples, under_way) == ((3, 1) if decomposed else (0, 0))
    if not decomposed:
        return
    turns = [body.rows(I, I), body.rows(O, O)]
    for turn, matrix in zip(turns, sums):
        orthonormal(turn)
        for i, u in enumerate(turn):
            image = [dot(line, u) for line in matrix]
            for j, other in enumerate(turn):
                assert i == j or abs(dot(other, image)) <= 1e-3 * dot(u, image)
    rotated = [[[dot(q, b) * dot(p, a) for p in turns[0]] for q in turns[1]] for a, b in factors]
    squares, last = body.rows(O, I), body.rows(O, I)
    for o in range(O):
        for i in range(I):
            near(squares[o][i], sum(g[o][i] ** 2 for g in rotated[:3]), 1e-5)
            near(last[o][i], rotated[0][o][i], 1e-5)

def visits(kind, body):
    """Nine visits, one after the other to samples 7 to 10; none to 11."""
    first, samples, size, zero = body.take("QQII")
    assert (first, samples, zero) == (7, 5, 0)
    numbers, counts = body.take(f"{samples}{'e' if size == 2 else 'f'}"), body.take(f"{samples}H")
    assert (counts, body.data) == ((3, 2, 2, 2, 0), b"")
    for sample in range(4):
        own = [{30: visit / 3, 31: visit / 10, 32: -1.5 * visit}[kind] for visit in range(sample, 9, 4)]
        near(numbers[sample], max(own) if kind == 32 else sum(own) / len(own), 2e-3 if size == 2 else 1e-6)


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
                if codec in bits.BITS:
                    bits.check(codec, exact, found)
                else:
                    allowed = max(map(abs, exact)) / 250 if codec == "int8" else 0
                    assert all(abs(y - x) <= allowed for x, y in zip(exact, found)), (codec, r)
        if kind == 14:
            _, rows, ids, _, rest = store(body)
            assert struct.unpack(f"<{len(ids)}d", rest) == tuple(i % 7 for i in ids)
        if 30 <= kind <= 32:
            visits(kind, Body(body))
        if 25 <= kind <= 28:
            rest = Body(body)
            {25: adjoint, 26: arnoldi, 27: gif}[kind](rest, width) if kind < 28 else ekfac(rest)
            assert rest.data == b""
    print(f"{len(lines)} states read")


main()
