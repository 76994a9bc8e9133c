//! What every image has: an entry point, a panic handler, and inputs that the optimiser
//! knows nothing of.
#![no_std]

pub use core::hint::black_box;
pub use half::{bf16, f16};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Memory of a length that the optimiser does not know.
pub fn lent<T>() -> &'static mut [T] {
    let (address, length) = black_box((core::mem::align_of::<T>(), 0));
    // SAFETY: an empty slice at an address that is aligned; only the optimiser cannot see
    // that it is empty.
    unsafe { core::slice::from_raw_parts_mut(address as *mut T, length) }
}

/// The entry point of an image, which makes these calls.
#[macro_export]
macro_rules! image {
    ($($call:expr;)*) => {
        /// The entry point.
        #[unsafe(no_mangle)]
        pub extern "C" fn _start() -> ! {
            $(let _ = $crate::black_box($call);)*
            loop {}
        }
    };
}
