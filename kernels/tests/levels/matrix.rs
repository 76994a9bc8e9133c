//! Products and updates of small matrices.

use crate::inputs::{Kind, kinds, numbers};
use crate::outputs::{defined, floats};
use gradsieve_kernels::Level;
use gradsieve_kernels::matrix::{
    Part, PartMut, add_outer_with, add_products_of_with, add_products_with, matvec_with, product_of_with,
    product_with, scale_add_with,
};
use gradsieve_kernels::spec::{self, Format};
use half::{bf16, f16};

crate::claims! {
    products_have_the_bits_of_the_definition
    outer_products_are_added_to_a_triangle_as_defined
    products_of_a_batch_are_added_in_its_order
    scaled_vectors_are_added_as_defined
    some_columns_of_matrices_are_as_good_as_matrices
}

const SHAPES: [(usize, usize, usize); 13] = [
    (0, 3, 5),
    (1, 1, 1),
    (3, 2, 17),
    (3, 2, 0),
    (4, 4, 64),
    (5, 7, 64),
    (8, 8, 1024),
    (9, 6, 131),
    (4, 4, 1025),
    (2, 2, 2048),
    (4, 5, 4170),
    (70, 3, 600),
    (33, 17, 20),
];

fn product<T: Format, U: Format>(level: Level, kind: Kind) {
    for (rows, others, columns) in SHAPES {
        let (a, b) = (numbers::<T>(kind, 1, rows * columns), numbers::<U>(kind, 2, others * columns));
        // Rows without entries cannot be counted.
        let entries = vec![7.0; if columns == 0 { 6 } else { rows * others }];
        let found = floats(&entries, |out| product_with(level, columns, &a, &b, out));
        let expected = defined(&entries, |out| spec::matrix::product(columns, &a, &b, out));
        assert_eq!(found, expected, "{kind:?} {}·{} {rows}×{columns}, {others}", T::NAME, U::NAME);

        let (x, entries) = (&b[..columns.min(b.len())], vec![7.0; rows]);
        let found = floats(&entries, |out| matvec_with(level, &a, x, out));
        assert_eq!(
            found,
            defined(&entries, |out| spec::matrix::matvec(&a, x, out)),
            "{kind:?} {rows}×{columns}"
        );
    }
}

fn products_have_the_bits_of_the_definition(level: Level) {
    for kind in kinds() {
        product::<f32, f32>(level, kind);
        product::<f16, f32>(level, kind);
        product::<bf16, bf16>(level, kind);
        product::<f32, f16>(level, kind);
        product::<f16, f16>(level, kind);
    }
}

fn outer_products_are_added_to_a_triangle_as_defined(level: Level) {
    for kind in kinds() {
        for k in (0..40).chain([64, 100]) {
            let (x, start) = (numbers::<f32>(kind, 3, k), numbers::<f32>(kind, 4, k * (k + 1) / 2));
            let found = floats(&start, |c| add_outer_with(level, -0.3, &x, c));
            assert_eq!(found, defined(&start, |c| spec::matrix::add_outer(-0.3, &x, c)), "{kind:?} {k}");
        }
    }
}

fn updates<T: Format>(level: Level, kind: Kind) {
    let shapes = [
        (0, 0, 0),
        (1, 3, 4),
        (5, 4, 16),
        (8, 17, 33),
        (35, 19, 50),
        (70, 8, 40),
        (33, 9, 160),
        (3, 0, 5),
        (3, 5, 0),
    ];
    for (batch, rows, columns) in shapes {
        let (u, v) = (numbers::<f32>(kind, 5, batch * rows), numbers::<T>(kind, 6, batch * columns));
        let start = numbers::<f32>(kind, 7, rows * columns);
        let found = floats(&start, |m| add_products_with(level, batch, &u, &v, m));
        let expected = defined(&start, |m| spec::matrix::add_products(batch, &u, &v, m));
        assert_eq!(found, expected, "{kind:?} {} {batch}: {rows}×{columns}", T::NAME);
    }
}

fn products_of_a_batch_are_added_in_its_order(level: Level) {
    for kind in kinds() {
        updates::<f32>(level, kind);
        updates::<f16>(level, kind);
        updates::<bf16>(level, kind);
    }
}

fn scaled<T: Format>(level: Level, kind: Kind, n: usize) {
    let (x, y) = (numbers::<T>(kind, 8, n), numbers::<f32>(kind, 9, n));
    let found = floats(&y, |y| scale_add_with(level, -1.7, &x, 0.9, y));
    assert_eq!(found, defined(&y, |y| spec::matrix::scale_add(-1.7, &x, 0.9, y)), "{kind:?} {} {n}", T::NAME);
}

fn scaled_vectors_are_added_as_defined(level: Level) {
    for (kind, n) in kinds().flat_map(|kind| (0..70).map(move |n| (kind, n))) {
        scaled::<f32>(level, kind, n);
        scaled::<f16>(level, kind, n);
        scaled::<bf16>(level, kind, n);
    }
}

/// Columns 3..3 + k of rows of k + 5.
fn some_columns_of_matrices_are_as_good_as_matrices(level: Level) {
    let (rows, others, k, stride) = (9, 6, 40, 45);
    let take = |x: &[f32], columns: usize, stride: usize| -> Vec<f32> {
        x.chunks(stride).flat_map(|row| row[3..3 + columns].to_vec()).collect()
    };
    for kind in kinds() {
        let (a, b) = (numbers::<f32>(kind, 1, rows * stride), numbers::<f32>(kind, 2, others * stride));
        let part = |x| Part::new(x, stride, 3, k).unwrap();
        let mut out = vec![7.0; rows * (others + 5)];
        let to = PartMut::new(&mut out, others + 5, 3, others).unwrap();
        product_of_with(level, part(&a), part(&b), to).unwrap();
        let entries = vec![7.0; rows * others];
        let expected = defined(&entries, |entries| {
            spec::matrix::product(k, &take(&a, k, stride), &take(&b, k, stride), entries);
        });
        assert_eq!(defined(&take(&out, others, others + 5), |_| ()), expected, "{kind:?}");
        assert!(out.chunks(others + 5).all(|row| row[..3] == [7.0; 3] && row[3 + others..] == [7.0; 2]));

        let v = numbers::<f32>(kind, 3, rows * stride);
        let mut m = vec![0.5; k * stride];
        let to = PartMut::new(&mut m, stride, 3, k).unwrap();
        add_products_of_with(level, part(&a), part(&v), to).unwrap();
        let expected = defined(&vec![0.5; k * k], |m| {
            spec::matrix::add_products(rows, &take(&a, k, stride), &take(&v, k, stride), m);
        });
        assert_eq!(defined(&take(&m, k, stride), |_| ()), expected, "{kind:?}");
        assert!(m.chunks(stride).all(|row| row[..3] == [0.5; 3] && row[43..] == [0.5; 2]));
    }
}
