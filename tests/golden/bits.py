"""Rows of few bits, read back: what packets.py and states.py share, written from the documentation alone."""

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
BITS = {"4-bit": 4, "2-bit": 2, "1-bit": 1}
LEVELS = {
    1: [1, -1],
    2: [3, 1, -1, -3],
    4: [sign * level for sign in (1, -1) for level in (6, 18, 31, 44, 58, 75, 96, 127)],
}


def mix(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def transformed(x):
    """Walsh-Hadamard transform, divided by the root of the length."""
    half = 1
    while half < len(x):
        x = [x[i] + x[i + half] if not i & half else x[i - half] - x[i] for i in range(len(x))]
        half *= 2
    return [value / len(x) ** 0.5 for value in x]


def rotated_back(y):
    """The row whose rotation is y: runs are transformed, signs flipped, and numbers put back to their places."""
    key = mix(mix(GOLDEN) ^ int.from_bytes(b"ROTATE64", "big"))
    whole, row = len(y) // 64, [0.0] * len(y)
    for block in range(-(-len(y) // 64)):
        some, turned = y[64 * block : 64 * block + 64], []
        run = 64
        while run:
            if len(some) & run:
                turned += transformed(some[len(turned) : len(turned) + run])
            run //= 2
        signs = mix(key + (block + 1) * GOLDEN & MASK)
        places = range(block, 64 * whole, whole) if block < whole else range(64 * whole, len(y))
        for i, (place, value) in enumerate(zip(places, turned)):
            row[place] = -value if signs >> i & 1 else value
    return row


def values(codec, word, scale, width):
    """The row of codes in words, of which the function gives one."""
    bits = BITS[codec]
    codes = [word(i * bits // 32) >> i * bits % 32 & (1 << bits) - 1 for i in range(width)]
    return rotated_back([LEVELS[bits][code] * scale for code in codes])


def check(codec, exact, found):
    """The product with the row itself is its squared norm, and what is lost is what the bits lose."""
    square = sum(x * x for x in exact)
    assert abs(sum(x * y for x, y in zip(exact, found)) - square) <= square / 1000, codec
    lost = sum((x - y) ** 2 for x, y in zip(exact, found)) / square
    # Of short rows, up to twice what normal numbers lose.
    assert lost <= {"4-bit": 0.03, "2-bit": 0.3, "1-bit": 1.2}[codec], (codec, lost)
