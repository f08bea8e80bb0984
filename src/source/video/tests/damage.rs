//! Bad files: one message that names file, place, value and bound; no panic, no picture that was not there.

use ::gif::DisposalMethod::Keep;

use super::super::{jpeg as decoder, open};
use super::{avi, chunk, gif, jpeg, outcome, outcome_alone, y4m};

fn small_avi() -> Vec<u8> {
    let picture = |level| chunk(*b"01dc", &jpeg([level, -level], level == 2));
    avi(&[vec![picture(1), chunk(*b"00wb", &[7; 5]), picture(2), picture(3)], vec![picture(4)]])
}

fn small_gif() -> Vec<u8> {
    gif(&[(5, Keep, 0, 1), (5, Keep, 2, 2), (5, Keep, 1, 1)])
}

/// Cuts `file` at every byte: what comes before the cut is as in the whole file, and then it is said.
fn every_cut_is_told(file: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    let (whole, error) = outcome(&path, file);
    assert_eq!(error, None);
    for length in 0..file.len() {
        let (frames, error) = outcome_alone(&path, &file[..length]);
        assert!(whole.starts_with(&frames), "cut at {length}");
        let error = error.unwrap_or_else(|| panic!("a cut at byte {length} was not told")).to_string();
        assert!(
            error.contains("cut") || error.contains("ends") || error.contains("empty") || length < 12,
            "{error}"
        );
    }
}

/// Flips bits of every byte: there is an end, without a panic, and no frame but of the same size.
fn no_flip_panics(file: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped");
    for at in 0..file.len() {
        for mask in [0x01, 0xFF] {
            let mut flipped = file.to_vec();
            flipped[at] ^= mask;
            let (frames, _) = outcome_alone(&path, &flipped);
            assert!(frames.len() <= 16, "byte {at}");
        }
    }
}

#[test]
fn a_cut_avi_gives_what_came_before_and_says_so() {
    every_cut_is_told(&small_avi());
}

#[test]
fn a_cut_gif_gives_what_came_before_and_says_so() {
    every_cut_is_told(&small_gif());
}

