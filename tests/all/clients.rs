//! Rules for clients' updates: against NumPy's figures (`golden/clients.py`), in any
//! order of arrival, over the whole range of `f32`, and what they refuse.

use crate::source::{normal, normals, row, sjlt, sketch, uniform};
use gradsieve::clients::{
    Bulyan, Client, Dnc, FlTrust, FoolsGold, GeometricMedian, Krum, MultiKrum, NormClip, Round,
    RoundSettings, Rule,
};
use gradsieve::{Error, Field, Repeat, Sketch, Summary};
use gradsieve_kernels::hash;
use proptest::prelude::*;

const GOLDEN: &str = include_str!("../golden/clients.csv");

type Held = Round<Vec<f32>, Vec<Client>>;

fn empty(clients: usize, width: usize) -> Held {
    let settings = RoundSettings { clients, width };
    let memory = settings.memory();
    Round::new(settings, vec![f32::NAN; memory.f32s], vec![Client::default(); memory.others]).unwrap()
}

/// The updates of clients with these ids.
fn arrived(updates: &[(u64, Vec<f32>)]) -> Held {
    let mut round = empty(updates.len(), updates[0].1.len());
    for (client, update) in updates {
        round.observe(*client, &row(update)).unwrap();
    }
    round
}

fn numbered(updates: &[Vec<f32>]) -> Vec<(u64, Vec<f32>)> {
    (0..).zip(updates.iter().cloned()).collect()
}

fn weigh(rule: &impl Rule, round: &Held) -> Result<Vec<f64>, Error> {
    let mut memory = vec![f64::NAN; rule.needs(&round.settings()).f64s];
    let mut weights = vec![f64::NAN; round.count()];
    let kept = rule.weigh(round, &mut memory, &mut weights)?;
    assert_eq!(kept, weights.iter().filter(|&&weight| weight > 0.0).count());
    Ok(weights)
}

/// What each rule says of a round, by name.
fn all(round: &Held, hostile: usize, server: &[f32]) -> Vec<(&'static str, Result<Vec<f64>, Error>)> {
    vec![
        ("krum", weigh(&Krum { hostile }, round)),
        ("multi_krum", weigh(&MultiKrum { hostile, keep: None }, round)),
        ("bulyan", weigh(&Bulyan { hostile }, round)),
        ("geometric_median", weigh(&GeometricMedian::new(), round)),
        ("dnc", weigh(&Dnc { hostile }, round)),
        ("fltrust", weigh(&FlTrust { server: row(server) }, round)),
        ("foolsgold", weigh(&FoolsGold, round)),
        ("clip", weigh(&NormClip { most: None }, round)),
    ]
}

/// Most clients near one direction, `hostile` of them near the opposite, or far away.
fn updates(seed: u64, clients: usize, width: usize, hostile: usize) -> Vec<Vec<f32>> {
    let honest = normals(seed, width);
    let entry = |client: usize, i: usize| {
        let own = normal(seed ^ 1, (client * width + i) as u64) as f32;
        match (client < hostile, seed % 3) {
            (true, 0) => -2.0 * honest[i] + 0.2 * own,
            (true, 1) => 50.0 * own,
            (true, _) => 0.3 * honest[i],
            (false, _) => honest[i] + own,
        }
    };
    (0..clients).map(|client| (0..width).map(|i| entry(client, i)).collect()).collect()
}

/// The same in another order.
fn shuffled<T: Clone>(seed: u64, of: &[T]) -> Vec<T> {
    let mut order: Vec<usize> = (0..of.len()).collect();
    order.sort_by_key(|&i| hash::word(seed, i as u64));
    order.into_iter().map(|i| of[i].clone()).collect()
}

fn bits(weights: Result<Vec<f64>, Error>) -> Result<Vec<u64>, Error> {
    weights.map(|weights| weights.into_iter().map(f64::to_bits).collect())
}

