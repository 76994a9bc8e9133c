//! Which projection, and what can be set of it.

use crate::key::gradsieve_key;
use crate::sketch::{kind, repeat};
use crate::status::Refusal;
use gradsieve::{Factor, Kind, ProjectorSettings, Widths};

/// The whole gradient as it is: the sketch is the gradient.
pub const GRADSIEVE_PROJECTION_EXACT: u32 = 0;
/// Sparse Johnson-Lindenstrauss transform: the default. Widths are multiples of 32.
pub const GRADSIEVE_PROJECTION_SJLT: u32 = 1;
/// Dense signs, made on the fly: the least variance, and the most time. Widths are
/// multiples of 16.
pub const GRADSIEVE_PROJECTION_RADEMACHER: u32 = 2;
/// Dense normal numbers, made on the fly. Widths are multiples of 32.
pub const GRADSIEVE_PROJECTION_GAUSSIAN: u32 = 3;
/// Signs, a Hadamard transform by blocks of 1,024 coordinates, and an SJLT.
pub const GRADSIEVE_PROJECTION_SRHT: u32 = 4;
/// Most blocks of 32 coordinates dropped, the rest through an SJLT.
pub const GRADSIEVE_PROJECTION_MASK: u32 = 5;
/// Both factors of the largest layer projected; the other layers through an SJLT or as
/// they are.
pub const GRADSIEVE_PROJECTION_LOGRA: u32 = 6;
/// Some entries of both factors of the largest layer kept, and an SJLT of their product;
/// the other layers through an SJLT or as they are.
pub const GRADSIEVE_PROJECTION_FACTGRASS: u32 = 7;
/// An equal share of the numbers for each layer.
pub const GRADSIEVE_PROJECTION_LAYERS: u32 = 8;
/// Both factors of each layer folded by hashed signs.
pub const GRADSIEVE_PROJECTION_KRONECKER: u32 = 9;

const _: () = assert!(
    GRADSIEVE_PROJECTION_EXACT == Kind::Exact as u32
        && GRADSIEVE_PROJECTION_SJLT == Kind::Sjlt as u32
        && GRADSIEVE_PROJECTION_RADEMACHER == Kind::Rademacher as u32
        && GRADSIEVE_PROJECTION_GAUSSIAN == Kind::Gaussian as u32
        && GRADSIEVE_PROJECTION_SRHT == Kind::Srht as u32
        && GRADSIEVE_PROJECTION_MASK == Kind::Mask as u32
        && GRADSIEVE_PROJECTION_LOGRA == Kind::Logra as u32
        && GRADSIEVE_PROJECTION_FACTGRASS == Kind::FactGrass as u32
        && GRADSIEVE_PROJECTION_LAYERS == Kind::Plan as u32
        && GRADSIEVE_PROJECTION_KRONECKER == Kind::Kronecker as u32
);

/// The factors of GRADSIEVE_PROJECTION_LOGRA go through signs: widths are multiples of
/// 16.
pub const GRADSIEVE_FACTOR_RADEMACHER: u32 = 0;
/// The factors of GRADSIEVE_PROJECTION_LOGRA go through normal numbers: widths are
/// multiples of 32.
pub const GRADSIEVE_FACTOR_GAUSSIAN: u32 = 1;

/// A projection with all that can be set of it. Begin with
/// gradsieve_sketcher_settings_default; what a projection does not have stays as it is
/// there.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_sketcher_settings {
    /// What it is drawn by. Default: the public seed 0.
    pub key: gradsieve_key,
    /// K: numbers a sketch. Where layers share them out it is the most that there may be;
    /// GRADSIEVE_PROJECTION_EXACT does not read it.
    pub width: usize,
    /// Widths of the factors of LOGRA, or entries of the factors that FACTGRASS keeps:
    /// for the outputs and for the inputs. Default: both 0, which is the widest that fit,
    /// and half of the entries.
    pub outputs_width: usize,
    /// The same for the inputs.
    pub inputs_width: usize,
    /// One of GRADSIEVE_PROJECTION_…. Default: SJLT.
    pub projection: u32,
    /// Places that each coordinate goes to, of SJLT, MASK and FACTGRASS: 1, 2 or 4.
    /// Default: 1.
    pub repeat: u32,
    /// One block of 32 coordinates in so many is kept, of MASK: at most 65535. Default:
    /// 8.
    pub every: u32,
    /// One of GRADSIEVE_FACTOR_…, of LOGRA. Default: RADEMACHER.
    pub factor: u32,
}

impl gradsieve_sketcher_settings {
    pub(super) fn core(&self) -> Result<ProjectorSettings, Refusal> {
        let every = u16::try_from(self.every).ok().filter(|&every| every > 0);
        let factor = match self.factor {
            GRADSIEVE_FACTOR_RADEMACHER => Factor::Rademacher,
            GRADSIEVE_FACTOR_GAUSSIAN => Factor::Gaussian,
            _ => return Err(Refusal::setting("factor", "one of GRADSIEVE_FACTOR_…")),
        };
        let widths = Widths { outputs: self.outputs_width, inputs: self.inputs_width };
        Ok(ProjectorSettings {
            kind: kind(self.projection)?,
            width: self.width,
            key: self.key.core(),
            repeat: repeat(self.repeat)?,
            every: every.ok_or(Refusal::setting("every", "from 1 to 65535"))?,
            factor,
            widths: (widths != Widths { outputs: 0, inputs: 0 }).then_some(widths),
        })
    }
}

/// An SJLT of the given width and public seed 0: what settings begin with.
#[unsafe(no_mangle)]
pub extern "C" fn gradsieve_sketcher_settings_default(width: usize) -> gradsieve_sketcher_settings {
    let ProjectorSettings { kind, repeat, every, factor, .. } = ProjectorSettings::DEFAULT;
    gradsieve_sketcher_settings {
        key: gradsieve_key { seed: 0, secret: [0; 16], is_secret: 0 },
        width,
        outputs_width: 0,
        inputs_width: 0,
        projection: kind as u32,
        repeat: repeat.count() as u32,
        every: every.into(),
        factor: factor as u32,
    }
}