#[test]
fn a_cut_y4m_gives_what_came_before_and_says_so() {
    let file = y4m(4, 2, 3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    let header = file.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let frame = (file.len() - header) / 3;
    for length in 0..file.len() {
        let (frames, error) = outcome(&path, &file[..length]);
        assert_eq!(frames.len(), length.saturating_sub(header) / frame, "cut at {length}");
        // Y4M has no end mark: a cut between two frames is the file's end.
        let between = length > header && (length - header).is_multiple_of(frame);
        assert_eq!(error.is_none(), between, "cut at {length}");
    }
}

#[test]
fn no_flipped_bit_makes_a_panic() {
    no_flip_panics(&small_avi());
    no_flip_panics(&small_gif());
    no_flip_panics(&y4m(4, 2, 2));
}

#[test]
fn a_cut_jpeg_never_becomes_a_picture() {
    let whole = jpeg([3, -5], true);
    assert!(decoder::decode(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(decoder::decode(&whole[..length]).is_err(), "cut at {length}");
        let mut ended = whole[..length].to_vec();
        ended.extend([0xFF, 0xD9]);
        assert!(length >= whole.len() - 2 || decoder::decode(&ended).is_err(), "cut at {length}");
    }
}

#[test]
fn a_flip_that_breaks_a_code_is_refused() {
    let whole = jpeg([3, -5], true);
    let scan = whole.len() - 6;
    let refused = (scan..whole.len() - 2)
        .flat_map(|at| (0..8).map(move |bit| (at, bit)))
        .filter(|&(at, bit)| {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            decoder::decode(&flipped).is_err()
        })
        .count();
    // Of 32 bits 8 are values (two DC differences of 2 and 4 bits, two AC signs) and 2 are padding.
    assert!(refused >= 12, "{refused}");
}

/// The message for a file of these bytes.
fn message(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (frames, error) = outcome(&folder.path().join("clip.avi"), bytes);
    assert_eq!(frames.len(), 0);
    let message = error.expect("it is refused").to_string();
    assert!(message.contains("clip.avi"), "{message}");
    message
}

#[test]
fn a_message_names_file_place_value_and_bound() {
    let text = message(b"Dear reader, this is a letter.\n");
    assert!(text.contains("text, not video"), "{text}");
    let empty = message(b"");
    assert!(empty.contains("0 bytes (allowed: at least 1)"), "{empty}");
    for size in ["W0 H0", "W65535 H65535", "W16384 H16384", "W99999999999 H2"] {
        let absurd = message(format!("YUV4MPEG2 {size} F25:1\nFRAME\n").as_bytes());
        assert!(absurd.contains("byte 0") && absurd.contains("allowed: "), "{absurd}");
    }
    let deep = message(b"YUV4MPEG2 W2 H2 F25:1 C420p10\n");
    assert!(deep.contains("`420p10` (allowed: 8 bit"), "{deep}");
    let none = message(b"YUV4MPEG2 W2 H2 F25:1\n");
    assert!(none.contains("0 frames (allowed: at least 1)"), "{none}");
    let none = message(&avi(&[vec![]]));
    assert!(none.contains("0 frames (allowed: at least 1)"), "{none}");
}

#[test]
fn interlaced_motion_jpeg_is_told_and_not_shown_at_half_its_height() {
    let mut file = avi(&[vec![chunk(*b"01dc", &jpeg([1, 1], true))]]);
    let height = file.windows(4).position(|name| name == b"strf").unwrap();
    let height = height + 8 + file[height + 8..].windows(4).position(|name| name == b"strf").unwrap() + 16;
    file[height] = 16;
    let text = message(&file);
    assert!(text.contains("fields of 8 rows (allowed: whole pictures of 16 rows)"), "{text}");
}

#[test]
fn a_chunk_of_4_gib_in_a_short_file_takes_no_memory() {
    let mut file = avi(&[vec![chunk(*b"01dc", &jpeg([1, 1], true))]]);
    let at = file.windows(4).position(|name| name == b"01dc").unwrap() + 4;
    file[at..at + 4].copy_from_slice(&[0xFE, 0xFF, 0xFF, 0xFF]);
    let long = message(&file);
    assert!(long.contains("frame 0") && long.contains("4294967294 bytes (allowed: at most"), "{long}");
    for size in [4, 4 + 8 + file.windows(4).position(|name| name == b"movi").unwrap()] {
        file[size..size + 4].copy_from_slice(&[0xFF; 4]);
    }
    message(&file);
}

#[test]
fn absurd_picture_sizes_are_refused_before_they_are_allocated() {
    let mut tall = jpeg([1, 1], true);
    let frame = tall.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    tall[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);
    message(&tall);
    let mut animation = small_gif();
    animation[6..10].copy_from_slice(&[0xFF; 4]);
    let huge = message(&animation);
    assert!(huge.contains("65535 x 65535 (allowed: 1 to 16384"), "{huge}");
    animation[6..10].copy_from_slice(&[0; 4]);
    assert!(message(&animation).contains("0 x 0"));
    let huge = message(b"P6\n65535 65535\n255\n");
    assert!(huge.contains("65535 x 65535"), "{huge}");
    let mut bitmap = vec![];
    image::RgbImage::new(2, 2)
        .write_to(&mut std::io::Cursor::new(&mut bitmap), image::ImageFormat::Bmp)
        .unwrap();
    bitmap[18..26].copy_from_slice(&[0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0]);
    let huge = message(&bitmap);
    assert!(huge.contains("65535 x 65535"), "{huge}");
}

#[test]
fn cut_and_flipped_pictures_never_panic_and_cuts_are_refused() {
    let picture = image::RgbImage::from_fn(5, 4, |x, y| image::Rgb([x as u8 * 40, y as u8 * 50, 9]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture");
    for format in [image::ImageFormat::Png, image::ImageFormat::Bmp, image::ImageFormat::Pnm] {
        let mut file = Vec::new();
        picture.write_to(&mut std::io::Cursor::new(&mut file), format).unwrap();
        for at in 0..file.len() {
            let cut = outcome_alone(&path, &file[..at]);
            assert!(cut.1.is_some(), "{format:?} cut at {at} of {}", file.len());
            let mut flipped = file.clone();
            flipped[at] ^= 0x41;
            outcome_alone(&path, &flipped);
        }
    }
}

#[test]
fn missing_files_and_empty_folders_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let missing = open(&folder.path().join("nothing.mp4")).map(|_| ()).unwrap_err().to_string();
    assert!(missing.contains("nothing.mp4: it cannot be opened"), "{missing}");
    let empty = open(folder.path()).map(|_| ()).unwrap_err().to_string();
    assert!(empty.contains("no pictures") && empty.contains("allowed: at least 1"), "{empty}");
}
