//! The one list of projections: number at rest, name, options and types.
//!
//! A new projection is a file of its own and a line of this list. [`Kind`],
//! [`AnyProjector`](super::AnyProjector) and [`ProjectorSettings`](super::ProjectorSettings)
//! are made from it.

/// Hands the list to the macro `$with`. A line says: kind, number at rest, name, the
/// options beside width and key in the order in which they are written, and the
/// projectors that make such sketches. The first of them is made from settings.
macro_rules! projections {
    ($with:ident) => {
        $with! {
            /// No projection: [`Exact`](super::Exact).
            Exact = 0, "exact" [] { Exact(Exact) }
            /// Blocked sparse Johnson–Lindenstrauss transform: [`Sjlt`](super::Sjlt).
            Sjlt = 1, "sjlt" [Repeat] { Sjlt(Sjlt) }
            /// Dense ±1 projection made on the fly: [`Rademacher`](super::Rademacher).
            Rademacher = 2, "rademacher" [] { Rademacher(Rademacher) }
            /// Dense normal projection made on the fly: [`Gaussian`](super::Gaussian).
            Gaussian = 3, "gaussian" [] { Gaussian(Gaussian) }
            /// Random signs and a Hadamard transform by blocks, then an SJLT:
            /// [`Srht`](super::Srht).
            Srht = 4, "srht" [] { Srht(Srht) }
            /// Most coordinates dropped, the rest through an SJLT: [`Mask`](super::Mask),
            /// [`IndexMask`](super::IndexMask).
            Mask = 5, "mask" [Every, Repeat] { Mask(Mask), IndexMask(IndexMask<'p, u32>) }
            /// Both factors of a linear layer projected: [`Logra`](super::Logra).
            Logra = 6, "logra" [Factor, Widths] { Logra(Logra) }
            /// Some entries of both factors kept, and the SJLT of their product:
            /// [`FactGrass`](super::FactGrass).
            FactGrass = 7, "factgrass" [Widths, Repeat] { FactGrass(FactGrass) }
            /// A projection for each layer: [`Plan`](super::Plan).
            Plan = 8, "layers" [] { Plan(Plan<'p>) }
            /// Both factors of each linear layer folded by hashed signs:
            /// [`Kronecker`](super::Kronecker).
            Kronecker = 9, "kronecker" [Widths] { Kronecker(Kronecker<1>) }
        }
    };
}
pub(super) use projections;

/// A setting that some projections have beside width and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// [`ProjectorSettings::every`](super::ProjectorSettings::every).
    Every,
    /// [`ProjectorSettings::repeat`](super::ProjectorSettings::repeat).
    Repeat,
    /// [`ProjectorSettings::factor`](super::ProjectorSettings::factor).
    Factor,
    /// [`ProjectorSettings::widths`](super::ProjectorSettings::widths).
    Widths,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $number:literal, $name:literal [$($choice:ident),*] $types:tt)*) => {
        /// The kinds of projection.
        ///
        /// Their numbers are part of the format at rest: none is ever used for another
        /// kind. Their names are what programs and settings call them.
        ///
        /// ```
        /// use gradsieve::Kind;
        ///
        /// let kind = Kind::from_name("sjlt").ok_or("no such projection")?;
        /// assert_eq!((kind, kind.name(), kind as u8), (Kind::Sjlt, "sjlt", 1));
        /// assert_eq!(Kind::from_number(1), Some(kind));
        /// # Ok::<(), &str>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $kind = $number,)*
        }

        impl Kind {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Their names, in the order of their numbers.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// What is expected where a name is not one of [`Kind::NAMES`].
            pub(super) const EXPECTED: &'static str = concat!("one of" $(, " ", $name)*);

            /// The kind of that number, if this version has it.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$kind),)*
                    _ => None,
                }
            }

            /// The kind of that name, if there is one.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$kind),)*
                    _ => None,
                }
            }

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// What can be set of it beside width and key.
            pub(super) const fn choices(self) -> &'static [Choice] {
                match self {
                    $(Self::$kind => &[$(Choice::$choice),*],)*
                }
            }
        }
    };
}

projections!(kinds);
