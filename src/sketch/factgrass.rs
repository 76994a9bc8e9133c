//! FactGraSS: of the factors of a linear layer's gradient b aᵀ some entries are kept, and
//! the small product of what is kept becomes K numbers by the blocked SJLT. O(k′_o·k′_i)
//! whatever the layer's size.
//!
//! A factor of *d* entries is cut into k′ runs, the first d mod k′ of them one longer
//! than the rest; of each run of *n* entries a hash of the key and the layer chooses
//! one, which is kept and multiplied by √n (rounded, as is the product). With k′ = d
//! nothing is left out or changed. The product of the kept entries is a matrix of k′_o ×
//! k′_i, of which entry (i, j) is coordinate i·k′_i + j of an SJLT
//! ([`mod@gradsieve_kernels::sjlt`]) whose key is the layer's, too. Panels of 128 × 128
//! kept entries are taken by rows of panels; in a panel, by rows.
//!
//! *Unbiased*: E⟨Sx, Sy⟩ = ⟨x, y⟩ over keys: each entry is kept with probability 1/n.
//! *Variance*, for outer products x = b aᵀ and y = d cᵀ: at most
//!
//! (N_i·N_o + E_i·E_o)/K + E_i·E_o − (a·c)²(b·d)², where for the inputs, with sums over
//! runs R of n entries, E_i = (a·c)² + Σ_R (n·Σ aⱼ²cⱼ² − (Σ aⱼcⱼ)²) and N_i = ‖a‖²‖c‖² +
//! Σ_R (n·Σ aⱼ²cⱼ² − Σaⱼ²·Σcⱼ²), and E_o, N_o the same of b and d.
//!
//! The first part is the SJLT's and falls with K. The rest is the masks', which no K
//! makes good: small where factors are dense, large where a few entries carry them. A
//! choice hits one of n entries with a probability that is off by less than n·2⁻³².
//!
//! *Cost* of an outer product: a hash for each kept entry of the two factors, and s
//! additions for each of the k′_o·k′_i products; a kilobyte of stack. k′_i is best a
//! multiple of 32, the SJLT's block. *Plain segments* of the layer's weights are taken,
//! too: a row that is not kept costs a hash, a row that is kept one for each kept column;
//! products are then rounded in another order.
//!
//! Source: GraSS (2025), which calls this form FactGraSS. There the kept entries are a
//! random subset; runs make it a pure function of a hash.

use super::id::SketchId;
use super::kind::Kind;
use super::logra::{RowPiece, check_in_layer, key_of_part, of_layer, root, row_pieces};
use super::projector::{Projector, scale};
use super::settings::{FromSettings, ProjectorSettings, Widths};
use crate::error::{Error, check_length};
use crate::gradient::{Layer, LayoutId};
use gradsieve_kernels::hash::{Stream, below, mix};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Certain, Fingerprint, Key};
use gradsieve_kernels::{Element, sjlt_scaled};

/// Separates this projection's keys from every other use of a key.
const STREAM: u64 = 0x4641_4354_4752_4153;

/// Kept entries of a factor that stand on the stack at a time: half a kilobyte.
const PANEL: usize = 128;

/// A FactGraSS projection of one linear layer: k′_o and k′_i entries of the factors are
/// kept, one of each run of neighbours, and the blocked SJLT of their product has K
/// numbers. O(k′_o·k′_i) an outer product, whatever the layer's size. For a model of
/// several layers see [`Plan`](super::Plan).
///
/// E⟨Sx, Sy⟩ = ⟨x, y⟩ over keys. To the SJLT's variance comes that of the choice, which
/// falls with k′ and not with K: with a layer of 1,024 × 1,024 and factors of normal
/// entries, k′ = 64 adds a relative variance of about 2/64 + 2/64 to a squared norm, as
/// much as [`Logra`](super::Logra)'s factors of that width.
///
/// ```
/// use gradsieve::{FactGrass, Key, Layer, Layout, Repeat, Sketcher, Widths};
///
/// let layer = Layer::new(0, 1024, 1024);
/// let kept = Widths { outputs: 64, inputs: 64 };
/// let projector = FactGrass::new(layer, kept, 256, Key::seed(7), Repeat::One)?;
/// let mut sketcher = Sketcher::new(projector, Layout::new(&[layer])?, [0.0_f32; 256])?;
/// sketcher.outer(&layer, &[0.5_f32; 1024], &[0.25_f32; 1024])?;
/// assert_eq!(sketcher.finish()?.measures.count, 1 << 20);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FactGrass {
    layer: Layer,
    key: Fingerprint,
    outputs: Mask,
    inputs: Mask,
    width: usize,
    kernel: gradsieve_kernels::Sjlt,
}

