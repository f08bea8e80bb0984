//! Inputs by the million for the reader: none makes it panic, hang or say what can't be.

use proptest::prelude::*;

use super::tests::{KINDS, options, read, session};
use super::{End, MAGIC};

/// `SplitMix64`: enough to choose what to spoil.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.roll() % (bound.max(1) as u64)) as usize
    }
}

/// Lengths that are a little wrong or very.
const LENGTHS: [u64; 16] = [
    0,
    1,
    8,
    9,
    20,
    255,
    4096,
    65_535,
    1 << 22,
    (1 << 26) - 1,
    (1 << 26) + 1,
    (1 << 31) - 1,
    u32::MAX as u64,
    i64::MAX as u64,
    u64::MAX - 8,
    u64::MAX,
];

/// Sessions of every kind, with checksums and without: without, damage gets further in.
fn seeds() -> Vec<Vec<u8>> {
    let with = KINDS.map(|(chunks, zstd)| session(options(chunks, zstd)).0);
    let without = KINDS.map(|(chunks, zstd)| {
        session(
            options(chunks, zstd)
                .calculate_chunk_crcs(false)
                .calculate_data_section_crc(false)
                .calculate_summary_section_crc(false)
                .calculate_attachment_crcs(false),
        )
        .0
    });
    with.into_iter().chain(without).collect()
}

/// Spoils `bytes` once, mostly behind the magic.
fn spoil(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let start = if dice.below(64) == 0 { 0 } else { MAGIC.len().min(bytes.len()) };
    let at = start + dice.below(bytes.len() - start);
    let count = dice.below(40).min(bytes.len() - at);
    match dice.below(10) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        2 if at < bytes.len() => bytes[at] = dice.roll() as u8,
        // A kind.
        3 if at < bytes.len() => bytes[at] = dice.below(18) as u8,
        // A length, of 64 bits or of 32.
        4 | 5 => {
            let length = LENGTHS[dice.below(LENGTHS.len())].wrapping_add(dice.below(3) as u64).to_le_bytes();
            let width = [8, 4][dice.below(2)].min(bytes.len() - at);
            bytes[at..at + width].copy_from_slice(&length[..width]);
        }
        6 => bytes.truncate(at),
        7 => drop(bytes.drain(at..at + count)),
        8 => {
            let again = bytes[at..at + count].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let other = &seeds[dice.below(seeds.len())];
            let from = dice.below(other.len());
            let piece = other[from..].iter().take(dice.below(300)).copied();
            bytes.splice(at..(at + count), piece);
        }
    }
}

fn spoilt(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(4) {
        spoil(&mut bytes, seeds, dice);
    }
    bytes
}

/// A file that is cut gives what it gave before, as far as it goes.
fn hold_to_prefix(bytes: &[u8], length: usize) {
    if let (Some((all, ..)), Some((some, ..))) = (read(bytes), read(&bytes[..length])) {
        assert!(all.starts_with(&some), "{}", bytes.escape_ascii());
    }
}

proptest! {
    #[test]
    fn any_bytes_end_somehow(bytes in prop::collection::vec(any::<u8>(), 0..2000), magic: bool) {
        let bytes = if magic { [&MAGIC[..], &bytes].concat() } else { bytes };
        prop_assert_eq!(read(&bytes).is_some(), bytes.starts_with(&MAGIC));
    }

    #[test]
    fn records_of_any_content_end_somehow(
        records in prop::collection::vec((0_u8..0x12, prop::collection::vec(0_u8..4, 0..64)), 0..12),
    ) {
        let mut bytes = MAGIC.to_vec();
        for (opcode, content) in [(1, vec![0; 8])].iter().chain(&records) {
            bytes.push(*opcode);
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend(content);
        }
        prop_assert!(!read(&bytes).unwrap().0.is_empty());
    }

    #[test]
    fn a_spoilt_session_ends_somehow(seed: u64) {
        let seeds = seeds();
        let mut dice = Dice(seed);
        let bytes = spoilt(&seeds, &mut dice);
        hold_to_prefix(&bytes, dice.below(bytes.len()));
    }
}

/// Spoils sessions `NAPOT_FUZZ` times (ten million, if it is not set), beginning with seed `NAPOT_FUZZ_SEED`:
///
/// `NAPOT_FUZZ=10000000 cargo test --lib format::mcap::fuzz -- --ignored --nocapture`
///
/// An input that makes it panic is printed with its number; the number as the seed and a count of 1 bring it back.
#[test]
#[ignore = "runs for minutes"]
fn ten_million_spoilt_sessions_end_somehow() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |text| text.parse().expect("a whole number"))
    };
    let (count, first) = (number("NAPOT_FUZZ", 10_000_000), number("NAPOT_FUZZ_SEED", 0));
    let seeds = seeds();
    let (mut refused, mut whole, mut cut, mut damaged, mut records, mut bytes_read) = (0, 0, 0, 0, 0, 0);
    for seed in first..first + count {
        let run = std::panic::catch_unwind(|| {
            // Neighbouring seeds must not spoil alike.
            let mut dice = Dice(Dice(seed).roll());
            let bytes = spoilt(&seeds, &mut dice);
            if seed % 8 == 0 {
                hold_to_prefix(&bytes, dice.below(bytes.len()));
            }
            (bytes.len(), read(&bytes))
        });
        let Ok((length, outcome)) = run else { panic!("seed {seed}") };
        bytes_read += length;
        match outcome {
            None => refused += 1,
            Some((given, end, _)) => {
                records += given.len();
                match end {
                    End::Whole => whole += 1,
                    End::Cut { .. } => cut += 1,
                    End::Damaged { .. } => damaged += 1,
                }
            }
        }
    }
    println!(
        "{count} inputs, {bytes_read} bytes, {records} records: {refused} refused, {whole} whole, {cut} cut, \
         {damaged} damaged, 0 panics"
    );
    assert_eq!(refused + whole + cut + damaged, count);
}