#[test]
fn weights_are_those_of_numpy() {
    let mut rules = std::collections::BTreeMap::<&str, u32>::new();
    for line in GOLDEN.lines().skip(1) {
        let mut cells = line.split(',');
        let name = cells.next().unwrap();
        let mut sizes = || cells.next().unwrap().parse::<usize>().unwrap();
        let (clients, width, hostile) = (sizes(), sizes(), sizes());
        let numbers: Vec<f64> = cells.map(|cell| cell.parse().unwrap()).collect();
        let (expected, rows) = numbers.split_at(clients);
        let rows: Vec<f32> = rows.iter().map(|&x| x as f32).collect();
        let (server, rows) = rows.split_at(rows.len() - clients * width);
        let rows: Vec<Vec<f32>> = rows.chunks(width).map(<[_]>::to_vec).collect();
        let server = if server.is_empty() { &rows[0] } else { server };
        let found = all(&arrived(&numbered(&rows)), hostile, server);
        let found = found.into_iter().find(|one| one.0 == name).unwrap().1.unwrap();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 3e-7, "{name} of {clients}: {found} is not {expected}");
            assert_eq!(*found > 0.0, *expected > 0.0, "{name} of {clients}");
        }
        *rules.entry(name).or_default() += 1;
    }
    assert!(rules.len() == 8 && rules.values().all(|&lines| lines == 12), "{rules:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_order_of_arrival_changes_no_bit(seed: u64, clients in 11..24_usize, width in 1..40_usize) {
        let named: Vec<(u64, Vec<f32>)> =
            (0..).zip(updates(seed, clients, width, 2)).map(|(i, x)| (hash::word(7, i), x)).collect();
        let server = normals(seed, width);
        let (one, other) = (arrived(&named), arrived(&shuffled(seed, &named)));
        prop_assert!(one.clients().map(Client::id).eq(other.clients().map(Client::id)));
        for ((name, one), (_, other)) in all(&one, 2, &server).into_iter().zip(all(&other, 2, &server)) {
            prop_assert_eq!(bits(one), bits(other), "{}", name);
        }
    }

    #[test]
    fn a_power_of_two_changes_no_choice(seed: u64, power in -60..60_i32) {
        let (plain, server) = (updates(seed, 13, 17, 2), normals(seed, 17));
        let scale = |x: &[f32]| x.iter().map(|x| x * 2_f32.powi(power)).collect::<Vec<f32>>();
        let scaled: Vec<Vec<f32>> = plain.iter().map(|x| scale(x)).collect();
        let (one, other) = (arrived(&numbered(&plain)), arrived(&numbered(&scaled)));
        let (one, other) = (all(&one, 2, &server), all(&other, 2, &scale(&server)));
        for ((name, one), (_, other)) in one.into_iter().zip(other) {
            // Exact norms are sums of f32 where that is safe, and of f64 where it is not.
            if ["fltrust", "clip"].contains(&name) {
                for (one, other) in one.unwrap().iter().zip(other.unwrap()) {
                    prop_assert!((one - other).abs() < 1e-7, "{} {} {}", name, one, other);
                }
            } else {
                prop_assert_eq!(bits(one), bits(other), "{}", name);
            }
        }
    }

    #[test]
    fn weights_of_kept_clients_are_a_mean(seed: u64, clients in 11..30_usize) {
        let round = arrived(&numbered(&updates(seed, clients, 9, 2)));
        for (name, weights) in all(&round, 2, &normals(seed, 9)) {
            let weights = weights.unwrap();
            let sum: f64 = weights.iter().sum();
            match name {
                "fltrust" => {}
                "clip" => prop_assert!(sum < 1.0 + 1e-12),
                _ => prop_assert!((sum - 1.0).abs() < 1e-12, "{} {}", name, sum),
            }
            let kept = weights.iter().filter(|&&weight| weight > 0.0).count();
            match name {
                "krum" => prop_assert_eq!(kept, 1),
                "bulyan" => prop_assert_eq!(kept, clients - 4),
                "multi_krum" | "dnc" => prop_assert_eq!(kept, clients - 2),
                "geometric_median" | "clip" => prop_assert_eq!(kept, clients),
                _ => {}
            }
        }
    }
}

/// Updates of a size whose squares, and products, `f32` cannot hold.
#[test]
fn every_exponent_has_the_weights_of_one() {
    let plain = updates(3, 13, 16, 2);
    let server = normals(3, 16);
    let expected = all(&arrived(&numbered(&plain)), 2, &server);
    for exponent in -126..=122 {
        // Entries are below 2⁵ in size. Those that get subnormal are rounded.
        let scale = |x: &[f32]| x.iter().map(|&x| (f64::from(x) * 2_f64.powi(exponent)) as f32).collect();
        let scaled: Vec<Vec<f32>> = plain.iter().map(|x| scale(x)).collect();
        let server: Vec<f32> = scale(&server);
        let found = all(&arrived(&numbered(&scaled)), 2, &server);
        for ((name, found), (_, expected)) in found.into_iter().zip(&expected) {
            for (found, expected) in found.unwrap().iter().zip(expected.as_ref().unwrap()) {
                assert!((found - expected).abs() < 1e-4, "{name} at 2^{exponent}: {found} {expected}");
                assert_eq!(*found > 0.0, *expected > 0.0, "{name} at 2^{exponent}");
            }
        }
    }
}

