//! How the sketches of a file were made, as the file says it.

use std::collections::BTreeMap;

use gradsieve::{Fingerprint, Layout, Repeat, SketchId};

/// What must be the same for two files of sketches to be compared: what
/// `gradsieve sketch` writes beside a tensor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SketchSettings(Vec<(&'static str, String)>);

impl SketchSettings {
    const NAMES: [&str; 5] = ["projection", "dim", Self::SEED, "repeat", "columns"];
    /// What the projection was drawn by, where that is public.
    pub(super) const SEED: &str = "seed";
    /// What stands instead of the seed where a secret key drew the projection: its
    /// fingerprint.
    pub(super) const KEY: &str = "key";
    /// All else that the projection was set to; not written where there is nothing else,
    /// which is `NO_SETTINGS`.
    const SETTINGS: &str = "settings";
    const NO_SETTINGS: &str = "0";
    /// The layout of the gradient; not written where it is one row of columns, which is
    /// `FLAT`.
    const LAYOUT: &str = "layout";
    const FLAT: &str = "flat";
    const PREFIX: &str = "gradsieve.";

    /// Those of the sketches `id` that `projection` makes of gradients of `columns`
    /// entries.
    pub(in crate::commands) fn new(projection: &str, id: &SketchId, columns: usize) -> Self {
        let first = [("projection", projection.to_owned()), ("dim", id.width.to_string()), drawn_by(id)];
        let then = [("repeat", repetitions(id.repeat).to_string()), ("columns", columns.to_string())];
        let is_flat = Layout::flat(columns as u64).is_ok_and(|layout| layout.id() == id.layout);
        let layout = if is_flat { Self::FLAT.to_owned() } else { format!("{:016x}", id.layout.to_bits()) };
        let last = [(Self::SETTINGS, id.settings.to_string()), (Self::LAYOUT, layout)];
        Self(first.into_iter().chain(then).chain(last).collect())
    }

    /// What a file says of `key`; nothing if it does not.
    pub(super) fn said<'m>(metadata: &'m BTreeMap<String, String>, key: &str) -> &'m str {
        metadata.get(&format!("{}{key}", Self::PREFIX)).map_or("", String::as_str)
    }

    /// As `.safetensors` keeps it.
    #[must_use]
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let usual = [(Self::SETTINGS, Self::NO_SETTINGS), (Self::LAYOUT, Self::FLAT)];
        let said = self.0.iter().filter(|(key, value)| !usual.contains(&(*key, value)));
        said.map(|(key, value)| (format!("{}{key}", Self::PREFIX), value.clone())).collect()
    }

    /// The settings of a file of sketches; none if the file does not carry them.
    #[must_use]
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let get = |key| Some((key, metadata.get(&format!("{}{key}", Self::PREFIX))?.clone()));
        let drawn_by = |key| if key == Self::SEED { get(Self::KEY).or_else(|| get(key)) } else { get(key) };
        let mut all = Self::NAMES.into_iter().map(drawn_by).collect::<Option<Vec<_>>>()?;
        all.push(get(Self::SETTINGS).unwrap_or((Self::SETTINGS, Self::NO_SETTINGS.to_owned())));
        all.push(get(Self::LAYOUT).unwrap_or((Self::LAYOUT, Self::FLAT.to_owned())));
        Some(Self(all))
    }

    /// What is not the same: a key, and the value of each.
    pub(super) fn difference<'a>(&'a self, other: &'a Self) -> Option<(&'static str, &'a str, &'a str)> {
        let mut pairs = self.0.iter().zip(&other.0);
        let (one, other) = pairs.find(|(one, other)| one != other)?;
        let what = if one.0 == other.0 { one.0 } else { "seed or key" };
        Some((what, one.1.as_str(), other.1.as_str()))
    }
}

/// What an id says of sketches, by the same keys, where their gradients are not at hand.
pub(in crate::commands) fn told(id: &SketchId) -> [(&'static str, String); 6] {
    [
        ("projection", id.kind.name().to_owned()),
        ("dim", id.width.to_string()),
        drawn_by(id),
        ("repeat", repetitions(id.repeat).to_string()),
        (SketchSettings::SETTINGS, id.settings.to_string()),
        (SketchSettings::LAYOUT, format!("{:016x}", id.layout.to_bits())),
    ]
}

/// The seed, or the fingerprint of the key.
fn drawn_by(id: &SketchId) -> (&'static str, String) {
    match id.key {
        Fingerprint::Seed(seed) => (SketchSettings::SEED, seed.to_string()),
        Fingerprint::Secret(bits) => (SketchSettings::KEY, format!("{bits:016x}")),
    }
}

const fn repetitions(repeat: Repeat) -> u8 {
    match repeat {
        Repeat::One => 1,
        Repeat::Two => 2,
        Repeat::Four => 4,
    }
}
