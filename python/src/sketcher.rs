//! Gradients in, sketches out: written-out gradients, or the factors of a batch's layers.

use std::sync::OnceLock;
use std::thread;

use gradsieve::{
    AnyProjector, Error, Key, Kind, Layer, Layout, Part, Projector as _, ProjectorSettings, Summary,
};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn, PyUntypedArrayMethods as _};
use pyo3::prelude::*;

use crate::error::{told, wrong};
use crate::memory::zeros;
use crate::sketches::Sketches;

/// Numbers that are read for a batch before another thread is worth its start.
const PER_THREAD: usize = 1 << 17;

/// The machine's cores. Linux is asked by reading files, once.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Projects gradients to `dim` numbers each.
///
/// `layers` are the (outputs, inputs) of each layer's weight; they stand in the gradient
/// one after the other. A bias is the weight of one more input: a layer with 10 outputs,
/// 64 inputs and a bias is (10, 65).
///
/// `projection` is a name of the book's page on sketches, with its options: "kronecker"
/// folds the two factors of each layer, in time that grows with inputs + outputs; "sjlt"
/// and others take each entry of the gradient.
///
/// `seed` makes the projection one that anybody can make again. Without it, a secret key
/// is drawn: who does not know it cannot build gradients that the sketch does not see.
/// `key` is such a key, 16 bytes.
#[pyclass(module = "gradsieve", frozen)]
pub(crate) struct Sketcher {
    settings: ProjectorSettings,
    layers: Vec<Layer>,
    layout: Layout,
    key: [u8; 16],
    id: gradsieve::SketchId,
}

/// What arrives of a layer, for all samples of a batch.
enum Given<'a> {
    /// The factors: positions × inputs and positions × outputs a sample. Behind the
    /// inputs stands a 1, if the layer has one input more.
    Outer { layer: Layer, positions: usize, inputs: &'a [f32], deltas: &'a [f32] },
    /// The gradient itself.
    Whole { layer: Layer, gradient: &'a [f32] },
}

/// A batch: how many samples there are, and what gradients are multiplied by.
#[derive(Clone, Copy)]
struct Batch {
    samples: usize,
    scale: f32,
}

/// Room for what a sample's numbers become before they are sketched.
#[derive(Default)]
struct Scratch {
    scaled: Vec<f32>,
    with_ones: Vec<f32>,
}

impl Batch {
    /// The numbers times the scale.
    fn scaled<'a>(self, x: &'a [f32], memory: &'a mut Vec<f32>) -> &'a [f32] {
        if self.scale == 1.0 {
            return x;
        }
        memory.clear();
        memory.extend(x.iter().map(|x| x * self.scale));
        memory
    }
}

