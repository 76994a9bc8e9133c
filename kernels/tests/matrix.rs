//! Small matrices: every level of this machine gives the bits of plain loops over the
//! crate's own dot, or over plain floats.

use gradsieve_kernels::matrix::{
    Part, PartMut, add_outer_with, add_products_of_with, add_products_with, matvec_with, product_of_with,
    product_with, scale_add_with,
};
use gradsieve_kernels::{Element, Error, Level, dot_with};
use gradsieve_vectors::input::{KINDS, Kind, value};
use half::{bf16, f16};

fn numbers<T: Element>(kind: Kind, seed: u64, n: usize) -> Vec<T> {
    (0..n as u64).map(|i| T::narrow(value(kind, seed, i))).collect()
}

/// Bits, with every NaN made one.
fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }).collect()
}

/// Calls `claim` for each level and kind.
fn each(mut claim: impl FnMut(Level, Kind)) {
    for name in Level::NAMES {
        match Level::named(name) {
            Ok(level) => KINDS.into_iter().for_each(|kind| claim(level, kind)),
            Err(_) => eprintln!("skipped: this machine has no {name}"),
        }
    }
}

fn products<T: Element, U: Element>(level: Level, kind: Kind) {
    for (rows, others, columns) in [(0, 3, 5), (1, 1, 1), (3, 2, 17), (5, 7, 64), (9, 6, 131), (4, 5, 4170)] {
        let (a, b) = (numbers::<T>(kind, 1, rows * columns), numbers::<U>(kind, 2, others * columns));
        let mut expected = Vec::new();
        for a in a.chunks(columns) {
            for b in b.chunks(columns) {
                expected.push(dot_with(Level::SCALAR, a, b).unwrap() as f32);
            }
        }
        let mut out = vec![7.0; rows * others];
        product_with(level, columns, &a, &b, &mut out).unwrap();
        assert_eq!(bits(&out), bits(&expected), "{level:?} {kind:?} {rows}×{columns}, {others}");
        let (Some(b), Some(rows)) = (b.get(..columns), out.get_mut(..rows)) else { continue };
        matvec_with(level, &a, b, rows).unwrap();
        let first: Vec<f32> = expected.iter().step_by(others).copied().collect();
        assert_eq!(bits(rows), bits(&first));
    }
}

#[test]
fn entries_of_products_are_canonical_dots() {
    each(|level, kind| {
        products::<f32, f32>(level, kind);
        products::<f16, f32>(level, kind);
        products::<bf16, bf16>(level, kind);
    });
}

#[test]
fn updates_add_rounded_products_in_order() {
    each(|level, kind| {
        for k in (0..40).chain([64, 100]) {
            let x = numbers::<f32>(kind, 3, k);
            let mut found = numbers::<f32>(kind, 4, k * (k + 1) / 2);
            let mut expected = found.clone();
            let mut place = 0;
            for i in 0..k {
                for j in 0..=i {
                    expected[place] += (-0.3 * x[i]) * x[j];
                    place += 1;
                }
            }
            add_outer_with(level, -0.3, &x, &mut found).unwrap();
            assert_eq!(bits(&found), bits(&expected), "{level:?} {kind:?} {k}");
        }
        for (batch, rows, columns) in
            [(0, 0, 0), (1, 3, 4), (5, 4, 16), (8, 17, 33), (35, 19, 50), (3, 0, 5), (3, 5, 0)]
        {
            let (u, v) = (numbers::<f32>(kind, 5, batch * rows), numbers::<f32>(kind, 6, batch * columns));
            let mut found = numbers::<f32>(kind, 7, rows * columns);
            let mut expected = found.clone();
            for b in 0..batch {
                for i in 0..rows {
                    for j in 0..columns {
                        expected[i * columns + j] += u[b * rows + i] * v[b * columns + j];
                    }
                }
            }
            add_products_with(level, batch, &u, &v, &mut found).unwrap();
            assert_eq!(bits(&found), bits(&expected), "{level:?} {kind:?} {batch}: {rows}×{columns}");
            updates_from::<f16>(level, kind, batch, &u, columns);
            updates_from::<bf16>(level, kind, batch, &u, columns);
        }
        for n in 0..70 {
            let x = numbers::<f16>(kind, 8, n);
            let mut found = numbers::<f32>(kind, 9, n);
            let expected: Vec<f32> =
                found.iter().zip(&x).map(|(y, x)| 0.9 * y + -1.7 * Element::widen(*x)).collect();
            scale_add_with(level, -1.7, &x, 0.9, &mut found).unwrap();
            assert_eq!(bits(&found), bits(&expected), "{level:?} {kind:?} {n}");
        }
    });
}

