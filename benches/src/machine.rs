//! What machine this is: its CPU's name and its caches, as Linux tells them, with
//! defaults elsewhere.

use std::fs;

/// The CPU and the sizes that contests take from it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The CPU's name.
    pub cpu: String,
    /// Bytes of data cache, levels 1, 2 and 3.
    pub caches: [usize; 3],
}

/// Where the data of a contest lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footprint {
    /// Half of the level-1 data cache.
    L1,
    /// Half of the level-2 cache.
    L2,
    /// A quarter of the level-3 cache, but more than twice level 2: others use it too.
    L3,
    /// Four times the level-3 cache.
    Dram,
}

impl Footprint {
    /// All of them, from near to far.
    pub const ALL: [Self; 4] = [Self::L1, Self::L2, Self::L3, Self::Dram];
    /// Those in which a kernel with an output of its own is raced.
    pub const BEYOND_L1: [Self; 3] = [Self::L2, Self::L3, Self::Dram];

    /// How it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::Dram => "DRAM",
        }
    }
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn here() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpu.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let mut name = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        if let (Some(family), Some(model)) = (field("cpu family"), field("model\t")) {
            name += &format!(" (family {family}, model {model})");
        }
        let defaults = [32 << 10, 1 << 20, 32 << 20];
        let caches = [1, 2, 3].map(|level| cache(level).unwrap_or(defaults[level - 1]));
        Self { cpu: name, caches }
    }

    /// Bytes of a footprint.
    #[must_use]
    pub fn bytes(&self, footprint: Footprint) -> usize {
        let [l1, l2, l3] = self.caches;
        match footprint {
            Footprint::L1 => l1 / 2,
            Footprint::L2 => l2 / 2,
            Footprint::L3 => (l3 / 4).max(l2 * 5 / 2),
            Footprint::Dram => 4 * l3.max(8 << 20),
        }
    }
}

/// Bytes of the data or unified cache of a level, by sysfs.
fn cache(level: usize) -> Option<usize> {
    (0..8).find_map(|index| {
        let read = |file: &str| {
            let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
            Some(fs::read_to_string(path).ok()?.trim().to_owned())
        };
        if read("level")? != level.to_string() || read("type")? == "Instruction" {
            return None;
        }
        let size = read("size")?;
        let (digits, unit) = size.split_at(size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len()));
        let unit = match unit {
            "K" => 1 << 10,
            "M" => 1 << 20,
            _ => 1,
        };
        Some(digits.parse::<usize>().ok()? * unit)
    })
}
