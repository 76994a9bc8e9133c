//! What every image has: an entry point, a panic handler, and inputs that the optimiser
//! knows nothing of; and the loop of those that a device links.
#![no_std]

use gradsieve::{
    Error, Groups, Guards, Key, Kronecker, Layer, Sieve, SieveSettings, Sketch, Sketcher, Verdict,
};

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

const LAYERS: [Layer; 2] = [Layer::new(0, 16, 25), Layer::new(400, 5, 17)];
const PROJECTOR: Result<Kronecker<2>, Error> = Kronecker::for_layers(&LAYERS, 32, Key::seed(1));
const SETTINGS: SieveSettings = SieveSettings {
    groups: Groups::Fixed(5),
    half_life: Some(1000),
    guards: Guards { duplicates: 0, ..Guards::ALL },
    ..SieveSettings::new(26)
};

/// What a device's loop has: a sketcher of two layers, and a sieve.
pub struct Loop {
    layers: [Layer; 2],
    sketcher: Sketcher<Kronecker<2>, &'static mut [f32]>,
    sieve: Sieve<&'static mut [i64]>,
}

impl Loop {
    /// In lent memory.
    ///
    /// # Errors
    /// Those of its parts.
    pub fn new() -> Result<Self, Error> {
        let sketcher = Sketcher::new(PROJECTOR?, PROJECTOR?.layout(), lent())?;
        Ok(Self { layers: black_box(LAYERS), sketcher, sieve: Sieve::new(SETTINGS, lent())? })
    }

    /// Sketches, judges and learns a sample.
    ///
    /// # Errors
    /// Those of its parts.
    pub fn sample(&mut self) -> Result<(Verdict, Sketch<'_>), Error> {
        for layer in self.layers.iter().rev() {
            self.sketcher.outer_biased(layer, lent::<f32>(), lent::<f32>())?;
        }
        let sketch = self.sketcher.finish()?.in_group(black_box(1)).with_loss(black_box(0.5));
        let verdict = self.sieve.judge(&sketch)?;
        self.sieve.observe(&sketch, &verdict)?;
        Ok((verdict, sketch))
    }
}