#[test]
fn the_largest_and_the_smallest_updates_stand_side_by_side() {
    let mut plain: Vec<Vec<f32>> =
        updates(5, 13, 16, 0).iter().map(|x| x.iter().map(|x| x * 1e-30).collect()).collect();
    plain[0].fill(f32::MAX);
    plain[1].fill(f32::MIN);
    let round = arrived(&numbered(&plain));
    let server: Vec<f32> = normals(5, 16).iter().map(|x| x * 1e-30).collect();
    for (name, weights) in all(&round, 2, &server) {
        let hostile = weights.as_ref().map(|weights| weights[..2].iter().copied().fold(0.0, f64::max));
        match name {
            "krum" | "multi_krum" | "bulyan" | "dnc" => assert_eq!(hostile, Ok(0.0), "{name}"),
            // What they add to an aggregate is of the size of the others.
            "geometric_median" | "clip" => assert!(hostile.unwrap() * 3.4e38 < 1e-28, "{name}"),
            "fltrust" => assert!(hostile.unwrap() * 3.4e38 < 1e-28, "{name}"),
            _ => assert!(weights.unwrap().iter().all(|weight| weight.is_finite()), "{name}"),
        }
    }
}

#[test]
fn hostile_clients_far_away_have_no_weight_by_rules_of_distance() {
    let mut plain = updates(4, 20, 32, 0);
    for hostile in &mut plain[..4] {
        hostile.iter_mut().for_each(|x| *x *= -300.0);
    }
    for (name, weights) in all(&arrived(&numbered(&plain)), 4, &normals(4, 32)) {
        let weights = weights.unwrap();
        if ["krum", "multi_krum", "bulyan", "dnc", "fltrust"].contains(&name) {
            assert_eq!(weights[..4], [0.0; 4], "{name}");
        }
        if ["geometric_median", "clip"].contains(&name) {
            assert!(weights[..4].iter().all(|&weight| weight < 1e-3), "{name} {weights:?}");
        }
    }
}

#[test]
fn krum_lets_a_hostile_update_within_the_spread_of_the_honest_ones_through() {
    // A little is enough: the mean of the honest, less a part of their deviation.
    let mut plain = updates(6, 20, 32, 0);
    let mean = |i: usize| plain[6..].iter().map(|x| x[i]).sum::<f32>() / 14.0;
    let hostile: Vec<f32> = (0..32).map(|i| mean(i) - 0.3).collect();
    plain[..6].fill(hostile);
    let weights = weigh(&Krum { hostile: 6 }, &arrived(&numbered(&plain))).unwrap();
    assert_eq!(weights[..6].iter().sum::<f64>(), 1.0);
}

#[test]
fn an_update_that_is_not_finite_counts_as_hostile() {
    let mut plain = updates(4, 15, 8, 0);
    plain[0][3] = f32::NAN;
    plain[1][0] = f32::INFINITY;
    let round = arrived(&numbered(&plain));
    assert_eq!((round.count(), round.non_finite()), (15, 2));
    assert!(round.clients().map(Client::id).eq((2..15).chain(0..2)));
    assert!(round.clients().map(Client::is_finite).eq((0..15).map(|i| i < 13)));
    for hostile in [2, 6] {
        let round = all(&round, hostile, &plain[5]);
        let few = all(&arrived(&numbered(&plain[2..])), hostile - 2, &plain[5]);
        for ((name, of_all), (_, of_few)) in round.into_iter().zip(few) {
            let of_few = of_few.map(|weights| [&weights[..], &[0.0, 0.0]].concat());
            assert_eq!(bits(of_all), bits(of_few), "{name}");
        }
    }
}

