//! Sketches on the wire: one small packet a sketch, for a radio or a server.
//!
//! A device that makes sketches and a server that judges them agree beforehand on
//! projection, key, K and layout. So a packet names them by a fingerprint of eight bytes
//! alone, and its numbers are rounded by a [`Codec`]. Bytes of K = 64, by codec: 277 in
//! `f32`, 150 in `f16` and `bf16`, 89 in int8, 32 in one bit; [`Sketch::to_bytes`], which
//! says all and rounds nothing, takes 372.
//!
//! ```
//! use gradsieve::wire::{PacketSettings, Packets};
//! use gradsieve::{Codec, Key, Layout, Projector, Repeat, Sjlt, Sketcher};
//!
//! // Both ends know these; the key is secret where clients may be hostile.
//! let (projector, layout) = (Sjlt::new(64, Key::secret([7; 16]), Repeat::One)?, Layout::flat(1000)?);
//! let packets = Packets::new(projector.id(layout.id()), &layout)?;
//!
//! // The device.
//! const SETTINGS: PacketSettings = PacketSettings::new(Codec::F16);
//! let mut packet = [0; SETTINGS.most_bytes(64)];
//! let mut sketcher = Sketcher::new(projector, layout, [0.0; 64])?;
//! sketcher.segment(0, &[0.25_f32; 1000])?;
//! let sketch = sketcher.finish()?;
//! let written = packets.write(&sketch, SETTINGS, &mut packet)?;
//! assert_eq!(written, 150);
//!
//! // The server: more bytes may follow.
//! let mut values = [0.0; 64];
//! let (received, read) = packets.read(&packet, &mut values)?;
//! assert_eq!(read, written);
//! assert!((received.values[0] - sketch.values[0]).abs() <= sketch.values[0].abs() / 2048.0);
//! # Ok::<(), gradsieve::Error>(())
//! ```
//!
//! *What is exact.* Group, loss and which kind of sketch it is. The norm ‖g‖₂ is rounded
//! to `f32`, so ‖g‖₂² is off by at most 2⁻²³ of itself. The numbers are off by what their
//! codec says ([`Codec`]): two packets of one sketch are the same bytes on every machine,
//! and what is read from them is, too.
//!
//! *What is left out.* The L1 norm and the maximum, unless they are asked for: a
//! [`Sieve`](crate::Sieve) then judges without the shape of a gradient, and what needs
//! them answers [`NotMeasured`](crate::Error::NotMeasured). A gradient with numbers that
//! are none has no packet.
//!
//! *What protects.* The CRC and the fingerprint find accidents: damaged bytes, packets of
//! another model. Neither proves who has sent a packet; that is for the transport to do.
//! Whatever the bytes, reading them is an [`Error`](crate::Error) that says what is wrong,
//! or gives a sketch of finite numbers.
//!
//! *Cost*: a pass over the numbers and one for the CRC, some ten instructions a byte.
//!
//! May import `store`, `state`, `sketch`, `gradient` and `error`; knows nothing of the
//! methods.
#![doc = ""]
#![doc = include_str!("../../docs/src/formats/packets.md")]
//!
//! [`Codec`]: crate::Codec
//! [`Sketch::to_bytes`]: crate::Sketch::to_bytes

mod fields;
mod packet;

pub use packet::{HEADER, PacketHeader, PacketSettings, Packets};
