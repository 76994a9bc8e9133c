//! Claims about plans: a projection for each layer.

use crate::source::normals;
use gradsieve::{
    Error, Exact, FactGrass, Factor, Field, Key, Kind, Layer, Layout, Logra, Part, Plan, Projector,
    Rademacher, Repeat, Sjlt, Sketcher, Widths,
};
use proptest::prelude::*;

const LAYERS: [Layer; 5] = [
    Layer::new(3, 20, 30),
    Layer::new(603, 20, 1),
    Layer::new(650, 10, 20),
    Layer::new(850, 33, 7),
    Layer::new(1081, 5, 9),
];

fn parts(seed: u64) -> [Part<'static>; 5] {
    let widths = Widths { outputs: 16, inputs: 16 };
    let kept = Widths { outputs: 8, inputs: 10 };
    [
        Part::new(LAYERS[0], Logra::new(LAYERS[0], widths, Factor::Rademacher, Key::seed(seed)).unwrap()),
        Part::new(LAYERS[1], Exact::new(20)),
        Part::new(LAYERS[2], FactGrass::new(LAYERS[2], kept, 64, Key::seed(seed), Repeat::Two).unwrap()),
        Part::new(LAYERS[3], Sjlt::new(96, Key::seed(seed), Repeat::One).unwrap()),
        Part::new(LAYERS[4], Rademacher::new(32, Key::seed(seed)).unwrap()),
    ]
}

const WIDTHS: [usize; 5] = [256, 20, 64, 96, 32];

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// The numbers of one part's projector, alone.
fn alone(part: &Part<'_>, x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; part.projector.width()];
    let offset =
        if matches!(part.projector, gradsieve::AnyProjector::Exact(_)) { 0 } else { part.layer.offset };
    part.projector.project(offset, x, &mut out).unwrap();
    part.projector.finish(&mut out);
    out
}

proptest! {
    #[test]
    fn each_part_has_the_bits_of_its_projector_alone_also_where_segments_span_layers(seed: u64, cut in 604_usize..622) {
        let parts = parts(seed);
        let plan = Plan::new(&parts).unwrap();
        let x = normals(seed, 1126);
        let mut memory = vec![0.0; plan.width()];
        let mut sketcher = Sketcher::new(plan, plan.layout(), &mut memory).unwrap();
        // Three layers, from the last on; then the first and half of the second; then the
        // rest of that. Between is a gap.
        sketcher.segment(650, &x[650..]).unwrap();
        sketcher.segment(3, &x[3..cut]).unwrap();
        sketcher.segment(cut as u64, &x[cut..623]).unwrap();
        let sketch = sketcher.finish().unwrap();
        for (index, part) in parts.iter().enumerate() {
            let start = part.layer.offset as usize;
            let entries = (part.layer.outputs * part.layer.inputs) as usize;
            let expected = alone(part, &x[start..start + entries]);
            prop_assert_eq!(bits(plan.values(index, sketch.values).unwrap()), bits(&expected), "part {}", index);
        }
    }

    #[test]
    fn outer_products_and_sequences_go_to_the_part_of_their_layer(seed: u64, t in 1_usize..4) {
        let parts = parts(seed);
        let plan = Plan::new(&parts).unwrap();
        let mut memory = vec![0.0; plan.width()];
        let mut sketcher = Sketcher::new(plan, plan.layout(), &mut memory).unwrap();
        let factors = LAYERS.map(|layer| {
            (normals(seed ^ layer.offset, t * layer.inputs as usize), normals(!seed ^ layer.offset, t * layer.outputs as usize))
        });
        for (layer, (a, b)) in LAYERS.iter().zip(&factors).rev() {
            sketcher.outer_sequence(layer, t, a, b).unwrap();
        }
        let sketch = sketcher.finish().unwrap();
        for (index, (part, (a, b))) in parts.iter().zip(&factors).enumerate() {
            // Alone in a layout of its own, where `Exact` counts from the layer's first
            // coordinate.
            let exact = matches!(part.projector, gradsieve::AnyProjector::Exact(_));
            let layer = Layer { offset: if exact { 0 } else { part.layer.offset }, ..part.layer };
            let mut memory = vec![0.0; part.projector.width()];
            let mut sketcher = Sketcher::new(part.projector, Layout::new(&[layer]).unwrap(), &mut memory).unwrap();
            sketcher.outer_sequence(&layer, t, a, b).unwrap();
            let alone = sketcher.finish().unwrap();
            prop_assert_eq!(bits(plan.values(index, sketch.values).unwrap()), bits(alone.values), "part {}", index);
        }
        prop_assert_eq!(sketch.measures.count, 600 + 20 + 200 + 231 + 45);
    }
}

