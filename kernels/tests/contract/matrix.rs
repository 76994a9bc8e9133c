//! Small matrices: what they refuse.

use gradsieve_kernels::matrix::{
    Part, PartMut, add_outer_with, add_products_of_with, add_products_with, matvec_with, product_of_with,
    product_with, scale_add_with,
};
use gradsieve_kernels::{Error, Level};

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