impl Sketcher {
    /// Sketches samples, as many at a time as the machine has cores.
    fn sketch(&self, of: Batch, given: &[Given<'_>]) -> Result<Sketches, Error> {
        let (width, samples) = (self.id.width, of.samples);
        let mut values = zeros(samples.saturating_mul(width))?;
        let mut measures: Vec<Summary> = zeros(samples)?;
        let read: usize = given.iter().map(|given| self.work(samples, given)).sum();
        let share = samples.div_ceil(cores().min(read / PER_THREAD + 1)).max(1);
        let rows = values.chunks_mut((share * width).max(1)).zip(measures.chunks_mut(share));
        thread::scope(|scope| {
            let mut rows = rows.enumerate();
            let own = rows.next();
            let threads: Vec<_> = rows
                .map(|(index, (values, measures))| {
                    scope.spawn(move || self.sketch_some(index * share, of, given, values, measures))
                })
                .collect();
            let own = own
                .map_or(Ok(()), |(_, (values, measures))| self.sketch_some(0, of, given, values, measures));
            threads.into_iter().fold(own, |done, thread| match thread.join() {
                Ok(more) => done.and(more),
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        Ok(Sketches { id: self.id, values, measures })
    }

    /// About how many numbers are read for what is given.
    fn work(&self, samples: usize, given: &Given<'_>) -> usize {
        match given {
            Given::Whole { gradient, .. } => gradient.len(),
            Given::Outer { inputs, deltas, .. } if self.settings.kind == Kind::Kronecker => {
                inputs.len() + deltas.len()
            }
            Given::Outer { layer, positions, .. } => {
                samples * positions * (layer.outputs * layer.inputs) as usize
            }
        }
    }

    /// Sketches the samples from `first` on, as many as there are measures.
    fn sketch_some(
        &self,
        first: usize,
        of: Batch,
        given: &[Given<'_>],
        values: &mut [f32],
        measures: &mut [Summary],
    ) -> Result<(), Error> {
        let mut parts = vec![Part::UNUSED; self.layers.len()];
        let projector = AnyProjector::new(&self.settings, &self.layers, &mut parts)?;
        let mut sketcher = gradsieve::Sketcher::allocated(projector, self.layout)?;
        let mut scratch = Scratch::default();
        let rows = values.chunks_exact_mut(self.id.width).zip(measures);
        for (sample, (row, summary)) in (first..).zip(rows) {
            for given in given {
                given.add(sample, of, &mut sketcher, &mut scratch)?;
            }
            let sketch = sketcher.finish()?;
            row.copy_from_slice(sketch.values);
            *summary = sketch.measures;
        }
        Ok(())
    }

    fn layer(&self, index: usize) -> PyResult<Layer> {
        let found = self.layers.get(index).copied();
        found.ok_or_else(|| wrong(format!("expected a layer below {}, found {index}", self.layers.len())))
    }
}

impl Given<'_> {
    /// Adds what a sample of so many has of the layer.
    fn add(
        &self,
        sample: usize,
        of: Batch,
        to: &mut gradsieve::Sketcher<AnyProjector<'_>, Vec<f32>>,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let own = |all: &'_ [f32]| {
            let len = all.len() / of.samples;
            sample * len..(sample + 1) * len
        };
        let Scratch { scaled, with_ones } = scratch;
        match self {
            Self::Whole { layer, gradient } => {
                to.segment(layer.offset, of.scaled(&gradient[own(gradient)], scaled))
            }
            Self::Outer { layer, positions, inputs, deltas } => {
                let (inputs, deltas) = (&inputs[own(inputs)], of.scaled(&deltas[own(deltas)], scaled));
                let width = inputs.len() / positions;
                match (positions, width as u64 == layer.inputs) {
                    (1, true) => to.outer(layer, inputs, deltas),
                    (1, false) => to.outer_biased(layer, inputs, deltas),
                    (_, true) => to.outer_sequence(layer, *positions, inputs, deltas),
                    (_, false) => {
                        with_ones.clear();
                        for position in inputs.chunks_exact(width) {
                            with_ones.extend_from_slice(position);
                            with_ones.push(1.0);
                        }
                        to.outer_sequence(layer, *positions, with_ones, deltas)
                    }
                }
            }
        }
    }
}

/// A batch's layer: its index, inputs (or its gradients), and the loss gradients of its
/// outputs.
type Arrived<'py> = (usize, PyReadonlyArrayDyn<'py, f32>, Option<PyReadonlyArrayDyn<'py, f32>>);

#[pymethods]
impl Sketcher {
    #[new]
    #[pyo3(signature = (layers, dim = 512, *, projection = "kronecker", seed = None, key = None))]
    fn new(
        layers: Vec<(u64, u64)>,
        dim: usize,
        projection: &str,
        seed: Option<u64>,
        key: Option<[u8; 16]>,
    ) -> PyResult<Self> {
        let mut bytes = [0; 16];
        let drawn = match (seed, key) {
            (Some(_), Some(_)) => return Err(wrong("expected a seed or a key, found both")),
            (Some(seed), None) => Key::seed(seed),
            (None, Some(given)) => {
                bytes = given;
                Key::secret(given)
            }
            (None, None) => {
                getrandom::fill(&mut bytes).map_err(|error| wrong(format!("no random key: {error}")))?;
                Key::secret(bytes)
            }
        };
        let mut end = 0;
        let layers: Vec<_> = layers
            .into_iter()
            .map(|(outputs, inputs)| {
                let layer = Layer::new(end, outputs, inputs);
                end = layer.offset.saturating_add(outputs.saturating_mul(inputs));
                layer
            })
            .collect();
        let settings = ProjectorSettings::parse(projection).map_err(told)?;
        let settings = ProjectorSettings { width: dim, key: drawn, ..settings };
        let layout = Layout::new(&layers).map_err(told)?;
        let mut parts = vec![Part::UNUSED; layers.len()];
        let projector = AnyProjector::new(&settings, &layers, &mut parts).map_err(told)?;
        let id = projector.id(layout.id());
        Ok(Self { settings, layers, layout, key: bytes, id })
    }

    /// Numbers of a sketch: at most those that were asked for.
    #[getter]
    fn dim(&self) -> usize {
        self.id.width
    }

    /// Coordinates of the gradient.
    #[getter]
    fn coordinates(&self) -> u64 {
        self.layout.len()
    }

    /// The public seed, or None if the key is secret.
    #[getter]
    fn seed(&self) -> Option<u64> {
        self.settings.key.public()
    }

    /// The secret key, or None if there is a public seed. Who has it can hide from the
    /// sketch.
    #[getter]
    fn key(&self) -> Option<[u8; 16]> {
        self.settings.key.public().is_none().then_some(self.key)
    }

    /// Sketches a batch from what its layers have: for each a tuple (layer, inputs,
    /// deltas), with arrays of float32 in C order.
    ///
    /// inputs: (samples, inputs) or (samples, positions, inputs); deltas: the same with
    /// outputs, the gradient of each sample's own loss by what came out of the layer. The
    /// sample's gradient is the sum over positions of delta inputᵀ. A layer with one
    /// input more than the array has a bias. Where deltas is None, inputs are the
    /// gradients of the layer's weight: (samples, outputs · inputs). Gradients are
    /// multiplied by `scale`.
    #[pyo3(signature = (layers, scale = 1.0))]
    fn factors(&self, py: Python<'_>, layers: Vec<Arrived<'_>>, scale: f32) -> PyResult<Sketches> {
        let samples = layers.first().and_then(|(_, inputs, _)| inputs.shape().first().copied()).unwrap_or(0);
        let mut given = Vec::new();
        for (index, inputs, deltas) in &layers {
            let layer = self.layer(*index)?;
            let shape = |expected: &str, found: &[usize]| {
                Err(wrong(format!("layer {index}: expected {expected}, found {found:?}")))
            };
            if inputs.shape().first() != Some(&samples) {
                return shape(&format!("{samples} samples, as layers before"), inputs.shape());
            }
            match deltas {
                None => {
                    let entries = layer.outputs.saturating_mul(layer.inputs);
                    if inputs.shape().iter().skip(1).product::<usize>() as u64 != entries {
                        return shape(&format!("gradients of shape ({samples}, {entries})"), inputs.shape());
                    }
                    given.push(Given::Whole { layer, gradient: inputs.as_slice()? });
                }
                Some(deltas) => {
                    let positions = match (inputs.shape(), deltas.shape()) {
                        ([a, _], [b, _]) if a == b => 1,
                        ([a, positions, _], [b, others, _]) if a == b && positions == others => *positions,
                        (_, found) => {
                            return shape(&format!("deltas that fit inputs of {:?}", inputs.shape()), found);
                        }
                    };
                    let ends =
                        [inputs, deltas].map(|array| array.shape().last().copied().unwrap_or(0) as u64);
                    let fits =
                        [layer.inputs, layer.inputs - 1].contains(&ends[0]) && ends[1] == layer.outputs;
                    if !fits || positions == 0 {
                        let expected = format!("{} inputs and {} outputs", layer.inputs, layer.outputs);
                        return shape(&expected, &[ends[0] as usize, ends[1] as usize]);
                    }
                    let (inputs, deltas) = (inputs.as_slice()?, deltas.as_slice()?);
                    given.push(Given::Outer { layer, positions, inputs, deltas });
                }
            }
        }
        let of = Batch { samples, scale };
        py.detach(|| self.sketch(of, &given)).map_err(told)
    }

    /// Sketches gradients as they are: (samples, coordinates), float32 in C order.
    fn gradients(&self, py: Python<'_>, gradients: PyReadonlyArray2<'_, f32>) -> PyResult<Sketches> {
        let &[samples, found] = gradients.shape() else { return Err(wrong("expected a matrix")) };
        if found as u64 != self.layout.len() {
            return Err(wrong(format!("expected gradients of {} entries, found {found}", self.layout.len())));
        }
        let whole =
            [Given::Whole { layer: Layer::new(0, self.layout.len(), 1), gradient: gradients.as_slice()? }];
        let of = Batch { samples, scale: 1.0 };
        py.detach(|| self.sketch(of, &whole)).map_err(told)
    }

    /// Sketches that this sketcher has made elsewhere, by rows: (samples, dim), float32.
    /// `squared_norms` (float64) are those of their gradients; without them those of the
    /// sketches stand for them.
    #[pyo3(signature = (values, squared_norms = None))]
    fn wrap(
        &self,
        values: PyReadonlyArray2<'_, f32>,
        squared_norms: Option<PyReadonlyArray1<'_, f64>>,
    ) -> PyResult<Sketches> {
        let &[samples, found] = values.shape() else { return Err(wrong("expected a matrix")) };
        if found != self.id.width {
            return Err(wrong(format!("expected sketches of {} numbers, found {found}", self.id.width)));
        }
        let values = values.as_slice()?.to_vec();
        let mut measures: Vec<_> =
            values.chunks_exact(found.max(1)).map(gradsieve_kernels::summarize).collect();
        if let Some(norms) = squared_norms {
            let norms = norms.as_slice()?;
            if norms.len() != samples {
                return Err(wrong(format!("expected {samples} squared norms, found {}", norms.len())));
            }
            measures.iter_mut().zip(norms).for_each(|(measures, norm)| measures.l2_squared = *norm);
        }
        Ok(Sketches { id: self.id, values, measures })
    }
}