#[test]
fn of_clients_that_agree_the_lowest_ids_are_kept() {
    let named: Vec<(u64, Vec<f32>)> = [9, 4, 8, 2, 7, 5, 1].map(|id| (id, vec![1.0, -1.0])).to_vec();
    let round = arrived(&named);
    assert!(round.clients().map(Client::id).eq([1, 2, 4, 5, 7, 8, 9]));
    let share = 1.0 / 5.0;
    let expected = [share, share, share, share, share, 0.0, 0.0];
    assert_eq!(weigh(&MultiKrum { hostile: 2, keep: None }, &round).unwrap(), expected);
    assert_eq!(weigh(&Dnc { hostile: 2 }, &round).unwrap(), expected);
    assert_eq!(weigh(&Krum { hostile: 2 }, &round).unwrap()[..2], [1.0, 0.0]);
    assert_eq!(weigh(&Bulyan { hostile: 1 }, &round).unwrap(), expected);
    assert_eq!(weigh(&GeometricMedian::new(), &round).unwrap(), [1.0 / 7.0; 7]);
    let refused = Error::Setting { name: "clients", expected: "some that do not all point one way" };
    assert_eq!(weigh(&FoolsGold, &round), Err(refused));
}

#[test]
fn the_geometric_median_is_where_the_sum_of_distances_is_least() {
    for seed in 0..9 {
        let plain = updates(seed, 12, 5, 4);
        let weights = weigh(&GeometricMedian::new(), &arrived(&numbered(&plain))).unwrap();
        let at: Vec<f64> = (0..5)
            .map(|i| plain.iter().zip(&weights).map(|(x, weight)| weight * f64::from(x[i])).sum())
            .collect();
        let sum = |at: &[f64]| -> f64 {
            let square =
                |x: &Vec<f32>| -> f64 { x.iter().zip(at).map(|(&x, z)| (f64::from(x) - z).powi(2)).sum() };
            plain.iter().map(|x| square(x).sqrt()).sum()
        };
        let least = sum(&at);
        for turn in 0..40 {
            let moved: Vec<f64> =
                at.iter().zip(0..).map(|(z, i)| z + 1e-3 * (uniform(turn, i) - 0.5)).collect();
            assert!(sum(&moved) > least, "{seed}");
        }
    }
}

#[test]
fn foolsgold_leaves_clients_out_that_pull_the_same_way() {
    let mut plain: Vec<Vec<f32>> = (0..10).map(|client| normals(client, 64)).collect();
    let sybil = normals(99, 64);
    for (client, hostile) in plain[..4].iter_mut().enumerate() {
        *hostile = sybil.iter().map(|x| x * (1.0 + client as f32)).collect();
    }
    let weights = weigh(&FoolsGold, &arrived(&numbered(&plain))).unwrap();
    assert_eq!(weights[..4], [0.0; 4]);
    assert!(weights[4..].iter().all(|&weight| (weight - 1.0 / 6.0).abs() < 0.01), "{weights:?}");
}

#[test]
fn fltrust_makes_every_update_as_long_as_the_servers() {
    let (plain, server) = (updates(2, 9, 12, 0), normals(2, 12));
    let weights = weigh(&FlTrust { server: row(&server) }, &arrived(&numbered(&plain))).unwrap();
    let norm = |x: &[f32]| x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let lengths: f64 = plain.iter().zip(&weights).map(|(x, weight)| weight * norm(x)).sum();
    assert!((lengths / norm(&server) - 1.0).abs() < 1e-6);
    let opposite: Vec<f32> = server.iter().map(|x| -x).collect();
    let mut alike = plain;
    alike.fill(server);
    let round = arrived(&numbered(&alike));
    let refused = Err(Error::Setting {
        name: "server",
        expected: "an update that one of the clients agrees with at least",
    });
    assert_eq!(weigh(&FlTrust { server: row(&opposite) }, &round), refused);
    let refused = Err(Error::Setting { name: "server", expected: "an update that is not 0" });
    assert_eq!(weigh(&FlTrust { server: row(&[0.0; 12]) }, &round), refused);
    assert_eq!(weigh(&FlTrust { server: row(&[f32::NAN; 12]) }, &round), Err(Error::NonFinite));
    assert_eq!(weigh(&FlTrust { server: row(&[1.0; 11]) }, &round), Err(Error::Mismatch(Field::Width)));
}