impl FactGrass {
    /// The projection of `layer` that keeps `kept.outputs` and `kept.inputs` entries of
    /// its factors and has `width` numbers.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of 32 times the
    /// repetitions; [`Error::Setting`] unless between one and all entries of each factor
    /// are kept, and the layer's widths fit in 32 bits.
    pub const fn new(
        layer: Layer,
        kept: Widths,
        width: usize,
        key: Key,
        repeat: Repeat,
    ) -> Result<Self, Error> {
        let kernel = gradsieve_kernels::Sjlt::new(key_of_part(key, STREAM, &layer, 2), repeat);
        if kernel.check_width(width).is_err() {
            return Err(Error::Width { multiple: kernel.multiple(), found: width });
        }
        match (
            Mask::new(layer.outputs, kept.outputs, key_of_part(key, STREAM, &layer, 0).words()),
            Mask::new(layer.inputs, kept.inputs, key_of_part(key, STREAM, &layer, 1).words()),
        ) {
            (Some(outputs), Some(inputs)) => {
                Ok(Self { layer, key: key.fingerprint(), outputs, inputs, width, kernel })
            }
            _ => Err(Error::Setting {
                name: "kept",
                expected: "from 1 to all of the layer's outputs and inputs",
            }),
        }
    }

    /// The layer whose gradients it projects.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// Entries that are kept of each factor.
    #[must_use]
    pub const fn kept(&self) -> Widths {
        Widths { outputs: self.outputs.kept as usize, inputs: self.inputs.kept as usize }
    }

    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The coordinate of the small product at which row `row` and column `column` of kept
    /// entries meet.
    fn coordinate(&self, row: u32, column: u32) -> u64 {
        u64::from(row) * u64::from(self.inputs.kept) + u64::from(column)
    }
}

/// Which entries of a factor are kept: one of each run.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mask {
    words: Stream,
    kept: u32,
    /// Entries of a short run, and how many runs are one longer.
    short: u32,
    longer: u32,
    /// √ of the lengths of a short and of a longer run.
    scales: [f32; 2],
}

/// One run of entries: its length, and the number of the entry that is kept of it.
struct Run {
    length: u32,
    chosen: u32,
}

impl Mask {
    const fn new(entries: u64, kept: usize, words: Stream) -> Option<Self> {
        if kept == 0 || kept as u64 > entries || entries > u32::MAX as u64 {
            return None;
        }
        let (entries, kept) = (entries as u32, kept as u32);
        let (short, longer) = (entries / kept, entries % kept);
        Some(Self {
            words,
            kept,
            short,
            longer,
            scales: [root(short) as f32, root(short.saturating_add(1)) as f32],
        })
    }

    fn run(&self, number: u32) -> Run {
        let longer = number < self.longer;
        let length = self.short + u32::from(longer);
        // Not above the factor's length.
        let first = number.wrapping_mul(self.short).wrapping_add(number.min(self.longer));
        let chosen = below(self.words.word(u64::from(number)) >> 32, 32, u64::from(length)) as u32;
        Run { length, chosen: first.wrapping_add(chosen) }
    }

    /// The run that an entry lies in.
    fn run_of(&self, entry: u32) -> u32 {
        let short = self.short.max(1);
        let in_longer = u64::from(self.longer) * (u64::from(short) + 1);
        if u64::from(entry) < in_longer {
            entry / short.saturating_add(1)
        } else {
            // Not below `in_longer`, which then fits.
            self.longer.wrapping_add((entry - in_longer as u32) / short)
        }
    }

