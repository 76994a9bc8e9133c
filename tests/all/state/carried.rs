//! A state of other settings carries over where they only say how scores are made, and
//! then is the state that would have been made with them.

use super::*;
use gradsieve::{Guards, Rate};

/// Observes the same sketches with two sets of settings. The state of the first, carried
/// over into a state of the second, has the bytes of the second.
fn carries<S: State>(new: impl Fn(bool) -> S, observe: impl Fn(&mut S), finish: impl Fn(&mut S)) {
    let (mut before, mut expected, mut carried) = (new(false), new(true), new(true));
    observe(&mut before);
    finish(&mut before);
    observe(&mut expected);
    let bytes = bytes_of(&before);
    assert_eq!(carried.restore(&bytes), Err(Error::Mismatch(Field::StateSettings)));
    carried.carry_over(&bytes).unwrap();
    assert_eq!(bytes_of(&carried), bytes_of(&expected));
    // And where nothing has changed it is a restored state.
    let mut same = new(false);
    same.carry_over(&bytes).unwrap();
    assert_eq!(bytes_of(&same), bytes);
}

fn sketches(values: &[f32]) -> impl Iterator<Item = Sketch<'_>> {
    values.chunks(K).map(sketch_of)
}

#[test]
fn a_direction_takes_more_groups() {
    let values = normals(5, 40 * K);
    for half_life in [None, Some(16)] {
        let new = |more| {
            let settings =
                DirectionSettings { half_life, ..DirectionSettings::new(if more { 5 } else { 3 }, K) };
            Direction::new(settings, vec![7; settings.memory().i64s]).unwrap()
        };
        let observe = |state: &mut Direction<Vec<i64>>| {
            for (i, sketch) in (0..).zip(sketches(&values)) {
                state.observe(&sketch.in_group(i % 3)).unwrap();
            }
        };
        carries(new, observe, |_| {});
        // What stood in the groups that are new is gone, and they can be observed.
        let (mut state, mut other) = (new(true), new(true));
        observe(&mut state);
        state.observe(&sketch_of(&values[..K]).in_group(4)).unwrap();
        let mut three = new(false);
        observe(&mut three);
        state.carry_over(&bytes_of(&three)).unwrap();
        observe(&mut other);
        assert_eq!(bytes_of(&state), bytes_of(&other));
        // Fewer have no place for what was observed of the others.
        assert_eq!(new(false).carry_over(&bytes_of(&state)), Err(Error::Mismatch(Field::StateSettings)));
    }
}

fn sieved(state: &mut Sieve<Vec<i64>>, groups: u32) {
    for (i, sketch) in (0..).zip(sketches(&normals(6, 200 * K))) {
        let sketch = sketch.in_group(i * 7 % groups).with_loss(0.5 + (i % 5) as f32);
        let verdict = state.judge(&sketch).unwrap();
        state.observe(&sketch, &verdict).unwrap();
    }
}

#[test]
fn a_sieve_takes_more_groups() {
    type Kind = fn(u32) -> Groups;
    for (groups, half_life) in
        [(Groups::Fixed as Kind, None), (Groups::Growing, Some(64)), (Groups::Growing, None)]
    {
        let new = |more| {
            let groups = groups(if more { 6 } else { 4 });
            let settings = SieveSettings { groups, half_life, ..SieveSettings::new(K) };
            Sieve::new(settings, vec![7; settings.memory().i64s]).unwrap()
        };
        carries(new, |state| sieved(state, 4), |_| {});
        let more = bytes_of(&new(true));
        assert_eq!(new(false).carry_over(&more), Err(Error::Mismatch(Field::StateSettings)));
    }
}

#[test]
fn a_sieve_that_learns_all_takes_another_rate_and_guards() {
    let of = |settings: SieveSettings| Sieve::new(settings, vec![7; settings.memory().i64s]).unwrap();
    let before = SieveSettings { learn_flagged: true, ..SieveSettings::new(K) };
    let mut old = of(before);
    sieved(&mut old, 1);
    let later = SieveSettings {
        rate: Rate::FalseDiscoveries(0.2),
        change: 0.001,
        guards: Guards { zero: false, short: false, ..before.guards },
        learn_flagged: false,
        warm_up: 32,
        groups: Groups::Fixed(2),
        ..before
    };
    let mut carried = of(later);
    assert_eq!(carried.restore(&bytes_of(&old)), Err(Error::Mismatch(Field::StateSettings)));
    carried.carry_over(&bytes_of(&old)).unwrap();
    assert_eq!((carried.settings(), carried.count()), (later, old.count()));
    // The settings are its own at rest, too, and it judges as the old one scores.
    assert_eq!(SieveSettings::read(&bytes_of(&carried)), Ok(later));
    let values = normals(9, K);
    let sketch = sketch_of(&values).in_group(0).with_loss(0.5);
    let guards = SieveSettings { guards: before.guards, ..later };
    let mut same_guards = of(guards);
    same_guards.carry_over(&bytes_of(&old)).unwrap();
    let (one, other) = (old.judge(&sketch).unwrap(), same_guards.judge(&sketch).unwrap());
    assert_eq!((one.p, one.score), (other.p, other.score));
}

