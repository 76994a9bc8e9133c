//! What makes no sense is refused by name and changes nothing.

use super::*;

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let g = normals(51, 4);
    let (mut one, mut two) = ([0.0; 64], [0.0; 64]);
    let foreign = [1, 2].map(|seed| sjlt(64, seed, Repeat::One));
    let (a, b) = (sketch(foreign[0], &g, &mut one), sketch(foreign[1], &g, &mut two));

    let mut ensemble = IpEnsemble::new();
    assert!(matches!(ensemble.observe(&a, &b), Err(Error::Mismatch(_))));
    assert_eq!(ensemble, IpEnsemble::new());

    let mut memory = [0.0; 64];
    let mut retrac = ReTrac::new(64, &mut memory).unwrap();
    retrac.observe(&a).unwrap();
    assert!(matches!(retrac.observe(&b), Err(Error::Mismatch(_))));
    assert_eq!(retrac.observe(&row(&g)), Err(Error::Length { expected: 64, found: 4 }));
    assert_eq!(retrac.count(), 1);
    let mut memory = [0.0; 4];
    let empty = ReTrac::new(4, &mut memory).unwrap();
    assert_eq!(retrac.score(&empty), Err(Error::TooFew { needed: 1, found: 0 }));

    let mut memory = [0.0; 2];
    let mut shapley = InRunShapley::new(&mut memory);
    let good = (0, row(&g));
    let nan = [f32::NAN; 4];
    let huge = [1e25; 4];
    for (batch, error) in [
        ([good, (2, row(&g))], Error::Length { expected: 2, found: 3 }),
        ([good, (1, row(&nan))], Error::NonFinite),
    ] {
        assert_eq!(shapley.observe_step(0.1, &row(&huge), None, &batch[..1]), Ok(()));
        let before = shapley.scores().to_vec();
        assert_eq!(shapley.observe_step(0.1, &row(&huge), None, &batch), Err(error));
        assert!(matches!(
            shapley.observe_step(f64::NAN, &row(&g), None, &batch[..1]),
            Err(Error::Setting { .. })
        ));
        assert_eq!(shapley.observe_step(0.1, &row(&g), Some(&a), &batch[..1]).map_err(|_| ()), Err(()));
        assert_eq!(shapley.scores(), before);
    }
    assert_eq!(shapley.score(2), Err(Error::Length { expected: 2, found: 3 }));

    let mut score = TrakScore::new();
    assert!(matches!(score.observe(1.0, 1.5), Err(Error::Setting { .. })));
    assert_eq!(score.observe(f64::NAN, 0.5), Err(Error::NonFinite));
    assert_eq!(score, TrakScore::new());
    let settings = TrakSettings { damping: 0.0, ..TrakSettings::new(4) };
    let mut memory = vec![0.0; settings.memory().f64s];
    let refused = Trak::new(TrakSettings { damping: -0.1, ..settings }, &mut memory);
    assert!(matches!(refused, Err(Error::Setting { name: "damping", .. })));
    let mut trak = Trak::new(settings, &mut memory).unwrap();
    trak.observe(&row(&[0.0; 4])).unwrap();
    assert_eq!(trak.fit(), Err(Error::NotPositiveDefinite));
    assert_eq!(trak.solve(&row(&g), &mut [0.0_f32; 4]).err(), Some(Error::NotFitted));

    let settings = LessSettings { width: 4, subtasks: 2 };
    let mut less = LessTargets::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
    assert_eq!(less.observe(2, &row(&g)), Err(Error::Group { groups: 2, found: 2 }));
    less.observe(0, &row(&g)).unwrap();
    assert_eq!(less.score(&row(&g), &mut [0.0; 2]), Err(Error::TooFew { needed: 1, found: 0 }));
    less.observe(1, &row(&[0.0; 4])).unwrap();
    let mut sums = [0.0; 2];
    let mut score = Less::new(&mut sums).unwrap();
    assert_eq!(score.score(), 0.0);
    assert!(matches!(score.observe(-1.0, &less, &row(&g)), Err(Error::Setting { .. })));
    assert_eq!(score.observe(1.0, &less, &row(&nan)), Err(Error::NonFinite));
    score.observe(0.5, &less, &row(&g)).unwrap();
    assert!(
        (score.score() - 1.0).abs() < 1e-6 && score.subtask(1) == Some(0.0) && score.subtask(2).is_none()
    );
    let [mut most, mut other] = [(); 2].map(|()| Less::new([0.0; 2]).unwrap());
    most.observe(f64::MAX, &less, &row(&g)).unwrap();
    other.observe(f64::MAX, &less, &row(&g)).unwrap();
    let range = Err(Error::Range { what: "the sum of weights" });
    assert_eq!((most.observe(f64::MAX, &less, &row(&g)), most.merge(&other)), (range, range));
    assert_eq!(most.score(), other.score());

    for (layers, index) in [(&[][..], 0), (&[(0, 2), (1, 3)], 1), (&[(0, 2), (3, 3)], 1), (&[(2, 5)], 0)] {
        let layer = |&(start, end): &(usize, usize)| DataInfLayer::new(start..end);
        let mut layers: Vec<DataInfLayer> = layers.iter().map(layer).collect();
        let settings = DataInfSettings { layers: layers.len(), ..DataInfSettings::new(4) };
        assert_eq!(DataInf::new(settings, &mut layers).err(), Some(Error::Layer { index }));
    }
    let mut layers = [DataInfLayer::new(0..4)];
    let settings = DataInfSettings::new(4);
    let refused = DataInf::new(DataInfSettings { damping: 0.0, ..settings }, &mut layers);
    assert!(matches!(refused, Err(Error::Setting { name: "damping", .. })));
    let mut datainf = DataInf::new(settings, &mut layers).unwrap();
    assert_eq!(datainf.fit(), Err(Error::TooFew { needed: 1, found: 0 }));
    datainf.observe(&row(&[0.0; 4])).unwrap();
    assert_eq!(datainf.fit(), Err(Error::NotPositiveDefinite));
    assert_eq!(datainf.observe(&row(&nan)), Err(Error::NonFinite));
    datainf.observe(&row(&g)).unwrap();
    let mut memory = vec![0.0; settings.memory().f32s];
    assert_eq!(datainf.solver(1, &mut memory).err(), Some(Error::NotFitted));
    datainf.fit().unwrap();
    let mut pass = datainf.solver(1, &mut memory).unwrap();
    assert_eq!(pass.observe(&row(&g)), Err(Error::TooFew { needed: 1, found: 0 }));
    pass.target(&row(&g)).unwrap();
    assert_eq!(pass.target(&row(&g)), Err(Error::Length { expected: 1, found: 2 }));
    pass.observe(&row(&g)).unwrap();
    assert_eq!(pass.target(&row(&g)), Err(Error::InPass));
    assert_eq!(pass.end_pass().err(), Some(Error::Length { expected: 2, found: 1 }));
    assert_eq!(pass.targets().err(), Some(Error::NotFitted));

    assert_eq!(Targets::new(id(4), &[1.0; 6]).err(), Some(Error::Length { expected: 4, found: 6 }));
    assert_eq!(Targets::new(id(4), &nan).err(), Some(Error::NonFinite));
    let targets = Targets::new(id(4), &g).unwrap();
    assert!(matches!(targets.score_rows(&a.id, &[0.0; 8], &mut [0.0; 2]), Err(Error::Mismatch(_))));
    assert!(matches!(targets.score_rows(&id(4), &[0.0; 7], &mut [0.0; 2]), Err(Error::Length { .. })));
    let mut scores = [0.0; 3];
    let stored = [1.0, 0.0, 0.0, 0.0, f32::NEG_INFINITY, 1.0, 0.0, f32::NAN, 0.0, 1.0, 0.0, 0.0];
    assert_eq!(targets.score_rows(&id(4), &stored, &mut scores), Ok(1));
    assert!(scores[0] == g[0] && scores[1].is_nan() && scores[2] == g[1]);
}

