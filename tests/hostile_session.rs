//! Sessions that want memory: the reader allocates no more than a file has bytes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Cursor;

use mcap::{Compression, WriteOptions};
use napot::format::mcap::{End, MOST_RECORD, Reader};

/// Counts what the thread that asks for it allocates.
struct Counting;

thread_local! {
    /// Bytes held, the most of them, and the largest piece.
    static HELD: Cell<(isize, isize, usize)> = const { Cell::new((0, 0, 0)) };
}

fn count(change: isize, piece: usize) {
    let _ = HELD.try_with(|cell| {
        let (held, most, largest) = cell.get();
        let held = held + change;
        cell.set((held, most.max(held), largest.max(piece)));
    });
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed(), layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed(), 0);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How a file ends, the most bytes that were held meanwhile, and the largest piece.
fn measure(bytes: &[u8]) -> (End, usize, usize) {
    let (copy, length) = (bytes.to_vec(), bytes.len() as u64);
    HELD.with(|cell| cell.set((0, 0, 0)));
    let mut reader = Reader::over("hostile", Cursor::new(copy), length).unwrap();
    while reader.next().unwrap().is_some() {}
    let end = reader.end().unwrap().clone();
    drop(reader);
    let (_, most, largest) = HELD.with(Cell::get);
    (end, most.cast_unsigned(), largest)
}

/// A header whose second text says that it has 1.9 GB: other readers asked the system for them.
const HOSTILE: &str = "894d434150300d0a0118000000000000000000000010002d727573742f008000000000000000000000000000000000000000\
     0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000ff\
     fffff6000000000000000000000000000000000000000000000000";

#[test]
fn a_text_of_two_gigabytes_in_227_bytes_is_damage() {
    let bytes: Vec<u8> = (0..HOSTILE.len() / 2)
        .map(|at| u8::from_str_radix(&HOSTILE[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    assert_eq!(bytes.len(), 227);
    let (end, most, largest) = measure(&bytes);
    let End::Damaged { at: 8, what } = end else { panic!("{end:?}") };
    assert_eq!(what, "byte 8 of the content: a field of 1915551760 bytes, where 16 are left");
    assert!(most < 4096 && largest <= 227, "{most} bytes, {largest} at once");
}

/// A session of one chunk with 1000 messages.
fn session(compression: Option<Compression>) -> Vec<u8> {
    let options = WriteOptions::new().compression(compression).compression_threads(0);
    let mut writer = options.create(Cursor::new(Vec::new())).unwrap();
    let channel = writer.add_channel(0, "/a", "json", &std::collections::BTreeMap::new()).unwrap();
    for sequence in 0..1000 {
        let header =
            mcap::records::MessageHeader { channel_id: channel, sequence, log_time: 0, publish_time: 0 };
        writer.write_to_known_channel(&header, &[7; 100]).unwrap();
    }
    writer.finish().unwrap();
    writer.into_inner().into_inner()
}

#[test]
fn no_piece_is_larger_than_the_file() {
    let bytes = session(None);
    let (end, _, largest) = measure(&bytes);
    assert_eq!(end, End::Whole);
    assert!(largest <= bytes.len(), "{largest} at once");
    // Every length in the heads of the file says the most that is not refused at sight.
    for at in 8..200 {
        for length in [bytes.len() as u64, MOST_RECORD, MOST_RECORD + 1, u64::from(u32::MAX), u64::MAX] {
            let mut spoilt = bytes.clone();
            spoilt[at..at + 8].copy_from_slice(&length.to_le_bytes());
            let (_, most, largest) = measure(&spoilt);
            let allowed = bytes.len();
            assert!(
                largest <= allowed && most < 4 * allowed,
                "byte {at}, {length}: {most} bytes, {largest} at once"
            );
        }
    }
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let bytes = session(Some(Compression::Zstd));
    let chunk = bytes.windows(4).position(|window| window == b"zstd").unwrap();
    // The size that the chunk is said to have, 16 bytes before its compression's name.
    let mut spoilt = bytes.clone();
    spoilt[chunk - 16..chunk - 8].copy_from_slice(&MOST_RECORD.to_le_bytes());
    let (end, most, _) = measure(&spoilt);
    let End::Damaged { what, .. } = end else { panic!("{end:?}") };
    assert!(what.starts_with("the chunk is said to hold 67108864 bytes (possible: up to"), "{what}");
    assert!(most < 1 << 20, "{most} bytes");
}