    fn scale(&self, run: &Run) -> f32 {
        let [short, longer] = self.scales;
        if run.length > self.short { longer } else { short }
    }

    /// The kept entries of runs `from..from + panel.len()`, each times √n. `x` are the
    /// entries from `start` on; what is kept but not among them is 0.
    fn gather<T: Element>(&self, x: &[T], start: u32, from: u32, panel: &mut [f32]) {
        for (number, kept) in (from..).zip(panel) {
            let run = self.run(number);
            let at = run.chosen.checked_sub(start).and_then(|at| x.get(at as usize));
            *kept = at.map_or(0.0, |x| self.scale(&run) * x.widen());
        }
    }
}

impl FromSettings for FactGrass {
    const IS_FACTORED: bool = true;

    /// With the entries kept that are set, or half of each factor; as wide as fits.
    fn from_settings(settings: &ProjectorSettings, layer: &Layer) -> Result<Self, Error> {
        let half = |entries: u64| usize::try_from(entries.div_ceil(2)).unwrap_or(usize::MAX);
        let halves = Widths { outputs: half(layer.outputs), inputs: half(layer.inputs) };
        let multiple = gradsieve_kernels::Sjlt::new(settings.key, settings.repeat).multiple();
        let width = settings.width - settings.width.checked_rem(multiple).unwrap_or(0);
        Self::new(*layer, settings.widths.unwrap_or(halves), width, settings.key, settings.repeat)
    }
}

impl Projector for FactGrass {
    fn id(&self, layout: LayoutId) -> SketchId {
        let mut settings = of_layer(0, &self.layer);
        for kept in [self.outputs.kept, self.inputs.kept] {
            settings = mix(settings ^ u64::from(kept));
        }
        let (width, key, repeat) = (self.width, self.key, self.kernel.repeat());
        SketchId { kind: Kind::FactGrass, width, key, repeat, settings, layout }
    }

    fn width(&self) -> usize {
        self.width
    }

    fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        check_in_layer(&self.layer, offset, len)
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_length(self.width, out.len())?;
        let mut panel = [0.0; PANEL];
        for RowPiece { row, column, x } in row_pieces(&self.layer, offset, x)? {
            // The layer's widths fit in 32 bits.
            let (row, column) = (row as u32, column as u32);
            let number = self.outputs.run_of(row);
            let run = self.outputs.run(number);
            if run.chosen != row {
                continue;
            }
            let scale = scale * self.outputs.scale(&run);
            let mut from = self.inputs.run_of(column);
            let last = self.inputs.run_of(column.saturating_add((x.len() - 1) as u32));
            while from <= last {
                let length = PANEL.min((last - from) as usize + 1);
                let panel = panel.get_mut(..length).certain();
                self.inputs.gather(x, column, from, panel);
                sjlt_scaled(self.kernel, self.coordinate(number, from), scale, panel, out)?;
                from = from.saturating_add(length as u32);
            }
        }
        Ok(())
    }

    fn project_outer<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_length(self.width, out.len())?;
        self.is_factored(layer)?;
        let [rows, columns] = &mut [[0.0; PANEL]; 2];
        for row in (0..self.outputs.kept).step_by(PANEL) {
            let rows = rows.get_mut(..PANEL.min((self.outputs.kept - row) as usize)).certain();
            self.outputs.gather(b, 0, row, rows);
            for column in (0..self.inputs.kept).step_by(PANEL) {
                let length = PANEL.min((self.inputs.kept - column) as usize);
                let columns = columns.get_mut(..length).certain();
                self.inputs.gather(a, 0, column, columns);
                for (row, b) in (row..).zip(rows.iter()) {
                    sjlt_scaled(self.kernel, self.coordinate(row, column), *b, columns, out)?;
                }
            }
        }
        Ok(())
    }

    fn is_factored(&self, layer: &Layer) -> Result<bool, Error> {
        if *layer == self.layer { Ok(true) } else { Err(Error::LayerMismatch { index: 0 }) }
    }

    fn finish(&self, out: &mut [f32]) {
        let repeat = self.kernel.repeat();
        if repeat != Repeat::One {
            scale(repeat.scale(), out);
        }
    }
}
