//! What a still tells beside its pixels: which way up it is kept, and whose colours they are; and what of it is lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use image::metadata::Orientation;

/// Which way a picture is turned from how a file keeps it to stand upright, as Exif's orientation tag tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn(Orientation);

impl Default for Turn {
    fn default() -> Self {
        Self(Orientation::NoTransforms)
    }
}

impl Turn {
    /// That of a block of Exif; none where the block tells none that is known.
    #[must_use]
    pub fn of_exif(exif: &[u8]) -> Self {
        // JPEG files keep its name before it, PNG files should not, and some do.
        let block = exif.strip_prefix(EXIF).unwrap_or(exif);
        Orientation::from_exif_chunk(block).map_or_else(Self::default, Self)
    }

    /// The turn that undoes it.
    #[must_use]
    pub fn back(self) -> Self {
        Self(match self.0 {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            mirrored => mirrored,
        })
    }

    /// Pixels of a picture of `size` (rows, columns), row by row, as they lie when it is turned, and its size then.
    #[must_use]
    pub fn turned<T: Copy>(self, size: (usize, usize), pixels: &[T]) -> ((usize, usize), Vec<T>) {
        let (height, width) = size;
        let from = |y: usize, x: usize| match self.0 {
            Orientation::NoTransforms => (y, x),
            Orientation::FlipHorizontal => (y, width - 1 - x),
            Orientation::Rotate180 => (height - 1 - y, width - 1 - x),
            Orientation::FlipVertical => (height - 1 - y, x),
            Orientation::Rotate90FlipH => (x, y),
            Orientation::Rotate90 => (height - 1 - x, y),
            Orientation::Rotate270FlipH => (height - 1 - x, width - 1 - y),
            Orientation::Rotate270 => (x, width - 1 - y),
        };
        let (rows, columns) = if self.lies() { (width, height) } else { size };
        let pixel = |at: usize| {
            let (y, x) = from(at / columns, at % columns);
            pixels[y * width + x]
        };
        ((rows, columns), (0..rows * columns).map(pixel).collect())
    }

    /// Whether rows become columns.
    fn lies(self) -> bool {
        matches!(
            self.0,
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        )
    }
}

/// What stands before a block of Exif.
const EXIF: &[u8] = b"Exif\0\0";
/// What stands before the first part of a colour profile in a JPEG file, and how many parts there are.
const PROFILE: &[u8] = b"ICC_PROFILE\0\x01";

/// The turn that a JPEG file names before its first scan, and the first part of its colour profile.
pub(super) fn of_jpeg(data: &[u8]) -> (Turn, Option<&[u8]>) {
    let (mut turn, mut profile) = (None, None);
    let mut rest = data.get(2..).unwrap_or_default();
    while let [0xFF, code, after @ ..] = rest {
        match *code {
            // A filler.
            0xFF => rest = &rest[1..],
            // Markers without content.
            0x01 | 0xD0..=0xD8 => rest = after,
            0xD9 | 0xDA => break,
            code => {
                let [high, low, ..] = *after else { break };
                let length = usize::from(u16::from_be_bytes([high, low]));
                let Some(content) = after.get(2..length) else { break };
                if code == 0xE1 && turn.is_none() && content.starts_with(EXIF) {
                    turn = Some(Turn::of_exif(content));
                }
                if code == 0xE2 && profile.is_none() {
                    profile = content.strip_prefix(PROFILE).and_then(|parts| parts.get(1..));
                }
                rest = &after[length..];
            }
        }
    }
    (turn.unwrap_or_default(), profile)
}

/// Whether a colour profile is of sRGB by its name (ICC.1, tag `desc`), in letters of one byte or of two.
pub(super) fn is_srgb(profile: &[u8]) -> bool {
    let word = |at: usize| {
        let bytes = profile.get(at..).and_then(<[u8]>::first_chunk::<4>);
        bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize)
    };
    // Behind a header of 128 bytes: how many tags, and of each the name, the place and the length. Profiles have some twenty.
    let named = (0..word(128).min(200))
        .map(|tag| 132 + 12 * tag)
        .find(|at| profile.get(*at..).is_some_and(|tag| tag.starts_with(b"desc")));
    let Some(at) = named else { return false };
    let (start, length) = (word(at + 4), word(at + 8));
    let Some(name) = profile.get(start..start.saturating_add(length)) else { return false };
    let holds = |letters: &[u8]| name.windows(letters.len()).any(|part| part == letters);
    holds(b"sRGB") || holds(b"\0s\0R\0G\0B")
}

/// What of a still is lost when it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// Some pixels are not opaque.
    pub clear: bool,
    /// Samples of colour, or beside alpha, have 16 bits. Commands that read numbers keep those of grey.
    pub wide: bool,
    /// It has a profile, and its colours are not sRGB.
    pub profile: bool,
}

/// What was told, of which file or folder: one is opened again where it is played in rounds.
static TOLD: Mutex<BTreeSet<(PathBuf, &str)>> = Mutex::new(BTreeSet::new());

