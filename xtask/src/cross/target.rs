//! The targets on which the kernels and the core are tested beside this machine's.

/// What is known of a target.
pub(crate) struct Target {
    /// By which name the steps know it.
    pub(crate) name: &'static str,
    /// By which name the compiler knows it.
    pub(crate) triple: &'static str,
    /// Debian's packages with its linker and C library.
    pub(super) packages: &'static [&'static str],
    pub(super) linker: Option<&'static str>,
    pub(super) runner: Runner,
    pub(super) library: Library,
    /// Debian's architecture whose package of the standard library can be taken as it is.
    pub(super) debian: Option<&'static str>,
    pub(super) rustflags: &'static str,
}

/// What runs a program of a target.
pub(super) enum Runner {
    /// Its programs are images: the steps start an emulator of the whole machine.
    None,
    /// The machine's own kernel, with the loader and the libraries of a folder.
    Native {
        loader: &'static str,
        libraries: &'static str,
    },
    /// QEMU, for an architecture, with the libraries of a folder.
    Qemu {
        architecture: &'static str,
        libraries: &'static str,
    },
    Node,
}

/// How much of the standard library a target has.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Library {
    Core,
    Std,
    /// All of it, over a C library that comes apart from the compiler; a panic aborts.
    Wasi,
}

/// 64-bit Arm.
pub(crate) const AARCH64: Target = Target {
    name: "aarch64",
    triple: "aarch64-unknown-linux-gnu",
    packages: &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"],
    linker: Some("aarch64-linux-gnu-gcc"),
    runner: Runner::Qemu { architecture: "aarch64", libraries: "/usr/aarch64-linux-gnu" },
    library: Library::Std,
    debian: Some("arm64"),
    rustflags: "",
};

/// 32-bit Arm with an operating system.
pub(crate) const ARMV7: Target = Target {
    name: "armv7",
    triple: "armv7-unknown-linux-gnueabihf",
    packages: &["gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross"],
    linker: Some("arm-linux-gnueabihf-gcc"),
    runner: Runner::Qemu { architecture: "arm", libraries: "/usr/arm-linux-gnueabihf" },
    library: Library::Std,
    debian: None,
    rustflags: "",
};

/// 32-bit x86.
pub(crate) const I686: Target = Target {
    name: "i686",
    triple: "i686-unknown-linux-gnu",
    packages: &["gcc-i686-linux-gnu", "libc6-dev-i386-cross"],
    linker: Some("i686-linux-gnu-gcc"),
    runner: Runner::Native {
        loader: "/usr/i686-linux-gnu/lib/ld-linux.so.2",
        libraries: "/usr/i686-linux-gnu/lib",
    },
    library: Library::Std,
    debian: None,
    rustflags: "",
};

/// A big-endian machine.
pub(crate) const S390X: Target = Target {
    name: "s390x",
    triple: "s390x-unknown-linux-gnu",
    packages: &["gcc-s390x-linux-gnu", "libc6-dev-s390x-cross"],
    linker: Some("s390x-linux-gnu-gcc"),
    runner: Runner::Qemu { architecture: "s390x", libraries: "/usr/s390x-linux-gnu" },
    library: Library::Std,
    debian: None,
    rustflags: "",
};

/// WebAssembly with vectors of 128 bits.
///
/// It has memory enough from the start: memory that grows would be collected by Node
/// while the program runs.
pub(crate) const WASIP1: Target = Target {
    name: "wasip1",
    triple: "wasm32-wasip1",
    packages: &[],
    linker: None,
    runner: Runner::Node,
    library: Library::Wasi,
    debian: None,
    rustflags: "-Ctarget-feature=+simd128 -Clink-arg=--initial-memory=268435456",
};

/// A Cortex-M4 with a floating-point unit, without an operating system.
pub(crate) const THUMBV7EM: Target = Target {
    name: "thumbv7em",
    triple: "thumbv7em-none-eabihf",
    packages: &[],
    linker: None,
    runner: Runner::None,
    library: Library::Core,
    debian: None,
    rustflags: "",
};

/// A Cortex-M0+, without an operating system.
pub(crate) const THUMBV6M: Target = Target { name: "thumbv6m", triple: "thumbv6m-none-eabi", ..THUMBV7EM };

/// A Cortex-M33 with a floating-point unit, without an operating system.
pub(crate) const THUMBV8M: Target =
    Target { name: "thumbv8m", triple: "thumbv8m.main-none-eabihf", ..THUMBV7EM };

/// A RISC-V microcontroller with 32 bits and no floating-point unit.
pub(crate) const RISCV32IMAC: Target =
    Target { name: "riscv32imac", triple: "riscv32imac-unknown-none-elf", ..THUMBV7EM };

/// WebAssembly without an operating system, with vectors of 128 bits: what a page loads.
pub(crate) const WASM: Target = Target {
    name: "wasm",
    triple: "wasm32-unknown-unknown",
    packages: &[],
    linker: None,
    runner: Runner::None,
    library: Library::Core,
    debian: None,
    rustflags: "-Ctarget-feature=+simd128",
};