#[test]
fn adam_flags_what_is_not_finite_and_refuses_what_does_not_fit() {
    let layout = Layout::flat(3).unwrap();
    let feature = |gradient: &[f32]| {
        let mut memory = [0.0; 3];
        let mut sketcher = Sketcher::new(Exact::new(3), layout, &mut memory).unwrap();
        Adam::USUAL.segment(&mut sketcher, 0, gradient, &[0.1; 3], &[0.2; 3]).unwrap();
        let sketch = sketcher.finish().unwrap();
        (sketch.check_finite(), sketch.measures.non_finite)
    };
    assert_eq!(feature(&[1.0, 0.0, -1e10]), (Ok(()), 0));
    for wrong in [f32::NAN, f32::INFINITY, 1e30] {
        assert_eq!(feature(&[1.0, wrong, 0.0]), (Err(Error::NonFinite), 1));
    }
    let mut memory = [0.0; 3];
    let mut sketcher = Sketcher::new(Exact::new(3), layout, &mut memory).unwrap();
    let short = Adam::USUAL.segment(&mut sketcher, 0, &[1.0_f32; 3], &[0.0; 2], &[0.0; 3]);
    assert_eq!(short, Err(Error::Length { expected: 3, found: 2 }));
    let outside = Adam::USUAL.segment(&mut sketcher, 2, &[1.0_f32; 3], &[0.0; 3], &[0.0; 3]);
    assert_eq!(outside, Err(Error::OutsideLayout { end: 3, found: 5 }));
    assert_eq!(sketcher.finish().err(), Some(Error::Incomplete { expected: 3, found: 0 }));

    let usual = AdamSettings::default();
    for (bad, name) in [
        (AdamSettings { beta1: 1.0, ..usual }, "beta1"),
        (AdamSettings { beta2: f64::NAN, ..usual }, "beta2"),
        (AdamSettings { epsilon: 0.0, ..usual }, "epsilon"),
    ] {
        let refused = Adam::new(bad).err();
        assert!(matches!(refused, Some(Error::Setting { name: found, .. }) if found == name), "{refused:?}");
    }
    assert_eq!(Adam::new(usual), Ok(Adam::USUAL));

    let (mut first, mut second) = ([0.5_f32; 2], [0.25_f32; 2]);
    assert_eq!(Adam::USUAL.step(&[1.0_f32, f32::NAN], &mut first, &mut second), Err(Error::NonFinite));
    assert_eq!((first, second), ([0.5; 2], [0.25; 2]));
    Adam::USUAL.step(&[1.0_f32, -2.0], &mut first, &mut second).unwrap();
    assert!((first[1] - (0.45 - 0.2)).abs() < 1e-6 && (second[1] - (0.24975 + 0.004)).abs() < 1e-6);
}

#[test]
fn each_setting_that_makes_no_sense_is_named() {
    let usual = ConjugateGradientsSettings::new(3);
    for (bad, name) in [
        (ConjugateGradientsSettings { targets: 0, ..usual }, "targets"),
        (ConjugateGradientsSettings { damping: f32::NAN, ..usual }, "damping"),
        (ConjugateGradientsSettings { tolerance: 0.0, ..usual }, "tolerance"),
    ] {
        let refused = ConjugateGradients::new(bad, vec![0.0; bad.memory().f64s]).err();
        assert!(matches!(refused, Some(Error::Setting { name: found, .. }) if found == name), "{refused:?}");
    }
    let bad = LissaSettings { step: Some(-1.0), ..LissaSettings::new(3) };
    let refused = Lissa::new(bad, vec![0.0; bad.memory().f64s]).err();
    assert!(matches!(refused, Some(Error::Setting { name: "step", .. })));
}
