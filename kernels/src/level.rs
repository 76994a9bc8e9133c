//! Which instruction sets this machine has.
//!
//! A [`Level`] is a token: a value other than [`Level::SCALAR`] exists only where the
//! machine was found to have every feature that it names. On x86-64 a detector looks; it
//! is ours and small, because it has to work without `std` and the crates for that lack
//! several of the features (F16C, VNNI, BF16). Elsewhere the target says it all when the
//! crate is compiled: NEON is part of every 64-bit Arm, and a WebAssembly module uses
//! 128-bit vectors or not.

use crate::error::Error;

/// An instruction set level that this machine has. Results do not depend on it; speed
/// does.
///
/// ```
/// use gradsieve_kernels::{Level, dot_with};
///
/// let (x, y, widest) = ([1.0_f32, 2.0], [3.0_f32, 4.0], Level::best());
/// assert_eq!(dot_with(widest, &x, &y)?, dot_with(Level::SCALAR, &x, &y)?);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(pub(crate) Isa);

/// The levels of this architecture by name, in rising order of width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Isa {
    Scalar = 0,
    #[cfg(target_arch = "x86_64")]
    Avx2 = 1,
    #[cfg(target_arch = "x86_64")]
    Avx512 = 2,
    #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
    Neon = 3,
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128 = 4,
}

impl Level {
    /// The scalar forms, which every machine can run.
    pub const SCALAR: Self = Self(Isa::Scalar);

    /// Every level that this crate knows by name, on whatever architecture, and whether
    /// or not this machine has it:
    ///
    /// | name | where | what |
    /// |---|---|---|
    /// | `scalar` | everywhere | forms without vectors |
    /// | `avx2` | x86-64 | AVX2, FMA, F16C and BMI2 |
    /// | `avx512` | x86-64 | AVX-512 F, BW, DQ and VL |
    /// | `neon` | 64-bit Arm, little-endian | NEON, as in the first ARMv8-A |
    /// | `simd128` | WebAssembly | 128-bit vectors, if the module is compiled for them |
    pub const NAMES: [&'static str; 5] = ["scalar", "avx2", "avx512", "neon", "simd128"];

    /// The environment variable that chooses a level by name, where the feature `std` is
    /// on.
    pub const VARIABLE: &'static str = "GRADSIEVE_LEVEL";

    /// The level that every kernel takes unless it is told another: the widest of this
    /// machine; or, with the feature `std`, the one that [`Level::VARIABLE`] names. A
    /// name that this machine has no level for is passed over here: a program should ask
    /// `Level::wished` at its start, and refuse it.
    ///
    /// Found once and then remembered in one byte, so that a call costs a load and a
    /// comparison. The byte is the only global of the crate; it is written with plain
    /// atomic stores (no compare-and-swap), and racing writers write the same value.
    /// Where target and features leave nothing to find out, there is no byte.
    #[inline]
    #[must_use]
    pub fn best() -> Self {
        choice::best()
    }

    /// The level that the environment variable [`Level::VARIABLE`] names; `None` if it is
    /// unset or empty.
    ///
    /// # Errors
    /// [`Error::Level`] if this machine does not have it or no level has that name.
    #[cfg(feature = "std")]
    pub fn wished() -> Result<Option<Self>, Error> {
        let _ = choice::best();
        choice::wished()
    }

    /// The level called `name`.
    ///
    /// # Errors
    /// [`Error::Level`] if this machine does not have it or no level has that name (see
    /// [`Level::NAMES`]).
    pub fn named(name: &str) -> Result<Self, Error> {
        Self::available().find(|level| level.name() == name).ok_or(Error::Level)
    }

    /// The levels of this machine, [`Level::SCALAR`] first and the widest last, whatever
    /// is wished for. Looks at the machine anew.
    pub fn available() -> impl Iterator<Item = Self> {
        // So that what else was found out is known to whoever holds a level.
        let _ = choice::best();
        levels()
    }

    /// The name that [`Level::named`] takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Isa::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
            Isa::Neon => "neon",
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Simd128 => "simd128",
        }
    }
}

/// The levels of this machine, by looking at it.
fn levels() -> impl Iterator<Item = Level> {
    let widest = detect::widest();
    detect::ALL.into_iter().filter(move |&isa| isa <= widest).map(Level)
}

