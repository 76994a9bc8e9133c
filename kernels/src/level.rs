//! Which instruction sets this machine has.
//!
//! A [`Level`] is a witness: a value other than [`Level::SCALAR`] exists only where the machine was found to have
//! every feature that it names. The detector is ours and small, because it has to work without `std` and the
//! crates for that lack several of the features (F16C, VNNI, BF16).

use crate::error::Error;

/// An instruction set level that this machine has. Results do not depend on it; speed does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(pub(crate) Isa);

/// The levels by name, in rising order of width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Isa {
    Scalar = 0,
    #[cfg(target_arch = "x86_64")]
    Avx2 = 1,
    #[cfg(target_arch = "x86_64")]
    Avx512 = 2,
}

impl Level {
    /// The scalar text itself, which every machine can run.
    pub const SCALAR: Self = Self(Isa::Scalar);

    /// Every level that this crate knows by name, in rising order of width, whether or not this machine has it:
    /// `scalar`; `avx2` (with FMA, F16C and BMI2); `avx512` (F, BW, DQ and VL).
    pub const NAMES: [&'static str; 3] = ["scalar", "avx2", "avx512"];

    /// The widest level of this machine, found once and then remembered in one byte.
    ///
    /// Costs a load and a comparison. The byte is the only global of the crate; it is written with plain atomic
    /// stores (no compare-and-swap), and racing writers write the same value.
    #[inline]
    #[must_use]
    pub fn best() -> Self {
        detect::best()
    }

    /// The level called `name`.
    ///
    /// # Errors
    /// [`Error::Level`] if this machine does not have it or no level has that name (see [`Level::NAMES`]).
    pub fn named(name: &str) -> Result<Self, Error> {
        Self::available().find(|level| level.name() == name).ok_or(Error::Level)
    }

    /// The levels of this machine, [`Level::SCALAR`] first and [`Level::best`] last.
    pub fn available() -> impl Iterator<Item = Self> {
        let best = Self::best();
        detect::ALL.into_iter().map(Self).filter(move |&level| level <= best)
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
        }
    }
}

/// Whether this machine has AVX-512 VNNI, which some words of that level use where it is there.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_vnni() -> bool {
    detect::vnni()
}

#[cfg(not(target_arch = "x86_64"))]
mod detect {
    use super::{Isa, Level};

    pub(super) const ALL: [Isa; 1] = [Isa::Scalar];

    #[inline]
    pub(super) fn best() -> Level {
        Level::SCALAR
    }
}

#[cfg(target_arch = "x86_64")]
mod detect {
    use super::{Isa, Level};
    use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    use core::sync::atomic::{AtomicU8, Ordering};

    pub(super) const ALL: [Isa; 3] = [Isa::Scalar, Isa::Avx2, Isa::Avx512];

    /// Not looked yet.
    const UNKNOWN: u8 = u8::MAX;
    /// The level AVX-512 on a machine that has VNNI too. Whoever holds that level finds this byte written: by his thread, or by one whose
    /// levels he was given; should he not see it yet, he is slower and no less right.
    const AVX512_VNNI: u8 = 3;
    static BEST: AtomicU8 = AtomicU8::new(UNKNOWN);

    #[inline]
    pub(super) fn best() -> Level {
        match BEST.load(Ordering::Relaxed) {
            0 => Level(Isa::Scalar),
            1 => Level(Isa::Avx2),
            2 | AVX512_VNNI => Level(Isa::Avx512),
            _ => look(),
        }
    }

    #[cold]
    fn look() -> Level {
        let best = ask();
        let vnni = best == Isa::Avx512 && __cpuid_count(7, 0).ecx & VNNI != 0;
        BEST.store(if vnni { AVX512_VNNI } else { best as u8 }, Ordering::Relaxed);
        Level(best)
    }

    /// Whether the machine has VNNI besides the level AVX-512. False until a level was looked for.
    #[inline]
    pub(super) fn vnni() -> bool {
        BEST.load(Ordering::Relaxed) == AVX512_VNNI
    }

    /// The bit of CPUID 7.0 ECX.
    const VNNI: u32 = 1 << 11;

    /// Bits of CPUID and XCR0, by the vendors' manuals.
    fn ask() -> Isa {
        const FMA: u32 = 1 << 12;
        const OSXSAVE: u32 = 1 << 27;
        const F16C: u32 = 1 << 29;
        const AVX2_BMI2: u32 = 1 << 5 | 1 << 8;
        const AVX512_F_DQ_BW_VL: u32 = 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31;
        const XMM_YMM: u64 = 0b110;
        const ZMM: u64 = 0b1110_0000;

        if __cpuid(0).eax < 7 {
            return Isa::Scalar;
        }
        let first = __cpuid(1).ecx;
        if first & (FMA | OSXSAVE | F16C) != FMA | OSXSAVE | F16C {
            return Isa::Scalar;
        }
        // SAFETY: OSXSAVE says that the operating system has enabled XGETBV.
        let saved = unsafe { saved_registers() };
        let seventh = __cpuid_count(7, 0).ebx;
        if saved & XMM_YMM != XMM_YMM || seventh & AVX2_BMI2 != AVX2_BMI2 {
            return Isa::Scalar;
        }
        if saved & ZMM != ZMM || seventh & AVX512_F_DQ_BW_VL != AVX512_F_DQ_BW_VL {
            return Isa::Avx2;
        }
        Isa::Avx512
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
        assert_eq!(Level::available().last(), Some(Level::best()));
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
    }
}
