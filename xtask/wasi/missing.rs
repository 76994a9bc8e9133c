//! Two calls that Rust's library names and Debian's older C library lacks. There are no
//! threads: both refuse (`ENOTSUP`).
#![no_std]

#[unsafe(no_mangle)]
pub extern "C" fn pthread_join(_: usize, _: *mut *mut u8) -> i32 {
    58
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_detach(_: usize) -> i32 {
    58
}
