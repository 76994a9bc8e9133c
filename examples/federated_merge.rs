//! A federated round: three devices watch their own updates and send a state of a few
//! hundred bytes; the server merges the states and finds the client that works against
//! the others.
//!
//! `cargo run --release --example federated_merge`

use gradsieve::{
    Detector, Direction, DirectionSettings, Error, Key, Layout, Repeat, Sjlt, Sketch, Sketcher, State,
};

/// Coordinates of an update, and numbers a sketch.
const P: usize = 5_000;
const K: usize = 64;
const CLIENTS: u64 = 3;
/// The client that sends its updates with the sign turned.
const BAD: u64 = 2;

/// One group: the server wants to know what is usual over all clients.
const SETTINGS: DirectionSettings = DirectionSettings::new(1, K);

/// Uniform in −1 … 1, from a counter.
fn noise(i: u64) -> f32 {
    let mut x = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 31)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (x >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// What a client's training yields in a round: a direction that all have in common, and
/// what is peculiar to it.
fn update(client: u64, round: u64) -> Vec<f32> {
    let sign = if client == BAD { -1.0 } else { 1.0 };
    let own = |j: u64| noise((client * 100 + round + 1) * P as u64 + j);
    (0..P as u64).map(|j| sign * noise(j) + own(j)).collect()
}

/// What a client sends: the state of its detector, and the sketch of its last update.
struct Message {
    state: Vec<u8>,
    sketch: Vec<u8>,
}

/// On the device. Nothing but the sketcher and the detector outlives an update.
fn device(client: u64, key: Key) -> Result<Message, Error> {
    let mut sketcher = Sketcher::new(Sjlt::new(K, key, Repeat::One)?, Layout::flat(P as u64)?, [0.0; K])?;
    let mut detector = Direction::new(SETTINGS, [0; SETTINGS.memory().i64s])?;
    let mut sketch = vec![0; Sketch::memory(K).bytes_at_rest];
    for round in 0..20 {
        // An update may arrive in any segments, in any order: here by layers of 1,000.
        for (number, layer) in update(client, round).chunks(1000).enumerate() {
            sketcher.segment(1000 * number as u64, layer)?;
        }
        let finished = sketcher.finish()?;
        detector.observe(&finished)?;
        let written = finished.to_bytes(&mut sketch)?;
        sketch.truncate(written);
    }
    let mut state = vec![0; detector.len_at_rest()];
    detector.to_bytes(&mut state)?;
    Ok(Message { state, sketch })
}

fn main() -> Result<(), Error> {
    // All clients share a secret key, which the server gave them over an authenticated
    // line: sketches of two keys cannot be compared. States carry its fingerprint. Who
    // has it can hide, so on the device it belongs in code that the device's owner cannot
    // read (SECURITY.md).
    let mut key = [0; 16];
    getrandom::fill(&mut key).expect("a machine that runs examples has a random source");
    let key = Key::secret(key);
    let messages = (0..CLIENTS).map(|client| device(client, key)).collect::<Result<Vec<_>, _>>()?;

    // On the server. The bytes are the same whatever machine wrote them, and what is cut
    // or altered by accident is an error. (A checksum is no signature: authenticate
    // clients.)
    let mut merged = Direction::new(SETTINGS, [0; SETTINGS.memory().i64s])?;
    let mut received = Direction::new(SETTINGS, [0; SETTINGS.memory().i64s])?;
    for message in &messages {
        received.restore(&message.state)?;
        merged.merge(&received)?;
    }
    println!("{} updates of {} clients, merged", merged.count(), messages.len());

    let mut values = [0.0; K];
    for (client, message) in messages.iter().enumerate() {
        let sketch = Sketch::from_bytes(&message.sketch, &mut values)?;
        let score = merged.score(&sketch, &mut [])?;
        let bytes = message.state.len() + message.sketch.len();
        let verdict = if client as u64 == BAD { "  works against the others" } else { "" };
        println!("client {client}: score {score:.2}, {bytes} bytes sent for {} of updates{verdict}", 4 * P);
    }
    Ok(())
}