#[test]
fn what_decides_what_the_numbers_mean_does_not_carry_over() {
    let of = |settings: SieveSettings| Sieve::new(settings, vec![0; settings.memory().i64s]).unwrap();
    let settings = SieveSettings::new(K);
    let bytes = bytes_of(&of(settings));
    let refused = |settings| of(settings).carry_over(&bytes).unwrap_err();
    let setting = Error::Mismatch(Field::StateSettings);
    assert_eq!(refused(SieveSettings { half_life: Some(50), ..settings }), setting);
    assert_eq!(refused(SieveSettings { loss: gradsieve::LossKind::Squared, ..settings }), setting);
    assert_eq!(
        refused(SieveSettings { guards: Guards { duplicates: 3, ..Guards::ALL }, ..settings }),
        setting
    );
    assert_eq!(refused(SieveSettings { groups: Groups::Growing(4), ..settings }), setting);
    assert_eq!(refused(SieveSettings::new(K + 1)), Error::Mismatch(Field::Width));

    let of = |settings: SelfInfluenceSettings| {
        SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap()
    };
    let settings = SelfInfluenceSettings::new(K);
    let bytes = bytes_of(&of(settings));
    for other in [
        SelfInfluenceSettings { clip: Some(2.0), ..settings },
        SelfInfluenceSettings { clip: None, ..settings },
    ] {
        assert!(of(other).carry_over(&bytes).is_err());
    }
}

#[test]
fn detectors_take_another_damping_and_are_fitted_again() {
    let values = normals(7, 40 * K);
    for clip in [None, Some(4.0)] {
        let new = |other| {
            let damping = if other { 0.5 } else { 0.1 };
            let settings = SelfInfluenceSettings { damping, clip, ..SelfInfluenceSettings::new(K) };
            SelfInfluence::new(settings, vec![7.0; settings.memory().f64s]).unwrap()
        };
        let observe = |state: &mut SelfInfluence<Vec<f64>>| {
            sketches(&values).for_each(|sketch| state.observe(&sketch).unwrap())
        };
        carries(new, observe, |state| state.fit().unwrap());
        carries(new, observe, |_| {});
        let new = |other| {
            let shrinkage = if other { 0.5 } else { 0.1 };
            let settings = MahalanobisSettings { shrinkage, clip, ..MahalanobisSettings::new(K) };
            Mahalanobis::new(settings, vec![7.0; settings.memory().f64s]).unwrap()
        };
        let observe = |state: &mut Mahalanobis<Vec<f64>>| {
            sketches(&values).for_each(|sketch| state.observe(&sketch).unwrap())
        };
        carries(new, observe, |state| state.fit().unwrap());
    }
}

#[test]
fn methods_take_another_damping() {
    let values = normals(8, 40 * K);
    let damping = |other| if other { 0.5 } else { 0.1 };

    let new = |other| {
        let settings = RidgeSettings { width: K, damping: damping(other) };
        Ridge::new(settings, vec![7.0; settings.memory().f64s]).unwrap()
    };
    let observe =
        |state: &mut Ridge<Vec<f64>>| sketches(&values).for_each(|sketch| state.observe(&sketch).unwrap());
    carries(new, observe, |state| state.fit().unwrap());

    let new = |other| {
        let settings = GifSettings { damping: damping(other), ..PARTIAL };
        Gif::new(settings, vec![7.0; settings.memory().f64s]).unwrap()
    };
    let observe =
        |state: &mut Gif<'_, Vec<f64>>| sketches(&values).for_each(|sketch| state.observe(&sketch).unwrap());
    carries(new, observe, |state| state.fit().unwrap());
    carries(new, observe, |_| {});

    let new = |other| {
        let layers = vec![DataInfLayer::new(0..2), DataInfLayer::new(2..K)];
        DataInf::new(DataInfSettings { damping: damping(other), ..LAYERS }, layers).unwrap()
    };
    let observe = |state: &mut DataInf<Vec<DataInfLayer>>| {
        sketches(&values).for_each(|sketch| state.observe(&sketch).unwrap())
    };
    carries(new, observe, |state| state.fit().unwrap());

    // What it keeps does not depend on the damping, decomposed or not.
    let new = |other| {
        let settings = EkfacSettings { damping: damping(other), ..LAYER };
        Ekfac::new(settings, vec![0.0; settings.memory().f32s]).unwrap()
    };
    let observe = |state: &mut Ekfac<Vec<f32>>| {
        values.chunks(K).map(|row| row.split_at(INPUTS)).for_each(|(a, b)| state.factors(a, b).unwrap());
        state.decompose(&mut [0.0; LAYER.memory().f64s]).unwrap();
        for (a, b) in values.chunks(K).map(|row| row.split_at(INPUTS)) {
            state.position(a, b).unwrap();
            state.sample().unwrap();
        }
    };
    carries(new, observe, |_| {});
}

#[test]
fn bytes_of_other_settings_that_were_cut_or_altered_leave_the_state_as_it_was() {
    let new = |damping| {
        let settings = SelfInfluenceSettings { damping, clip: None, ..SelfInfluenceSettings::new(K) };
        SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap()
    };
    let mut old = new(0.1);
    sketches(&normals(4, 20 * K)).for_each(|sketch| old.observe(&sketch).unwrap());
    old.fit().unwrap();
    let bytes = bytes_of(&old);
    let mut state = new(0.5);
    let before = bytes_of(&state);
    for len in 0..bytes.len() {
        assert!(state.carry_over(&bytes[..len]).is_err());
        assert!(state.carry_over(&[&bytes[..len], &[bytes[len] ^ 1], &bytes[len + 1..]].concat()).is_err());
    }
    assert_eq!(bytes_of(&state), before);
}
