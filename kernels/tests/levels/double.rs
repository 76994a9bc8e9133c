//! Sums, updates and outer products in `f64`.

use crate::inputs::{kinds, numbers};
use gradsieve_kernels::double::{add_dots_with, add_outers_with, add_rows_with, axpy_with, dot_with};
use gradsieve_kernels::matrix::{Part, PartMut};
use gradsieve_kernels::{Level, spec};

crate::claims! {
    wide_dot_products_have_the_bits_of_the_definition
    wide_updates_have_the_bits_of_the_definition
    outer_products_are_added_in_the_order_of_their_rows
    dot_products_of_many_vectors_are_those_of_each
    rows_are_added_as_one_after_the_other
}

/// Bits, with one pattern for every NaN.
fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
}

fn doubles(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x) / 3.0).collect()
}

fn wide_dot_products_have_the_bits_of_the_definition(level: Level) {
    for kind in kinds() {
        for len in [0, 1, 7, 8, 9, 31, 64, 513] {
            let (x, y) = (doubles(&numbers::<f32>(kind, 1, len)), numbers::<f32>(kind, 2, len));
            let found = [dot_with(level, &x, &y).unwrap(), dot_with(level, &x, &doubles(&y)).unwrap()];
            let expected = [spec::double::dot(&x, &y), spec::double::dot(&x, &doubles(&y))];
            assert_eq!(bits(&found), bits(&expected), "{kind:?} {len}");
        }
    }
}

fn wide_updates_have_the_bits_of_the_definition(level: Level) {
    for kind in kinds() {
        for len in [0, 1, 7, 8, 9, 31, 64, 513] {
            let x = numbers::<f32>(kind, 1, len);
            let mut found = doubles(&numbers::<f32>(kind, 2, len));
            let mut expected = found.clone();
            axpy_with(level, 0.7, &x, &mut found).unwrap();
            spec::double::axpy(0.7, &x, &mut expected);
            assert_eq!(bits(&found), bits(&expected), "{kind:?} {len}");
        }
    }
}

fn outer_products_are_added_in_the_order_of_their_rows(level: Level) {
    for kind in kinds() {
        for (k, rows) in [(0, 3), (1, 1), (3, 4), (8, 9), (17, 2), (33, 5), (64, 8)] {
            let x = numbers::<f32>(kind, 1, k * rows);
            let weights: Vec<f64> = (0..rows).map(|r| 1.0 / (1 + r) as f64).collect();
            let mut found = doubles(&numbers::<f32>(kind, 2, k * (k + 1) / 2));
            let mut expected = found.clone();
            add_outers_with(level, &weights, k, &x, &mut found).unwrap();
            spec::double::add_outers(&weights, k, &x, &mut expected);
            assert_eq!(bits(&found), bits(&expected), "{kind:?} {k} columns, {rows} rows");
        }
    }
}

fn dot_products_of_many_vectors_are_those_of_each(level: Level) {
    for kind in kinds() {
        for (k, vectors, rows) in [(1, 1, 1), (7, 4, 4), (8, 5, 9), (31, 3, 2), (64, 9, 4), (257, 4, 5)] {
            let (x, y) = (numbers::<f32>(kind, 1, k * vectors), numbers::<f32>(kind, 2, k * rows));
            let x = doubles(&x);
            let mut found = doubles(&numbers::<f32>(kind, 3, vectors * rows));
            let mut expected = found.clone();
            // Vectors that are a part of longer ones.
            let longer: Vec<f64> = x.chunks(k).flat_map(|x| [&[7.0], x, &[9.0]].concat()).collect();
            let part = Part::new(&longer, k + 2, 1, k).unwrap();
            add_dots_with(level, part, Part::whole(&y, k).unwrap(), &mut found).unwrap();
            spec::double::add_dots(k, &x, &y, &mut expected);
            assert_eq!(bits(&found), bits(&expected), "{kind:?} {k} {vectors} {rows}");
        }
    }
}

fn rows_are_added_as_one_after_the_other(level: Level) {
    for kind in kinds() {
        let shapes = [(1, 1, 1), (7, 4, 2), (8, 9, 4), (31, 2, 5), (64, 8, 9), (257, 16, 6), (300, 5, 4)];
        for (k, rows, vectors) in shapes {
            let x = numbers::<f32>(kind, 1, k * rows);
            let weights: Vec<f64> = (0..rows * vectors).map(|r| 1.0 / (1 + r) as f64).collect();
            let before = doubles(&numbers::<f32>(kind, 2, k * vectors));
            let mut expected = before.clone();
            spec::double::add_rows(k, &weights, &x, &mut expected);
            // Vectors that are a part of longer ones.
            let longer =
                |y: &[f64]| y.chunks(k).flat_map(|y| [&[7.0], y, &[9.0]].concat()).collect::<Vec<_>>();
            let mut found = longer(&before);
            let y = PartMut::new(&mut found, k + 2, 1, k).unwrap();
            add_rows_with(level, &weights, Part::whole(&x, k).unwrap(), y).unwrap();
            assert_eq!(bits(&found), bits(&longer(&expected)), "{kind:?} {k} {rows} {vectors}");
        }
    }
}
