//! A federated round: devices watch their own updates and send a state of a few hundred
//! bytes and a packet of 150; the server merges the states, ranks the clients by what
//! their packets say, and refuses whatever else arrives.
//!
//! `cargo run --release --example federated_merge`

use gradsieve::wire::{PacketSettings, Packets};
use gradsieve::{
    Codec, Detector, Direction, DirectionSettings, Error, Key, Layout, Projector, Repeat, Sjlt, Sketcher,
    State,
};

/// Coordinates of an update, and numbers a sketch.
const P: usize = 5_000;
const K: usize = 64;
const CLIENTS: u64 = 6;
/// The client that sends its updates with the sign turned.
const BAD: u64 = 2;

/// One group: the server wants to know what is usual over all clients.
const SETTINGS: DirectionSettings = DirectionSettings::new(1, K);
/// Half the bytes of a sketch as it is, and none of its measures but the norm.
const PACKET: PacketSettings = PacketSettings::new(Codec::F16);

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

/// What both ends know of sketches before the first is sent.
#[derive(Clone, Copy)]
struct Agreed {
    projector: Sjlt,
    layout: Layout,
    packets: Packets,
}

impl Agreed {
    fn new(key: Key) -> Result<Self, Error> {
        let (projector, layout) = (Sjlt::new(K, key, Repeat::One)?, Layout::flat(P as u64)?);
        Ok(Self { projector, layout, packets: Packets::new(projector.id(layout.id()), &layout)? })
    }
}

/// What a client sends: the state of its detector, and the sketch of its last update.
struct Message {
    client: u64,
    state: Vec<u8>,
    packet: Vec<u8>,
}

/// On the device. Nothing but the sketcher and the detector outlives an update.
fn device(client: u64, agreed: &Agreed) -> Result<Message, Error> {
    let mut sketcher = Sketcher::new(agreed.projector, agreed.layout, [0.0; K])?;
    let mut detector = Direction::new(SETTINGS, [0; SETTINGS.memory().i64s])?;
    let mut packet = vec![0; PACKET.most_bytes(K)];
    for round in 0..20 {
        // An update may arrive in any segments, in any order: here by layers of 1,000.
        for (number, layer) in update(client, round).chunks(1000).enumerate() {
            sketcher.segment(1000 * number as u64, layer)?;
        }
        let sketch = sketcher.finish()?;
        detector.observe(&sketch)?;
        let written = agreed.packets.write(&sketch, PACKET, &mut packet)?;
        packet.truncate(written);
    }
    let mut state = vec![0; detector.len_at_rest()];
    detector.to_bytes(&mut state)?;
    Ok(Message { client, state, packet })
}

/// What arrives beside honest messages: damaged bytes, none, those of another key, and
/// noise that begins as a state does.
fn hostile(honest: &Message, other_key: &Agreed) -> Result<Vec<Message>, Error> {
    let mut damaged = honest.state.clone();
    damaged[100] ^= 1;
    let mut noise: Vec<u8> = (0..500).map(|i| (noise(i) * 127.0) as i8 as u8).collect();
    noise[..8].copy_from_slice(b"gradsiev");
    let packet = honest.packet.clone();
    let cut = packet[..packet.len() - 1].to_vec();
    let other = device(99, other_key)?;
    Ok(vec![
        Message { client: 96, state: damaged, packet: packet.clone() },
        Message { client: 97, state: Vec::new(), packet: packet.clone() },
        Message { client: 98, state: noise, packet },
        other,
        Message { client: 100, state: honest.state.clone(), packet: cut },
    ])
}

/// The server: what all clients together are like.
struct Server {
    agreed: Agreed,
    merged: Direction<[i64; SETTINGS.memory().i64s]>,
}

impl Server {
    /// Takes a client's state in, if it and the packet are what they should be. Otherwise
    /// the server is as it was.
    fn receive(&mut self, message: &Message) -> Result<(), Error> {
        let mut values = [0.0; K];
        self.agreed.packets.read(&message.packet, &mut values)?;
        let mut received = Direction::new(SETTINGS, [0; SETTINGS.memory().i64s])?;
        received.restore(&message.state)?;
        // A state of another key is refused before anything has been merged: an empty one
        // would take the first that comes.
        match received.sketch_id() {
            Some(id) => self.agreed.packets.id().check(&id)?,
            None => return Err(Error::TooFew { needed: 1, found: 0 }),
        }
        self.merged.merge(&received)
    }

    /// How far a client's last update is from what is usual.
    fn score(&self, message: &Message) -> Result<f64, Error> {
        let mut values = [0.0; K];
        let (sketch, _) = self.agreed.packets.read(&message.packet, &mut values)?;
        self.merged.score(&sketch, &mut [])
    }
}

fn main() -> Result<(), Error> {
    // All clients share a secret key, which the server gave them over an authenticated
    // line: sketches of two keys cannot be compared. States and packets carry its
    // fingerprint. Who has it can hide, so on the device it belongs in code that the
    // device's owner cannot read (SECURITY.md).
    let mut key = [0; 16];
    getrandom::fill(&mut key).expect("a machine that runs examples has a random source");
    let agreed = Agreed::new(Key::secret(key))?;
    let honest = (0..CLIENTS).map(|client| device(client, &agreed)).collect::<Result<Vec<_>, _>>()?;
    let hostile = hostile(&honest[0], &Agreed::new(Key::seed(1))?)?;

    // The bytes are the same whatever machine wrote them, and what is cut or altered by
    // accident is an error. (A checksum is no signature: authenticate clients.)
    let merged = Direction::new(SETTINGS, [0; SETTINGS.memory().i64s])?;
    let mut server = Server { agreed, merged };
    for message in honest.iter().chain(&hostile) {
        if let Err(error) = server.receive(message) {
            println!("client {} is refused: {error}", message.client);
        }
    }
    let (observed, clients) = (server.merged.count(), honest.len());
    assert_eq!(observed, 20 * CLIENTS, "nothing of what was refused counts");
    println!("{observed} updates of {clients} clients, merged");

    let mut ranking = honest
        .iter()
        .map(|message| Ok((server.score(message)?, message)))
        .collect::<Result<Vec<_>, Error>>()?;
    ranking.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    for (score, message) in &ranking {
        let (state, packet) = (message.state.len(), message.packet.len());
        println!(
            "client {}: score {score:.2}, {state} + {packet} bytes sent for {} of an update",
            message.client,
            4 * P
        );
    }
    assert_eq!(ranking[0].1.client, BAD);
    println!("client {BAD} works against the others");
    Ok(())
}
