//! Calls that Rust's library names and Debian's older C library lacks. There are no
//! threads: what would make or await one refuses (`ENOTSUP`). Attributes of threads are
//! accepted, as Rust's library expects.
#![no_std]

#[unsafe(no_mangle)]
pub extern "C" fn pthread_join(_: usize, _: *mut *mut u8) -> i32 {
    58
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_detach(_: usize) -> i32 {
    58
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_create(_: *mut usize, _: *const u8, _: *const u8, _: *mut u8) -> i32 {
    58
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_init(_: *mut u8) -> i32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_setstacksize(_: *mut u8, _: usize) -> i32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_destroy(_: *mut u8) -> i32 {
    0
}
