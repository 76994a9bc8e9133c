//! Settings by serde: what is read is what was written, and what is not known is refused.

use gradsieve::wire::PacketSettings;
use gradsieve::{
    Alarm, Codec, DirectionSettings, Exact, Groups, Layout, Projector as _, Rate, Sieve, SieveSettings,
    Sketch,
};
use serde_json::{from_str, json, to_string, to_value};

#[test]
fn settings_are_read_as_they_were_written() {
    let sieve = SieveSettings {
        groups: Groups::Growing(7),
        rate: Rate::FalseDiscoveries(0.25),
        half_life: Some(9),
        ..SieveSettings::new(32)
    };
    assert_eq!(from_str::<SieveSettings>(&to_string(&sieve).unwrap()).unwrap(), sieve);
    let direction = DirectionSettings { clip: None, ..DirectionSettings::new(3, 8) };
    assert_eq!(from_str::<DirectionSettings>(&to_string(&direction).unwrap()).unwrap(), direction);
    let packet = PacketSettings::new(Codec::Int8);
    assert_eq!(from_str::<PacketSettings>(&to_string(&packet).unwrap()).unwrap(), packet);
}

#[test]
fn names_and_fields_that_are_not_known_are_refused() {
    let known = to_value(DirectionSettings::new(3, 8)).unwrap();
    let mut more = known.clone();
    more["more"] = json!(1);
    assert!(serde_json::from_value::<DirectionSettings>(more).is_err());
    let mut fewer = known;
    fewer.as_object_mut().unwrap().remove("width");
    assert!(serde_json::from_value::<DirectionSettings>(fewer).is_err());
    assert!(from_str::<Codec>("\"Int7\"").is_err());
    assert!(from_str::<Rate>("{\"Sometimes\":0.1}").is_err());
}

#[test]
fn values_out_of_range_are_refused_by_what_is_made_of_them() {
    let mut settings = to_value(SieveSettings::new(8)).unwrap();
    settings["rate"] = json!({"FalseAlarms": 1.5});
    let settings: SieveSettings = serde_json::from_value(settings).unwrap();
    assert!(Sieve::new(settings, vec![0; settings.memory().i64s]).is_err());
}

#[test]
fn a_verdict_says_what_the_user_sees() {
    let settings = SieveSettings::new(4);
    let sieve = Sieve::new(settings, vec![0; settings.memory().i64s]).unwrap();
    let id = Exact::new(4).id(Layout::flat(4).unwrap().id());
    let values = [f32::NAN; 4];
    let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values)).unwrap();
    let verdict = to_value(sieve.judge(&sketch).unwrap()).unwrap();
    assert_eq!((&verdict["flagged"], &verdict["reasons"]), (&json!(true), &json!(["non-finite"])));
    assert_eq!(to_value(Alarm::Change).unwrap(), json!("Change"));
}
