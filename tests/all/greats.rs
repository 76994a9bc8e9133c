//! Claims about the choice of a batch's samples.

use gradsieve::Error;
use gradsieve::influence::Greats;
use proptest::prelude::*;

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// v·g of each gradient, and g·g′ of all pairs.
fn products(gradients: &[Vec<f64>], target: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let pairs = gradients.iter().flat_map(|x| gradients.iter().map(|y| dot(x, y))).collect();
    (gradients.iter().map(|x| dot(x, target)).collect(), pairs)
}

/// Gradients of three small integers, of which sums and products are exact.
fn gradients() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec((-4_i8..5).prop_map(f64::from), 3), 1..12)
}

proptest! {
    #[test]
    fn each_pick_is_the_best_of_the_definition(
        gradients in gradients(), target in prop::collection::vec((-4_i8..5).prop_map(f64::from), 3),
        curvature in 0_u8..3, share in 0.0..=1.0,
    ) {
        let (rate, curvature) = (0.25, f64::from(curvature));
        let count = (share * gradients.len() as f64) as usize;
        let (mut gains, pairs) = products(&gradients, &target);
        let mut order = vec![99; gradients.len()];
        let greats = Greats::new(rate).unwrap().with_curvature(curvature).unwrap();
        greats.pick(count, &mut gains, &pairs, &mut order).unwrap();

        let mut all: Vec<_> = (0..gradients.len()).collect();
        let gain = |z: usize, picked: &[usize]| {
            let taken: f64 = picked.iter().map(|&p| dot(&gradients[z], &gradients[p])).sum();
            rate * dot(&gradients[z], &target) - rate * rate * curvature * taken
        };
        for place in 0..count {
            let (picked, z) = (&order[..place], order[place]);
            prop_assert_eq!(gains[z], gain(z, picked));
            for other in all.iter().filter(|&other| !picked.contains(other) && *other != z) {
                let more = gain(*other, picked);
                prop_assert!(more < gains[z] || (more == gains[z] && *other > z), "{} before {}", z, other);
            }
        }
        for &z in &order[count..] {
            prop_assert_eq!(gains[z], gain(z, &order[..count]));
        }
        order.sort_unstable();
        all.sort_unstable();
        prop_assert_eq!(order, all);
    }

    #[test]
    fn gains_foretell_what_a_step_does_to_a_target_whose_curvature_is_one(
        gradients in gradients(), away in prop::collection::vec((-4_i8..5).prop_map(f64::from), 3),
    ) {
        // ℓ(θ) = ½‖θ‖² at θ = away, whose gradient is θ.
        let (rate, count) = (0.125, gradients.len() / 2);
        let (mut gains, pairs) = products(&gradients, &away);
        let mut order = vec![0; gradients.len()];
        Greats::new(rate).unwrap().pick(count, &mut gains, &pairs, &mut order).unwrap();
        let mut moved = away.clone();
        for &z in &order[..count] {
            moved.iter_mut().zip(&gradients[z]).for_each(|(at, g)| *at -= rate * g);
        }
        let own = |z: usize| rate * rate / 2.0 * dot(&gradients[z], &gradients[z]);
        let foretold: f64 = order[..count].iter().map(|&z| gains[z] - own(z)).sum();
        prop_assert_eq!(foretold, (dot(&away, &away) - dot(&moved, &moved)) / 2.0);
    }
}

#[test]
fn what_cannot_be_chosen_from_is_refused_and_gains_stay() {
    let greats = Greats::new(1.0).unwrap();
    let refused = |count: usize, gains: &[f64], products: &[f64], places: usize| {
        let (mut found, mut order) = (gains.to_vec(), vec![0; places]);
        let error = greats.pick(count, &mut found, products, &mut order).unwrap_err();
        assert!(found.iter().zip(gains).all(|(x, y)| x.to_bits() == y.to_bits()));
        error
    };
    assert_eq!(refused(3, &[1.0; 2], &[1.0; 4], 2), Error::Length { expected: 2, found: 3 });
    assert_eq!(refused(1, &[1.0; 2], &[1.0; 3], 2), Error::Length { expected: 4, found: 3 });
    assert_eq!(refused(1, &[1.0; 2], &[1.0; 4], 1), Error::Length { expected: 2, found: 1 });
    assert_eq!(refused(1, &[1.0, f64::NAN], &[1.0; 4], 2), Error::NonFinite);
    assert_eq!(refused(1, &[1.0; 2], &[f64::INFINITY, f64::NAN, 1.0, 1.0], 2), Error::NonFinite);
    assert_eq!(refused(2, &[1.0; 2], &[f64::MAX; 4], 2), Error::NonFinite);
    for rate in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        assert!(matches!(Greats::new(rate), Err(Error::Setting { name: "learning_rate", .. })));
    }
    for curvature in [-1.0, f64::INFINITY, f64::NAN] {
        assert!(matches!(greats.with_curvature(curvature), Err(Error::Setting { name: "curvature", .. })));
    }
    greats.pick(0, &mut [], &[], &mut []).unwrap();
}
