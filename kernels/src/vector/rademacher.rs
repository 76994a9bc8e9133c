//! [`mod@crate::rademacher`] in vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::element::Element;
use crate::projection::rademacher::{BATCH, GROUP, Rademacher};
use crate::scalar::rademacher::next_group;
use crate::simd::Simd;

/// Group by group.
#[inline(always)]
pub(crate) fn project<S: Simd, T: Element>(
    s: S,
    projection: Rademacher,
    mut offset: u64,
    scale: f32,
    mut x: &[T],
    out: &mut [f32],
) {
    let out = out.as_chunks_mut::<16>().0;
    let signs = Signs::new(s);
    while let Some((inputs, group, later)) = next_group_of_vectors(s, offset, scale, x) {
        let tables = signs.tables(s, &inputs);
        let first = projection.state(group);
        let mut state = s.hash_state(first);
        for out in &mut *out {
            let words = s.hash_words(&mut state, first.step);
            s.store(s.add(s.load(out), look_up_group(s, &tables, words)), out);
        }
        offset += (x.len() - later.len()) as u64;
        x = later;
    }
}

/// The same group of all gradients, at most [`BATCH`], then the next.
#[inline(always)]
pub(crate) fn batch<S: Simd, T: Element>(
    s: S,
    projection: Rademacher,
    mut offset: u64,
    xs: &[&[T]],
    out: &mut [f32],
) {
    let out = out.as_chunks_mut::<16>().0;
    let signs = Signs::new(s);
    let mut tables = [[s.splat(0.0); 8]; BATCH];
    let length = xs.first().map_or(0, |x| x.len());
    let vectors = projection.width() / 16;
    let mut done = 0;
    while done < length {
        let mut taken = 0;
        let group = offset / GROUP as u64;
        for (table, x) in tables.iter_mut().zip(xs) {
            let x = x.get(done..).certain();
            let Some((inputs, _, later)) = next_group_of_vectors(s, offset, 1.0, x) else {
                cannot_happen!("all gradients are as long as the first");
                return;
            };
            *table = signs.tables(s, &inputs);
            taken = x.len() - later.len();
        }
        let first = projection.state(group);
        let mut state = s.hash_state(first);
        for at in 0..vectors {
            let words = s.hash_words(&mut state, first.step);
            for (i, tables) in tables.iter().enumerate().take(xs.len()) {
                let Some(out) = out.get_mut(at + i * vectors) else {
                    cannot_happen!("there is a row of outputs for each gradient");
                    continue;
                };
                s.store(s.add(s.load(out), look_up_group(s, tables, words)), out);
            }
        }
        offset += taken as u64;
        done += taken;
    }
}

/// [`next_group`], a whole group by vectors.
#[inline(always)]
fn next_group_of_vectors<S: Simd, T: Element>(
    s: S,
    offset: u64,
    scale: f32,
    x: &[T],
) -> Option<([f32; GROUP], u64, &[T])> {
    let Some((now, later)) = x.split_first_chunk::<GROUP>().filter(|_| offset.is_multiple_of(GROUP as u64))
    else {
        return next_group(offset, scale, x);
    };
    let mut inputs = [0.0; GROUP];
    for (input, x) in inputs.as_chunks_mut::<16>().0.iter_mut().zip(now.as_chunks().0) {
        s.store(s.mul(s.splat(scale), T::load(s, x)), input);
    }
    Some((inputs, offset / GROUP as u64, later))
}

/// The sums of eight tables, looked up with the nibbles of `words`, as a tree.
#[inline(always)]
fn look_up_group<S: Simd>(s: S, tables: &[S::F; 8], words: S::F) -> S::F {
    let [a, b, c, d, e, f, g, h] = *tables;
    let low = s.add(
        s.add(s.look_up_odd::<0>(a, words), s.look_up_odd::<4>(b, words)),
        s.add(s.look_up_odd::<8>(c, words), s.look_up_odd::<12>(d, words)),
    );
    let high = s.add(
        s.add(s.look_up_odd::<16>(e, words), s.look_up_odd::<20>(f, words)),
        s.add(s.look_up_odd::<24>(g, words), s.look_up_odd::<28>(h, words)),
    );
    s.add(low, high)
}

/// The signs of a nibble's four bits as lanes of ±1: lane *n* of the *b*-th is −1 where
/// bit *b* of *n* is set.
struct Signs<S: Simd>([S::F; 4]);

impl<S: Simd> Signs<S> {
    #[inline(always)]
    fn new(s: S) -> Self {
        const LANES: [[f32; 16]; 4] = {
            let mut lanes = [[1.0; 16]; 4];
            let mut n = 0;
            while n < 64 {
                if ((n % 16) >> (n / 16)) & 1 == 1 {
                    lanes[n / 16][n % 16] = -1.0;
                }
                n += 1;
            }
            lanes
        };
        Self([s.load(&LANES[0]), s.load(&LANES[1]), s.load(&LANES[2]), s.load(&LANES[3])])
    }

    /// The signed sums of each four: products with ±1 are exact, so they may be fused.
    #[inline(always)]
    fn tables(&self, s: S, inputs: &[f32; GROUP]) -> [S::F; 8] {
        let mut tables = [s.splat(0.0); 8];
        for (table, [a, b, c, d]) in tables.iter_mut().zip(inputs.as_chunks::<4>().0) {
            let sum = s.mul(s.splat(*a), self.0[0]);
            let sum = s.mul_exact_add(s.splat(*b), self.0[1], sum);
            let sum = s.mul_exact_add(s.splat(*c), self.0[2], sum);
            *table = s.mul(s.add(sum, s.splat(*d)), self.0[3]);
        }
        tables
    }
}
