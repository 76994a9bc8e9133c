//! The operations: what a kernel may do with sixteen `f32` lanes.
//!
//! A kernel is written once over [`Simd`] and means the same on every instruction set:
//! one 512-bit register, two of 256 bits, four of 128. Equal bits come by construction,
//! because every operation is exact or one correctly rounded IEEE operation a lane. A
//! value of a `Simd` type is a *token*: it is made only where the instruction set is
//! known to be there (`isa/`), so its operations are safe to call.
//!
//! May not import any kernel, but for the scalar forms of which an operation's default
//! body is made.

use crate::cannot_happen;
use crate::hash::{State, mix};
use half::{bf16, f16};

/// Sixteen lanes of `f32`, whatever they are made of.
pub(crate) trait Simd: Copy {
    /// Sixteen lanes.
    type F: Copy;
    /// Sixteen lanes of `f64`.
    type Wide: Copy;
    /// Eight lanes of `f64`.
    type Eight: Copy;
    /// Whether sixteen values of `F` and the operands of a step fit the registers. If
    /// not, a kernel with many sums takes a tile in several passes.
    const ROOMY: bool;

    /// All lanes equal to `value`.
    fn splat_8(self, value: f64) -> Self::Eight;
    /// Lane *i* = `from[i]`.
    fn load_8(self, from: &[f64; 8]) -> Self::Eight;
    /// Lane *i* = `from[i]`, widened exactly.
    fn widen_8(self, from: &[f32; 8]) -> Self::Eight;
    /// `to[i]` = lane *i*.
    fn store_8(self, value: Self::Eight, to: &mut [f64; 8]);
    /// a + b.
    fn add_8(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    /// a·b.
    fn mul_8(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    /// Of each: lane *j* += lane *j* + *h* for *h* = 4, 2, 1; lane 0.
    #[inline(always)]
    fn fold_8(self, all: [Self::Eight; 4]) -> [f64; 4] {
        all.map(|a| {
            let mut lanes = [0.0; 8];
            self.store_8(a, &mut lanes);
            crate::sum::fold_to(&mut lanes, 1);
            lanes[0]
        })
    }

    /// All lanes equal to `value`.
    fn splat(self, value: f32) -> Self::F;
    /// Lane *i* = `from[i]`.
    fn load(self, from: &[f32; 16]) -> Self::F;
    /// Lane *i* = `from[i]`, widened exactly.
    fn load_f16(self, from: &[f16; 16]) -> Self::F;
    /// Lane *i* = `from[i]`, widened exactly.
    fn load_bf16(self, from: &[bf16; 16]) -> Self::F;
    /// Lane *i* = `from[i]`, and zero from its end on; at most the first sixteen
    /// elements.
    fn load_part(self, from: &[f32]) -> Self::F;
    /// [`Simd::load_part`], widened exactly.
    fn load_part_f16(self, from: &[f16]) -> Self::F;
    /// [`Simd::load_part`], widened exactly.
    fn load_part_bf16(self, from: &[bf16]) -> Self::F;
    /// Lane *i* of the first = `from[2i]`, of the second = `from[2i + 1]`, widened
    /// exactly: cheaper than in order.
    fn load_bf16_pairs(self, from: &[bf16; 32]) -> [Self::F; 2];
    /// [`Simd::load_bf16_pairs`] of at most the first 32 elements, with zeros behind.
    fn load_part_bf16_pairs(self, from: &[bf16]) -> [Self::F; 2];
    /// `to[i]` = lane *i*.
    fn store(self, value: Self::F, to: &mut [f32; 16]);
    /// `to[i]` = lane *i*, rounded to nearest even.
    fn store_f16(self, value: Self::F, to: &mut [f16; 16]);
    /// `to[i]` = lane *i*, rounded to nearest even.
    fn store_bf16(self, value: Self::F, to: &mut [bf16; 16]);

    /// Lane-wise sum, one rounding.
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// Lane-wise difference `a − b`, one rounding.
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        self.add(a, self.mul(b, self.splat(-1.0)))
    }
    /// Lane-wise product, one rounding.
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a·b + c` where the caller knows that `a·b` is exact in `f32`: may be fused.
    fn mul_exact_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.add(self.mul(a, b), c)
    }
    /// Sign bit cleared.
    fn abs(self, a: Self::F) -> Self::F;
    /// The larger of `a` and `best`, and `best` where `a` is a NaN. No lane of `best` is
    /// a NaN.
    fn max_or(self, a: Self::F, best: Self::F) -> Self::F;
    /// How many lanes are infinite or NaN.
    fn count_non_finite(self, a: Self::F) -> u32;
    /// Lane *j* += lane *j* + *h* for *h* = 8, 4, 2, 1; lane 0 is returned.
    fn fold(self, a: Self::F) -> f32;
    /// The first step of [`Simd::fold`] of `a`, which leaves lanes 0..8, and of `b`,
    /// which stand in lanes 8..16.
    fn fold_two_to_8(self, a: Self::F, b: Self::F) -> Self::F;
    /// Wide lanes of +0.
    fn wide(self) -> Self::Wide;
    /// Lane *i* of `wide` + lane *i* of `a`, widened exactly; one rounding.
    fn add_wide(self, wide: Self::Wide, a: Self::F) -> Self::Wide;
    /// Lane *j* += lane *j* + *h* for *h* = 8, 4, 2, 1, in `f64`; lane 0 is returned. If
    /// `paired`, lanes 0..8 hold the even places and lanes 8..16 the odd ones: it is the
    /// places that are folded.
    fn fold_wide(self, wide: Self::Wide, paired: bool) -> f64;
    /// Place *i* = [`Simd::fold`] of the *i*th of sixteen.
    #[inline(always)]
    fn fold_16(self, all: [Self::F; 16]) -> [f32; 16] {
        let mut folded = [0.0; 16];
        for (to, a) in folded.iter_mut().zip(all) {
            *to = self.fold(a);
        }
        folded
    }
    /// The largest lane; none is a NaN.
    fn fold_max(self, a: Self::F) -> f32;
    /// The sign of lane *i* flipped if bit *i* is set.
    #[inline(always)]
    fn flip(self, a: Self::F, bits: u16) -> Self::F {
        let mut lanes = [0.0; 16];
        self.store(a, &mut lanes);
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane = f32::from_bits(lane.to_bits() ^ u32::from(bits >> i & 1) << 31);
        }
        self.load(&lanes)
    }
    /// Lane *i* cut to a whole number; the nearest one that there is beyond 32 bits; 0 of
    /// a NaN.
    #[inline(always)]
    fn cut(self, a: Self::F) -> [i32; 16] {
        let mut lanes = [0.0; 16];
        self.store(a, &mut lanes);
        lanes.map(|lane| lane as i32)
    }
    /// Lane *i* / `by` to the nearest integer, ties to even; the quotients lie between
    /// −127.5 and 127.5.
    #[inline(always)]
    fn divide_and_round(self, a: Self::F, by: f32) -> [i8; 16] {
        let mut lanes = [0.0; 16];
        self.store(a, &mut lanes);
        lanes.map(|lane| crate::scalar::codec::int8::code(lane, by))
    }
    /// Σ row·query of unsigned bytes of rows and signed bytes (as two's complement) of
    /// queries, all of one length, of which no sum leaves 32 bits. Asks for the rows'
    /// memory `ahead` bytes after what is read, unless that is 0.
    #[inline(always)]
    fn dot_bytes<const R: usize, const C: usize>(
        self,
        rows: &[&[u8]; R],
        queries: &[&[u8]; C],
        _ahead: usize,
    ) -> [[i32; R]; C] {
        queries.map(|query| rows.map(|row| crate::scalar::bytes::dot(row, query)))
    }
    /// Lane *i* = Σ over places of the products of four bytes of row *i* with four of a
    /// query, for G groups of rows and the queries `FIRST..FIRST + C` of W. Bytes and
    /// sums as in [`Simd::dot_bytes`]; all groups have as many places as the queries.
    /// Asks for memory ahead if `fetch`.
    #[inline(always)]
    fn dot_quads<const G: usize, const W: usize, const FIRST: usize, const C: usize>(
        self,
        groups: &[&[[[u8; 4]; 16]]; G],
        queries: &[[[u8; 4]; W]],
        _fetch: bool,
    ) -> [[[i32; 16]; G]; C] {
        let mut sums = [[[0; 16]; G]; C];
        for (g, group) in groups.iter().enumerate() {
            for (rows, queries) in group.iter().zip(queries) {
                for (c, sums) in sums.iter_mut().enumerate() {
                    for (sum, row) in sums[g].iter_mut().zip(rows) {
                        *sum += crate::scalar::bytes::dot(row, &queries[FIRST + c]);
                    }
                }
            }
        }
        sums
    }
    /// Whether [`Simd::tabulate`] and [`Simd::add_ones`] are operations, which are faster
    /// than others.
    #[inline(always)]
    fn has_tables(self) -> bool {
        false
    }
    /// Writes what [`Simd::add_ones`] looks up of a query: a word of a row meets eight
    /// quads of its codes, which are `width` apart. Only where there are tables.
    #[inline(always)]
    fn tabulate(self, _codes: &[[u8; 4]], _width: usize, _tables: &mut [Tables]) {
        cannot_happen!("there are no tables");
    }
    /// Adds to lane *i* of each group's sums the codes that stand where row *i* of the
    /// group, of `words` words, has ones, from word `first` on, as far as the tables go.
    /// Asks for memory ahead if `fetch`. Only where there are tables.
    #[inline(always)]
    fn add_ones(
        self,
        _groups: &[[u32; 16]],
        (_words, _first): (usize, usize),
        _tables: &[Tables],
        _fetch: bool,
        _sums: &mut [[i32; 16]],
    ) {
        cannot_happen!("there are no tables");
    }

    /// Lane *i* = Σ over places of the products of the levels that row *i* of each group
    /// has codes of ([`crate::codec::bits`]) with the bytes of a query, for G groups and
    /// the queries `FIRST..FIRST + C` of W, whose bytes' sums are `totals`,
    /// little-endian. A word of a row meets 8/`BITS` quads of a query. Asks for memory
    /// ahead if `fetch`.
    #[inline(always)]
    fn dot_codes<const BITS: usize, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
        self,
        groups: &[&[[u32; 16]]; G],
        queries: &[[[u8; 4]; W]],
        totals: &[[u8; 4]; W],
        _fetch: bool,
    ) -> [[[i32; 16]; G]; C] {
        let mut sums = [[[0; 16]; G]; C];
        for (g, group) in groups.iter().enumerate() {
            for (words, queries) in group.iter().zip(queries.chunks(8 / BITS)) {
                let mut words = *words;
                for queries in queries {
                    for (c, sums) in sums.iter_mut().enumerate() {
                        let digits = queries[FIRST + c].map(|d| i32::from(d.cast_signed()));
                        for (sum, word) in sums[g].iter_mut().zip(words) {
                            *sum += crate::scalar::bytes::of_four::<BITS>(word, digits);
                        }
                    }
                    words = words.map(|word| word >> BITS);
                }
            }
        }
        if BITS < 4 {
            for (c, sums) in sums.iter_mut().enumerate() {
                let total = i32::from_le_bytes(totals[FIRST + c]);
                let sums = sums.as_flattened_mut().iter_mut();
                sums.for_each(|sum| *sum = crate::scalar::bytes::of_codes::<BITS>(*sum, total));
            }
        }
        sums
    }
    /// Puts lane *i* = Σ over places of the bits in which word *i* of a group and that of
    /// a query differ, for some groups one after the other and W queries. Bits that are
    /// not in the place's mask don't count; a group has as many places as there are masks
    /// and queries. Asks for memory ahead if `fetch`.
    fn differences<const W: usize>(
        self,
        groups: &[[u32; 16]],
        masks: &[u32],
        queries: &[[u32; W]],
        fetch: bool,
        to: Distances<'_>,
    );
    /// Asks for the cache line at `ahead` bytes after `from`; any address will do.
    fn prefetch<T>(self, from: &T, ahead: usize);

    /// One block of the blocked SJLT: element *i* of the 32 in `from` has its sign
    /// flipped if bit *i* of `word` is set, and is added to element *i* XOR *p* of `to`,
    /// where *p* is bits 32..37 of `word`.
    fn scatter(self, from: [Self::F; 2], word: u64, to: &mut [[f32; 16]; 2]);
    /// [`Simd::scatter`] of 32 `f16`.
    #[inline(always)]
    fn scatter_f16(self, from: &[[f16; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        self.scatter([self.load_f16(&from[0]), self.load_f16(&from[1])], word, to);
    }
    /// [`Simd::scatter`] of 32 `bf16`.
    #[inline(always)]
    fn scatter_bf16(self, from: &[[bf16; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        self.scatter([self.load_bf16(&from[0]), self.load_bf16(&from[1])], word, to);
    }

    /// The Walsh–Hadamard transform of the sixteen lanes: for *h* = 1, 2, 4, 8, of every
    /// two lanes that lie *h* apart in a block of 2*h*, the first becomes their sum and
    /// the second their difference, one rounding each.
    #[inline(always)]
    fn hadamard_16(self, a: Self::F) -> Self::F {
        let mut lanes = [0.0; 16];
        self.store(a, &mut lanes);
        for half in [1, 2, 4, 8] {
            for i in 0..16 {
                if i & half == 0 {
                    (lanes[i], lanes[i | half]) = (lanes[i] + lanes[i | half], lanes[i] - lanes[i | half]);
                }
            }
        }
        self.load(&lanes)
    }

    /// The bits of eight 64-bit hash states `first` and following, *m* = 0..8: lane 2*m*
    /// has the lower half of the *m*-th, lane 2*m* + 1 the upper. Lanes of bits are only
    /// ever loaded, stored and given to the two operations below.
    #[inline(always)]
    fn hash_state(self, first: State) -> Self::F {
        let mut lanes = [0.0; 16];
        for (m, pair) in (0..).zip(lanes.as_chunks_mut::<2>().0) {
            *pair = halves(first.ahead(m));
        }
        self.load(&lanes)
    }
    /// [`crate::hash::mix`] of the eight states, as bits; then each state moves on by
    /// eight words, 8·`step`.
    #[inline(always)]
    fn hash_words(self, state: &mut Self::F, step: u64) -> Self::F {
        let (mut states, mut words) = ([0.0; 16], [0.0; 16]);
        self.store(*state, &mut states);
        for (state, word) in states.as_chunks_mut::<2>().0.iter_mut().zip(words.as_chunks_mut::<2>().0) {
            let bits = u64::from(state[0].to_bits()) | u64::from(state[1].to_bits()) << 32;
            *word = halves(mix(bits));
            *state = halves(bits.wrapping_add(step.wrapping_mul(8)));
        }
        *state = self.load(&states);
        self.load(&words)
    }
    /// A look-up in an odd table. Lane *i* = lane *n* of `table`, where *n* is bits
    /// `SHIFT..SHIFT + 4` of lane *i* of `words`. `SHIFT` is at most 28, and lanes 8..16
    /// of `table` are lanes 0..8 with their signs flipped.
    #[inline(always)]
    fn look_up_odd<const SHIFT: u32>(self, table: Self::F, words: Self::F) -> Self::F {
        let (mut values, mut lanes) = ([0.0; 16], [0.0; 16]);
        self.store(table, &mut values);
        self.store(words, &mut lanes);
        for lane in &mut lanes {
            *lane = values[(lane.to_bits() >> SHIFT) as usize % 16];
        }
        self.load(&lanes)
    }
}

/// Takes nothing but a token.
#[allow(dead_code, reason = "intrinsics of WebAssembly that take no pointer are safe")]
#[inline(always)]
pub(crate) fn is_token(_: impl Simd) {}

/// What [`Simd::add_ones`] looks up of a word's bytes: place 16·*p* + *x* is one byte of
/// the sum of those codes of byte *p* that stand where *x* has ones.
#[allow(dead_code, reason = "only x86-64 has an operation that reads it")]
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Table(pub(crate) [u8; 64]);

/// Of the lower four bits of each byte of a word the lower and the upper byte of the
/// sums, and then of the upper four bits.
pub(crate) type Tables = [Table; 4];

/// Where [`Simd::differences`] go: to a row for every query, of which there are `rows`
/// from the first group's first row on; the queries' lie `apart`.
pub(crate) struct Distances<'a> {
    pub(crate) to: &'a mut [u32],
    pub(crate) rows: usize,
    pub(crate) apart: usize,
}

impl Distances<'_> {
    /// The places of group `group` for query `query`: sixteen, or fewer for the last
    /// rows, or none for a group behind them.
    #[inline(always)]
    pub(crate) fn of(&mut self, group: usize, query: usize) -> &mut [u32] {
        let (first, start) = (16 * group, self.apart * query + 16 * group);
        let end = start + self.rows.saturating_sub(first).min(16);
        self.to.get_mut(start..end).unwrap_or(&mut [])
    }

    /// Fills them.
    #[inline(always)]
    pub(crate) fn put(&mut self, group: usize, query: usize, sixteen: &[u32; 16]) {
        let to = self.of(group, query);
        if let Some(to) = to.first_chunk_mut() {
            *to = *sixteen;
            return;
        }
        for (to, sum) in to.iter_mut().zip(sixteen) {
            *to = *sum;
        }
    }
}

/// The lower and the upper half of a word, as the bits of two lanes.
fn halves(word: u64) -> [f32; 2] {
    [f32::from_bits(word as u32), f32::from_bits((word >> 32) as u32)]
}

/// The eight lanes of `f64` as an array, for sets whose registers hold two of them: the
/// compiler makes vectors of it.
#[allow(unused_macros, reason = "x86-64 has registers for them")]
macro_rules! eight_in_an_array {
    () => {
        type Eight = [f64; 8];

        #[inline(always)]
        fn splat_8(self, value: f64) -> Self::Eight {
            [value; 8]
        }

        #[inline(always)]
        fn load_8(self, from: &[f64; 8]) -> Self::Eight {
            *from
        }

        #[inline(always)]
        fn widen_8(self, from: &[f32; 8]) -> Self::Eight {
            from.map(f64::from)
        }

        #[inline(always)]
        fn store_8(self, value: Self::Eight, to: &mut [f64; 8]) {
            *to = value;
        }

        #[inline(always)]
        fn add_8(self, a: Self::Eight, b: Self::Eight) -> Self::Eight {
            let mut sums = a;
            for i in 0..8 {
                sums[i] += b[i];
            }
            sums
        }

        #[inline(always)]
        fn mul_8(self, a: Self::Eight, b: Self::Eight) -> Self::Eight {
            let mut products = a;
            for i in 0..8 {
                products[i] *= b[i];
            }
            products
        }
    };
}
#[allow(unused_imports, reason = "as above")]
pub(crate) use eight_in_an_array;