/// Whether this machine has AVX-512 VNNI, which some kernels of that level use where it
/// is there.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_vnni() -> bool {
    choice::vnni()
}

/// Whether this machine has AVX-512 VPOPCNTDQ, likewise.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_vpopcntdq() -> bool {
    choice::vpopcntdq()
}

/// Whether this machine has AVX-512 VBMI and VNNI, likewise.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_vbmi() -> bool {
    choice::vbmi()
}

/// The choice, where the target alone decides.
#[cfg(not(any(target_arch = "x86_64", feature = "std")))]
mod choice {
    use super::{Level, detect};

    #[inline]
    pub(super) fn best() -> Level {
        Level(detect::widest())
    }
}

/// The choice, where something has to be found out, and its one byte.
#[cfg(any(target_arch = "x86_64", feature = "std"))]
mod choice {
    #[cfg(feature = "std")]
    use super::{Error, levels};
    use super::{Isa, Level, detect};
    use core::sync::atomic::{AtomicU8, Ordering};

    /// Not looked yet.
    const UNKNOWN: u8 = 0x1F;
    /// Set, beside the level, on a machine that has AVX-512 VNNI. Whoever holds a level
    /// finds the byte written: by his thread, or by one whose levels he was given; should
    /// he not see it yet, he is slower and no less right.
    const VNNI: u8 = 0x40;
    /// Likewise, on one that has AVX-512 VPOPCNTDQ.
    const VPOPCNTDQ: u8 = 0x80;
    /// Likewise, on one that has AVX-512 VBMI and VNNI.
    const VBMI: u8 = 0x20;
    static BEST: AtomicU8 = AtomicU8::new(UNKNOWN);

    #[inline]
    pub(super) fn best() -> Level {
        const SCALAR: u8 = Isa::Scalar as u8;
        match BEST.load(Ordering::Relaxed) & !(VNNI | VPOPCNTDQ | VBMI) {
            SCALAR => Level(Isa::Scalar),
            #[cfg(target_arch = "x86_64")]
            1 => Level(Isa::Avx2),
            #[cfg(target_arch = "x86_64")]
            2 => Level(Isa::Avx512),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
            3 => Level(Isa::Neon),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            4 => Level(Isa::Simd128),
            _ => look(),
        }
    }

    #[cold]
    fn look() -> Level {
        let widest = detect::widest();
        let best = wish().unwrap_or(Level(widest));
        #[cfg(target_arch = "x86_64")]
        let beside = {
            let found = detect::beside(widest).into_iter().zip([VNNI, VPOPCNTDQ, VBMI]);
            found.fold(0, |beside, (has, bit)| if has { beside | bit } else { beside })
        };
        #[cfg(not(target_arch = "x86_64"))]
        let beside = 0;
        BEST.store(best.0 as u8 | beside, Ordering::Relaxed);
        best
    }

    /// Whether the machine has VNNI. False until a level was looked for.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(super) fn vnni() -> bool {
        BEST.load(Ordering::Relaxed) & VNNI != 0
    }

    /// Whether the machine has VPOPCNTDQ. False until a level was looked for.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(super) fn vpopcntdq() -> bool {
        BEST.load(Ordering::Relaxed) & VPOPCNTDQ != 0
    }

    /// Whether the machine has VBMI and VNNI. False until a level was looked for.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(super) fn vbmi() -> bool {
        BEST.load(Ordering::Relaxed) & VBMI != 0
    }

    #[cfg(feature = "std")]
    pub(super) fn wished() -> Result<Option<Level>, Error> {
        let Some(name) = std::env::var_os(Level::VARIABLE).filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let found = levels().find(|level| name == level.name());
        found.map(Some).ok_or(Error::Level)
    }

    #[cfg(feature = "std")]
    fn wish() -> Option<Level> {
        wished().ok().flatten()
    }

    #[cfg(not(feature = "std"))]
    fn wish() -> Option<Level> {
        None
    }
}

#[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
mod detect {
    use super::Isa;

    pub(super) const ALL: [Isa; 2] = [Isa::Scalar, Isa::Neon];