impl Lost {
    /// Says what is lost of `file`: once of all that is read `of` it, or of its folder.
    pub fn tell(self, of: &Path, file: &Path) {
        let alone = if of == file { "" } else { " (told of the first such picture of the folder)" };
        for what in self.words() {
            let first = TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert((of.to_owned(), what));
            if first {
                tracing::warn!("{}: {what}{alone}", file.display());
            }
        }
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.clear, "transparent pixels are taken as black; the result has no transparency"),
            (self.wide, "16 bits a sample are read as 8; grey pictures of numbers, as TIFFs are, keep them"),
            (self.profile, "its colour profile is left out; its colours are taken for sRGB"),
        ];
        all.into_iter().filter(|(lost, _)| *lost).map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of Exif that names an orientation, behind another tag.
    fn exif(orientation: u16, little: bool) -> Vec<u8> {
        let short = |x: u16| if little { x.to_le_bytes() } else { x.to_be_bytes() };
        let long = |x: u32| if little { x.to_le_bytes() } else { x.to_be_bytes() };
        let mut block = if little { b"II".to_vec() } else { b"MM".to_vec() };
        block.extend(short(42));
        block.extend(long(8));
        block.extend(short(2));
        for (tag, value) in [(0x103, 6), (0x112, orientation)] {
            block.extend([short(tag), short(3)].concat());
            block.extend(long(1));
            block.extend([short(value), short(0)].concat());
        }
        block.extend(long(0));
        block
    }

    fn jpeg(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut file = vec![0xFF, 0xD8];
        for (code, content) in segments {
            file.extend([0xFF, *code]);
            file.extend((content.len() as u16 + 2).to_be_bytes());
            file.extend(*content);
        }
        file.extend([0xFF, 0xDA, 0, 2, 0xFF, 0xD9]);
        file
    }

    /// A profile with one tag, its name.
    fn profile(name: &[u8]) -> Vec<u8> {
        let mut profile = vec![0; 128];
        profile.extend(1u32.to_be_bytes());
        profile.extend(b"desc");
        profile.extend(144u32.to_be_bytes());
        profile.extend((name.len() as u32).to_be_bytes());
        profile.extend(name);
        profile
    }

    #[test]
    fn every_orientation_stands_upright_and_goes_back() {
        // No two of its eight views are alike.
        let (size, upright) = ((4, 3), *b"###..##..#..");
        for orientation in 1..=8 {
            let turn = Turn::of_exif(&exif(orientation, orientation % 2 == 0));
            let (kept, stored) = turn.back().turned(size, &upright);
            assert_eq!(kept, if orientation > 4 { (3, 4) } else { (4, 3) });
            assert_eq!(turn.turned(kept, &stored), (size, upright.to_vec()), "{orientation}");
        }
        // By Exif's own words: at 6 the first row is the right-hand side, at 8 the left-hand one, at 5 the first column is the top.
        let kept = [1, 2, 3, 4, 5, 6];
        for (orientation, size, upright) in [
            (2, (2, 3), [3, 2, 1, 6, 5, 4]),
            (3, (2, 3), [6, 5, 4, 3, 2, 1]),
            (4, (2, 3), [4, 5, 6, 1, 2, 3]),
            (5, (3, 2), [1, 4, 2, 5, 3, 6]),
            (6, (3, 2), [4, 1, 5, 2, 6, 3]),
            (7, (3, 2), [6, 3, 5, 2, 4, 1]),
            (8, (3, 2), [3, 6, 2, 5, 1, 4]),
        ] {
            let found = Turn::of_exif(&exif(orientation, true)).turned((2, 3), &kept);
            assert_eq!(found, (size, upright.to_vec()), "{orientation}");
        }
    }

    #[test]
    fn a_block_that_is_cut_or_odd_turns_nothing() {
        let none = Turn::default();
        for orientation in [0, 9, 300] {
            assert_eq!(Turn::of_exif(&exif(orientation, true)), none);
        }
        let whole = exif(6, false);
        assert_ne!(Turn::of_exif(&whole), none);
        assert_ne!(Turn::of_exif(&[EXIF, &whole[..]].concat()), none);
        // The value ends ten bytes into the second tag, and what pads it two further on.
        (0..whole.len() - 4).for_each(|cut| assert_eq!(Turn::of_exif(&whole[..cut]), none, "{cut}"));
        let mut far = whole;
        far[4..8].copy_from_slice(&[0xFF; 4]);
        assert_eq!(Turn::of_exif(&far), none);
    }

    #[test]
    fn a_jpeg_file_tells_its_turn_and_its_profile_before_its_first_scan() {
        let tag = [EXIF, &exif(8, true)[..]].concat();
        let part = [PROFILE, &[1][..], &profile(b"Display P3")[..]].concat();
        let other = &b"http://ns.adobe.com/xap/1.0/\0"[..];
        let file = jpeg(&[(0xE0, &b"JFIF\0"[..]), (0xE1, other), (0xE1, &tag[..]), (0xE2, &part[..])]);
        let (turn, found) = of_jpeg(&file);
        assert_eq!((turn, found), (Turn(Orientation::Rotate270), Some(&profile(b"Display P3")[..])));
        for cut in 0..file.len() {
            of_jpeg(&file[..cut]);
        }
        assert_eq!(of_jpeg(&jpeg(&[(0xE0, &b"JFIF\0"[..])])), (Turn::default(), None));
        assert_eq!(of_jpeg(b"\xFF\xD8\xFF\xE1\0\0Exif\0\0"), (Turn::default(), None));
    }

    #[test]
    fn a_profile_is_srgb_by_its_name() {
        assert!(is_srgb(&profile(b"desc\0\0\0\0\0\0\0\x12sRGB IEC61966-2.1\0")));
        assert!(is_srgb(&profile(b"mluc\0\0\0\0\0s\0R\0G\0B")));
        for other in [&b"desc\0\0\0\0Adobe RGB (1998)"[..], b"mluc\0D\0i\0s\0p\0l\0a\0y\0 \0P\x003", b""] {
            assert!(!is_srgb(&profile(other)));
        }
        let whole = profile(b"sRGB");
        (0..whole.len()).for_each(|cut| assert!(!is_srgb(&whole[..cut]), "{cut}"));
    }
}
