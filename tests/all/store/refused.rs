//! What does not belong is refused, and the store is as it was.

use super::*;

#[test]
fn what_does_not_belong_is_refused_and_the_store_is_as_it_was() {
    const K: usize = 4;
    for codec in Codec::ALL {
        let settings = StoreSettings { codec, width: K, rows: 16 };
        let expected = settings.memory().others;
        let none = Store::new(StoreSettings { width: 0, ..settings }, vec![0; expected]).unwrap_err();
        assert_eq!(none, Error::Width { multiple: 1, found: 0 });
        let short = Store::new(settings, vec![0; expected - 1]).unwrap_err();
        assert_eq!(short, Error::Length { expected, found: expected - 1 });

        let mut store = store_of(codec, K, 16);
        assert_eq!((store.settings(), store.is_empty()), (settings, true));
        assert_eq!(store.get(0, &mut [0.0; K]).unwrap_err(), Error::Row { rows: 0, found: 0 });
        let row = [1.0, -2.0, 3.0, -4.0];
        for id in 0..16 {
            store.append(id, &sketch_of(&row)).unwrap();
        }
        let before = scores_of(&store, &row);
        let sketch = sketch_of(&row);
        let full = Err(Error::Full { capacity: 16 });
        assert_eq!(store.append(16, &sketch), full);
        let infinite = [1.0, f32::INFINITY, 0.0, 0.0];
        let id = SketchId { layout: LayoutId::from_bits(1), ..sketch.id };
        let seed = SketchId { key: Fingerprint::Seed(8), ..sketch.id };
        for (odd, error) in [
            (Sketch { values: &infinite, ..sketch }, Error::NonFinite),
            (Sketch { values: &row[..3], ..sketch }, Error::Length { expected: K, found: 3 }),
            (Sketch { id, ..sketch }, Error::Mismatch(Field::Layout)),
            (Sketch { id: seed, ..sketch }, Error::Mismatch(Field::Key)),
            (
                Sketch { measures: Summary { count: 5, ..sketch.measures }, ..sketch },
                Error::Mismatch(Field::Layout),
            ),
        ] {
            assert_eq!(store.append(16, &odd), Err(error));
            assert_eq!(store.replace(0, 16, &odd), Err(error));
        }
        assert_eq!(store.replace(16, 16, &sketch), Err(Error::Row { rows: 16, found: 16 }));
        assert_eq!(store.get(0, &mut [0.0; 3]).unwrap_err(), Error::Length { expected: K, found: 3 });
        assert_eq!((scores_of(&store, &row), store.ids()), (before, &(0..16).collect::<Vec<u64>>()[..]));

        let foreign = queries_of(codec, id, &row);
        assert_eq!(store.score(&foreign, &mut [0.0; 16]), Err(Error::Mismatch(Field::Layout)));
        let other = if codec == Codec::Int8 { Codec::OneBit } else { Codec::Int8 };
        let foreign = queries_of(other, sketch.id, &row);
        assert_eq!(store.score(&foreign, &mut [0.0; 16]), Err(Error::Mismatch(Field::Codec)));
        let queries = queries_of(codec, sketch.id, &row);
        let mut scores = [7.0; 16];
        let length = |expected, found| Err(Error::Length { expected, found });
        assert_eq!(store.score(&queries, &mut scores[1..]), length(16, 15));
        assert!(matches!(store.score_rows(3..16, &queries, &mut scores[3..]), Err(Error::Setting { .. })));
        assert_eq!(store.score_rows(0..17, &queries, &mut scores), Err(Error::Row { rows: 16, found: 17 }));
        assert_eq!(scores, [7.0; 16]);
        let none: &mut [TopK<Vec<Entry>>] = &mut [];
        assert_eq!(store.top(&queries, &mut scores, none), Err(Error::Length { expected: 1, found: 0 }));
        let mut top = [top_k(0)];
        assert_eq!(
            store.top(&queries, &mut scores[1..], &mut top),
            Err(Error::Length { expected: 16, found: 15 })
        );

        store.reset();
        assert_eq!((store.len(), store.id()), (0, None));
        store.append(3, &Sketch { id, ..sketch }).unwrap();
    }
    let wide = int8::MOST + 1;
    let settings = StoreSettings { codec: Codec::Int8, width: wide, rows: 1 };
    let memory = vec![0; settings.memory().others];
    assert!(matches!(Store::new(settings, memory), Err(Error::Setting { .. })));
}

#[test]
fn stores_and_reservoirs_that_differ_are_not_merged() {
    let row = [1.0, 2.0];
    let mut store = filled(Codec::F16, 2, &row);
    let other = filled(Codec::Bf16, 2, &row);
    assert_eq!(store.merge(&other), Err(Error::Mismatch(Field::Codec)));
    let mut full = filled(Codec::F16, 2, &[1.0; 32]);
    assert_eq!(full.merge(&store), Err(Error::Full { capacity: 16 }));
    assert_eq!(full.len(), 16);
    let new = |seed| reservoir_of(ReservoirSettings { seed, codec: Codec::F16, width: 2, rows: 16 });
    let (mut seeds, other) = (new(1), new(2));
    assert_eq!(seeds.merge(&other), Err(Error::Mismatch(Field::StateSettings)));
}

#[test]
fn queries_that_do_not_fit_are_refused_and_those_before_stay() {
    const K: usize = 4;
    for codec in Codec::ALL {
        let settings = QueriesSettings { codec, width: K, count: 2 };
        let f32s = settings.memory().f32s;
        let short = Queries::new(settings, vec![0.0; f32s - 1]).unwrap_err();
        assert_eq!(short, Error::Length { expected: f32s, found: f32s - 1 });
        let none = Queries::new(QueriesSettings { width: 0, ..settings }, [0.0; 0]).unwrap_err();
        assert_eq!(none, Error::Width { multiple: 1, found: 0 });

        let store = filled(codec, K, &[1.0, -2.0, 3.0, -4.0]);
        let mut queries = Queries::new(settings, vec![f32::NAN; f32s]).unwrap();
        assert_eq!((queries.count(), queries.id()), (0, None));
        assert_eq!(store.score(&queries, &mut []), Ok(()));
        queries.pack(id_of(K), &[1.0; K]).unwrap();
        let mut before = [0.0];
        store.score(&queries, &mut before).unwrap();
        for (id, values, error) in [
            (id_of(3), &[2.0; 3][..], Error::Mismatch(Field::Width)),
            (id_of(K), &[2.0; 5], Error::Length { expected: 4, found: 5 }),
            (id_of(K), &[2.0; 12], Error::Full { capacity: 2 }),
            (id_of(K), &[f32::INFINITY; 8], Error::NonFinite),
        ] {
            assert_eq!(queries.pack(id, values), Err(error), "{codec:?}");
            let mut after = [0.0];
            store.score(&queries, &mut after).unwrap();
            assert_eq!(after, before, "{codec:?}");
        }
    }
}