    #[inline]
    pub(super) fn widest() -> Isa {
        Isa::Neon
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod detect {
    use super::Isa;

    pub(super) const ALL: [Isa; 2] = [Isa::Scalar, Isa::Simd128];

    #[inline]
    pub(super) fn widest() -> Isa {
        Isa::Simd128
    }
}

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
    all(target_arch = "wasm32", target_feature = "simd128"),
)))]
mod detect {
    use super::Isa;

    pub(super) const ALL: [Isa; 1] = [Isa::Scalar];

    #[inline]
    pub(super) fn widest() -> Isa {
        Isa::Scalar
    }
}

#[cfg(target_arch = "x86_64")]
mod detect {
    use super::Isa;
    use core::arch::x86_64::{__cpuid_count, _xgetbv, CpuidResult};

    pub(super) const ALL: [Isa; 3] = [Isa::Scalar, Isa::Avx2, Isa::Avx512];

    /// Whether a machine of this widest level has AVX-512 VNNI, whether VPOPCNTDQ, and
    /// whether VBMI beside VNNI.
    pub(super) fn beside(widest: Isa) -> [bool; 3] {
        const VBMI: u32 = 1 << 1;
        const VNNI: u32 = 1 << 11;
        const VPOPCNTDQ: u32 = 1 << 14;
        let found = if widest == Isa::Avx512 { leaf(7).ecx } else { 0 };
        [VNNI, VPOPCNTDQ, VBMI | VNNI].map(|all| found & all == all)
    }

    /// Bits of CPUID and XCR0, by the vendors' manuals.
    pub(super) fn widest() -> Isa {
        const FMA: u32 = 1 << 12;
        const OSXSAVE: u32 = 1 << 27;
        const F16C: u32 = 1 << 29;
        const AVX2_BMI2: u32 = 1 << 5 | 1 << 8;
        const AVX512_F_DQ_BW_VL: u32 = 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31;
        const XMM_YMM: u64 = 0b110;
        const ZMM: u64 = 0b1110_0000;

        if leaf(0).eax < 7 {
            return Isa::Scalar;
        }
        let first = leaf(1).ecx;
        if first & (FMA | OSXSAVE | F16C) != FMA | OSXSAVE | F16C {
            return Isa::Scalar;
        }
        // SAFETY: OSXSAVE says that the operating system has enabled XGETBV.
        let saved = unsafe { saved_registers() };
        let seventh = leaf(7).ebx;
        if saved & XMM_YMM != XMM_YMM || seventh & AVX2_BMI2 != AVX2_BMI2 {
            return Isa::Scalar;
        }
        if saved & ZMM != ZMM || seventh & AVX512_F_DQ_BW_VL != AVX512_F_DQ_BW_VL {
            return Isa::Avx2;
        }
        Isa::Avx512
    }

    /// What CPUID says there.
    #[allow(unused_unsafe, reason = "the intrinsic is safe since Rust 1.94")]
    fn leaf(leaf: u32) -> CpuidResult {
        // SAFETY: every machine of this target has the instruction.
        unsafe { __cpuid_count(leaf, 0) }
    }

    /// Which register files the operating system saves (XCR0).
    #[target_feature(enable = "xsave")]
    fn saved_registers() -> u64 {
        // SAFETY: the feature is enabled for this function; register 0 always exists.
        unsafe { _xgetbv(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_found_by_their_names_and_only_by_those() {
        for level in Level::available() {
            assert_eq!(Level::named(level.name()), Ok(level));
            assert!(Level::NAMES.contains(&level.name()));
        }
        assert_eq!(Level::named("avx1024"), Err(Error::Level));
        assert_eq!(Level::available().next(), Some(Level::SCALAR));
        if cfg!(not(feature = "std")) {
            assert_eq!(Level::available().last(), Some(Level::best()));
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_detector_agrees_with_the_standard_library() {
        extern crate std;
        use std::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("fma") && has!("f16c") && has!("bmi2");
        let avx512 = avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
        assert_eq!(Level::named("avx2").is_ok(), avx2);
        assert_eq!(Level::named("avx512").is_ok(), avx512);
        assert_eq!(has_vnni(), avx512 && has!("avx512vnni"));
        assert_eq!(has_vpopcntdq(), avx512 && has!("avx512vpopcntdq"));
        assert_eq!(has_vbmi(), has_vnni() && has!("avx512vbmi"));
    }
}