/// An update by small formats is that by what they widen to.
fn updates_from<T: Element>(level: Level, kind: Kind, batch: usize, u: &[f32], columns: usize) {
    let v = numbers::<T>(kind, 6, batch * columns);
    let wide: Vec<f32> = v.iter().map(|v| v.widen()).collect();
    let mut found = numbers::<f32>(kind, 7, u.len().checked_div(batch).unwrap_or(0) * columns);
    let mut expected = found.clone();
    add_products_with(level, batch, u, &wide, &mut expected).unwrap();
    add_products_with(level, batch, u, &v, &mut found).unwrap();
    assert_eq!(bits(&found), bits(&expected), "{level:?} {kind:?} {} {batch}: {columns}", T::NAME);
}

#[test]
fn some_columns_of_matrices_are_as_good_as_matrices() {
    each(|level, kind| {
        // Columns 3..3 + k of rows of 3 + k + 2.
        let (rows, others, k, stride) = (9, 6, 40, 45);
        let take = |x: &[f32], columns: usize, stride: usize| -> Vec<f32> {
            x.chunks(stride).flat_map(|row| row[3..3 + columns].to_vec()).collect()
        };
        let (a, b) = (numbers::<f32>(kind, 1, rows * stride), numbers::<f32>(kind, 2, others * stride));
        let mut expected = vec![0.0; rows * others];
        product_with(level, k, &take(&a, k, stride), &take(&b, k, stride), &mut expected).unwrap();
        let mut out = vec![7.0; rows * (others + 5)];
        let part = |x| Part::new(x, stride, 3, k).unwrap();
        let to = PartMut::new(&mut out, others + 5, 3, others).unwrap();
        product_of_with(level, part(&a), part(&b), to).unwrap();
        assert_eq!(bits(&take(&out, others, others + 5)), bits(&expected), "{level:?} {kind:?}");
        assert_eq!(out.iter().filter(|&&x| x == 7.0).count(), rows * 5, "nothing beside the columns");

        let v = numbers::<f32>(kind, 3, rows * stride);
        let mut expected = vec![0.5; k * k];
        add_products_with(level, rows, &take(&a, k, stride), &take(&v, k, stride), &mut expected).unwrap();
        let mut m = vec![0.5; k * stride];
        let to = PartMut::new(&mut m, stride, 3, k).unwrap();
        add_products_of_with(level, part(&a), part(&v), to).unwrap();
        assert_eq!(bits(&take(&m, k, stride)), bits(&expected), "{level:?} {kind:?}");
        assert!(m.chunks(stride).all(|row| row[..3] == [0.5; 3] && row[43..] == [0.5; 2]));
    });
}

#[test]
fn shapes_that_do_not_fit_are_refused_and_nothing_is_written() {
    let mut out = [7.0_f32; 6];
    let (a, level) = ([1.0_f32; 6], Level::best());
    assert_eq!(
        product_with(level, 4, &a, &a, &mut out),
        Err(Error::Length { expected: 4, found: 6 }),
        "rows that are not whole"
    );
    assert_eq!(product_with(level, 3, &a, &a, &mut out), Err(Error::Length { expected: 4, found: 6 }));
    assert_eq!(product_with(level, 0, &a, &a, &mut out), Err(Error::Length { expected: 0, found: 6 }));
    assert_eq!(matvec_with(level, &a, &a[..2], &mut out), Err(Error::Length { expected: 3, found: 6 }));
    assert_eq!(add_outer_with(level, 1.0, &a, &mut out), Err(Error::Length { expected: 21, found: 6 }));
    assert_eq!(add_products_with(level, 3, &a, &a, &mut out), Err(Error::Length { expected: 4, found: 6 }));
    assert_eq!(
        add_products_with(level, 0, &a, &[0.0_f32; 0], &mut out),
        Err(Error::Length { expected: 0, found: 6 })
    );
    assert_eq!(
        scale_add_with(level, 1.0, &a[..5], 1.0, &mut out),
        Err(Error::Length { expected: 5, found: 6 })
    );
    assert_eq!(Part::whole(&a, 4).err(), Some(Error::Length { expected: 4, found: 6 }));
    for (stride, first, columns) in [(3, 0, 0), (3, 1, 3), (0, 0, 1), (3, usize::MAX, 2)] {
        assert!(matches!(Part::new(&a, stride, first, columns), Err(Error::Width { .. })));
        assert!(PartMut::new(&mut out, stride, first, columns).is_err());
    }
    let (two, three) = (|| Part::whole(&a, 2).unwrap(), || Part::whole(&a, 3).unwrap());
    for columns in [2, 6] {
        let to = PartMut::whole(&mut out, columns).unwrap();
        assert!(product_of_with(level, three(), three(), to).is_err());
        let to = PartMut::whole(&mut out, columns).unwrap();
        assert!(add_products_of_with(level, two(), three(), to).is_err());
    }
    let to = PartMut::whole(&mut out, 2).unwrap();
    assert!(product_of_with(level, two(), three(), to).is_err());
    assert_eq!(out, [7.0; 6]);
}