#[test]
fn parts_stand_side_by_side_in_the_order_of_layers() {
    let parts = parts(1);
    let plan = Plan::new(&parts).unwrap();
    assert_eq!(plan.width(), WIDTHS.iter().sum::<usize>());
    let mut start = 0;
    for (index, width) in WIDTHS.into_iter().enumerate() {
        assert_eq!(plan.part(index), Some(start..start + width));
        start += width;
    }
    assert_eq!(plan.part(5), None);
    let row = vec![0_u8; start];
    assert_eq!(plan.values(4, &row).map(<[u8]>::len), Some(32));
    assert_eq!(plan.values(4, &row[1..]), None, "not a row of this plan");
    assert_eq!(plan.layout(), Layout::new(&LAYERS).unwrap());
    assert_eq!(plan.parts().len(), 5);
}

#[test]
fn the_width_of_a_constant_plan_is_known_to_the_compiler() {
    const LAYER: Layer = Layer::new(0, 100, 200);
    const PARTS: [Part<'static>; 1] = [Part {
        layer: LAYER,
        projector: match Logra::new(
            LAYER,
            Widths { outputs: 16, inputs: 32 },
            Factor::Rademacher,
            Key::seed(7),
        ) {
            Ok(projector) => gradsieve::AnyProjector::Logra(projector),
            Err(_) => panic!(),
        },
    }];
    const K: usize = match Plan::new(&PARTS) {
        Ok(plan) => plan.width(),
        Err(_) => panic!(),
    };
    assert_eq!([0.0; K].len(), 512);
}

#[test]
fn an_error_names_the_layer_that_does_not_fit() {
    let good = parts(1);
    let with = |index: usize, part: Part| {
        let mut parts = good;
        parts[index] = part;
        Plan::new(&parts).err()
    };
    assert_eq!(with(1, Part::new(LAYERS[1], Exact::new(19))), Some(Error::LayerMismatch { index: 1 }));
    assert_eq!(with(2, Part { layer: LAYERS[2], ..good[0] }), Some(Error::LayerMismatch { index: 2 }));
    assert_eq!(
        with(2, Part { layer: Layer::new(650, 20, 10), ..good[2] }),
        Some(Error::LayerMismatch { index: 2 })
    );
    assert_eq!(with(3, Part { layer: Layer::new(849, 33, 7), ..good[3] }), Some(Error::Layer { index: 3 }));
    assert_eq!(Plan::new(&[]), Err(Error::Layer { index: 0 }));

    let plan = Plan::new(&good).unwrap();
    let mut memory = vec![0.0; plan.width()];
    let mut sketcher = Sketcher::new(plan, plan.layout(), &mut memory).unwrap();
    // The gradient of a layer that is another in the plan: turned, begun late, or in a
    // gap.
    for (layer, index) in
        [(Layer::new(850, 7, 33), 3), (Layer::new(1086, 4, 9), 4), (Layer::new(630, 2, 2), 2)]
    {
        let (a, b) = (vec![1.0; layer.inputs as usize], vec![1.0; layer.outputs as usize]);
        assert_eq!(sketcher.outer(&layer, &a, &b), Err(Error::LayerMismatch { index }));
        let twice = ([&a[..], &a].concat(), [&b[..], &b].concat());
        let found = sketcher.outer_sequence(&layer, 2, &twice.0, &twice.1);
        assert_eq!(found, Err(Error::LayerMismatch { index }));
    }
    // Coordinates that belong to no layer.
    assert_eq!(sketcher.segment(600, &[1.0; 30]), Err(Error::OutsideLayout { end: 623, found: 630 }));
    assert_eq!(sketcher.segment(0, &[1.0; 30]), Err(Error::OutsideLayout { end: 0, found: 30 }));
    assert_eq!(memory, vec![0.0; plan.width()]);
}

#[test]
fn plans_that_differ_in_anything_have_sketches_that_are_not_compared() {
    let good = parts(1);
    let plan = Plan::new(&good).unwrap();
    let id = plan.id(plan.layout().id());
    assert_eq!((id.kind, id.kind as u8, id.width), (Kind::Plan, 8, 468));
    let mut others = [good; 4];
    others[0] = parts(2);
    others[1][3] = Part::new(LAYERS[3], Sjlt::new(96, Key::seed(2), Repeat::One).unwrap());
    let kept = Widths { outputs: 8, inputs: 9 };
    others[2][2] =
        Part::new(LAYERS[2], FactGrass::new(LAYERS[2], kept, 64, Key::seed(1), Repeat::Two).unwrap());
    others[3][4] = Part::new(LAYERS[4], Sjlt::new(32, Key::seed(1), Repeat::One).unwrap());
    for other in &others {
        let other = Plan::new(other).unwrap();
        assert_eq!(id.check(&other.id(plan.layout().id())), Err(Error::Mismatch(Field::Settings)));
    }
}