/// The same sketch, of an update that is said to be so long.
fn said_to_be(sketch: Sketch<'_>, l2_squared: f64) -> Sketch<'_> {
    Sketch { measures: Summary { l2_squared, ..sketch.measures }, ..sketch }
}

#[test]
fn fltrust_gives_a_direction_without_a_length_no_weight() {
    let (plain, server) = (updates(2, 9, 12, 0), normals(2, 12));
    let mut round = empty(9, 12);
    for (client, update) in (0..).zip(&plain) {
        let sketch = row(update);
        let square = if client == 0 { 0.0 } else { sketch.measures.l2_squared };
        round.observe(client, &said_to_be(sketch, square)).unwrap();
    }
    let rule = FlTrust { server: row(&server) };
    let others = weigh(&rule, &arrived(&numbered(&plain)[1..])).unwrap();
    assert_eq!(weigh(&rule, &round).unwrap(), [&[0.0], &others[..]].concat());
}

#[test]
fn fltrust_refuses_a_weight_that_f64_does_not_hold() {
    let server = normals(2, 12);
    let mut round = empty(1, 12);
    round.observe(0, &said_to_be(row(&server), 1e-320)).unwrap();
    let long = said_to_be(row(&server), 1e300);
    assert_eq!(weigh(&FlTrust { server: long }, &round), Err(Error::Range { what: "a weight" }));
    let weights = weigh(&FlTrust { server: row(&server) }, &round).unwrap();
    assert!(weights[0] > 1e150, "{weights:?}");
}

#[test]
fn a_client_whose_update_is_zero_has_a_place_and_no_direction() {
    let mut plain = updates(2, 9, 12, 0);
    plain[3].fill(0.0);
    for (name, weights) in all(&arrived(&numbered(&plain)), 1, &normals(2, 12)) {
        let weights = weights.unwrap();
        assert!(weights.iter().all(|weight| weight.is_finite()), "{name}");
        assert!(name != "fltrust" || weights[3] == 0.0);
    }
}

#[test]
fn too_few_clients_are_refused_by_number() {
    let round = |clients| arrived(&numbered(&updates(1, clients, 6, 0)));
    let too_few = |needed, found| Err(Error::TooFew { needed, found });
    assert_eq!(weigh(&Krum { hostile: 3 }, &round(8)), too_few(9, 8));
    assert!(weigh(&Krum { hostile: 3 }, &round(9)).is_ok());
    assert_eq!(weigh(&MultiKrum { hostile: 3, keep: None }, &round(8)), too_few(9, 8));
    assert_eq!(weigh(&Bulyan { hostile: 2 }, &round(10)), too_few(11, 10));
    assert!(weigh(&Bulyan { hostile: 2 }, &round(11)).is_ok());
    assert_eq!(weigh(&Dnc { hostile: 3 }, &round(6)), too_few(7, 6));
    assert!(weigh(&Dnc { hostile: 3 }, &round(7)).is_ok());
    assert_eq!(weigh(&FoolsGold, &round(1)), too_few(2, 1));
    let hostile = Err(Error::Setting { name: "hostile", expected: "below the number of clients" });
    for f in [8, 9, usize::MAX] {
        assert_eq!(weigh(&Krum { hostile: f }, &round(8)), hostile);
        assert_eq!(weigh(&Bulyan { hostile: f }, &round(8)), hostile);
        assert_eq!(weigh(&Dnc { hostile: f }, &round(8)), hostile);
    }
    for (name, weights) in all(&empty(4, 6), 1, &[1.0; 6]) {
        assert_eq!(weights, too_few(1, 0), "{name}");
    }
    for (name, weights) in all(&arrived(&[(1, vec![f32::NAN; 6])]), 1, &[1.0; 6]) {
        assert_eq!(weights, too_few(1, 0), "{name}");
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let round = arrived(&numbered(&updates(1, 9, 6, 0)));
    let refused = |rule: &dyn Fn(&Held) -> Result<Vec<f64>, Error>| match rule(&round) {
        Err(Error::Setting { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    for keep in [0, 10] {
        assert_eq!(refused(&|round| weigh(&MultiKrum { hostile: 1, keep: Some(keep) }, round)), "keep");
    }
    for most in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(&|round| weigh(&NormClip { most: Some(most) }, round)), "most");
    }
    assert_eq!(weigh(&GeometricMedian { steps: 1 }, &round), Err(Error::NotSolved));
    let mut weights = [0.0; 9];
    let needed = Krum { hostile: 1 }.memory(&round.settings()).f64s;
    let length = |expected, found| Err(Error::Length { expected, found });
    assert_eq!(
        Krum { hostile: 1 }.weigh(&round, &mut vec![0.0; needed - 1], &mut weights),
        length(needed, needed - 1)
    );
    assert_eq!(Krum { hostile: 1 }.weigh(&round, &mut vec![0.0; needed], &mut weights[1..]), length(9, 8));
}

#[test]
fn a_refused_update_leaves_the_round_as_it_was() {
    let mut round = empty(3, 2);
    round.observe(7, &row(&[1.0, 2.0])).unwrap();
    let twice = Error::Setting { name: "client", expected: "one that has sent no update yet" };
    assert_eq!(round.observe(7, &row(&[1.0, 2.0])), Err(twice));
    assert_eq!(round.observe(8, &row(&[1.0])), Err(Error::Width { multiple: 2, found: 1 }));
    let other = Sketch { id: gradsieve::SketchId { width: 2, ..sjlt_id() }, ..row(&[1.0, 2.0]) };
    assert!(matches!(round.observe(8, &other), Err(Error::Mismatch(_))));
    assert_eq!((round.count(), round.non_finite()), (1, 0));
    round.observe(3, &row(&[1.0, 2.0])).unwrap();
    round.observe(5, &row(&[f32::NAN, 2.0])).unwrap();
    assert_eq!(round.observe(6, &row(&[1.0, 2.0])), Err(Error::Full { capacity: 3 }));
    assert!(round.clients().map(Client::id).eq([3, 7, 5]));
    round.reset();
    assert_eq!((round.count(), round.non_finite(), round.id()), (0, 0, None));
    round.observe(7, &other).unwrap();
    let new = |clients, width| {
        Round::new(RoundSettings { clients, width }, vec![0.0_f32; 6], vec![Client::default(); 3]).err()
    };
    assert_eq!(new(3, 0), Some(Error::Width { multiple: 1, found: 0 }));
    assert!(matches!(new(0, 2), Some(Error::Setting { name: "clients", .. })));
    assert_eq!(new(3, 3), Some(Error::Length { expected: 9, found: 6 }));
    assert_eq!(new(3, 2), None);
}

fn sjlt_id() -> gradsieve::SketchId {
    let mut values = [0.0; 32];
    sketch(sjlt(32, 5, Repeat::One), &[1.0; 40], &mut values).id
}

/// The selection of sketches is that of whole updates where hostile ones stand out.
#[test]
fn sketches_keep_the_clients_that_whole_updates_keep() {
    let (width, clients) = (4096, 20);
    let mut plain = updates(4, clients, width, 0);
    for hostile in &mut plain[..6] {
        hostile.iter_mut().for_each(|x| *x *= -1.0);
    }
    let mut sketched = empty(clients, 512);
    for (client, update) in (0..).zip(&plain) {
        let mut values = [0.0; 512];
        let sketch = sketch(sjlt(512, 9, Repeat::One), update, &mut values);
        sketched.observe(client, &sketch).unwrap();
    }
    let whole = arrived(&numbered(&plain));
    for (rule, of_sketches, of_whole) in [
        (
            "multi-krum",
            weigh(&MultiKrum { hostile: 6, keep: None }, &sketched),
            weigh(&MultiKrum { hostile: 6, keep: None }, &whole),
        ),
        ("dnc", weigh(&Dnc { hostile: 6 }, &sketched), weigh(&Dnc { hostile: 6 }, &whole)),
    ] {
        assert_eq!(of_sketches, of_whole, "{rule}");
    }
}

#[test]
fn rules_have_the_same_bits_on_every_target() {
    // Sums of uniform numbers: a logarithm's last bit is that of a machine's library.
    let even = |seed: u64, i: usize| (uniform(seed, i as u64) - 0.5) as f32;
    let mut digest = 0;
    for seed in 0..3 {
        let honest: Vec<f32> = (0..48).map(|i| even(seed, i)).collect();
        let update = |client: usize| {
            let factor = if client < 3 { -2.0 } else { 1.0 };
            honest.iter().enumerate().map(|(i, x)| factor * x + even(seed ^ 9, client * 48 + i)).collect()
        };
        let updates: Vec<Vec<f32>> = (0..15).map(update).collect();
        let round = arrived(&numbered(&updates));
        for (_, weights) in all(&round, 3, &honest) {
            for weight in weights.unwrap() {
                digest = hash::mix(digest ^ weight.to_bits());
            }
        }
    }
    assert_eq!(digest, 0xb202_5367_c4ba_8fa9, "{digest:#018x}");
}
