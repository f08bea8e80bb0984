//! What a still tells beside its pixels: which way up it is kept, and whose colours they are; and what of it is lost.

use std::path::Path;

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
    /// That of a block of Exif; none where there is no block, or it tells none that is known.
    #[must_use]
    pub fn of(exif: Option<&[u8]>) -> Self {
        let exif = exif.unwrap_or_default();
        // JPEG files keep its name before it, PNG files should not, and some do.
        let block = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
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

impl Lost {
    /// All that can be.
    pub const ALL: Self = Self { clear: true, wide: true, profile: true };

    /// What either lost.
    pub fn and(self, other: Self) -> Self {
        let Self { clear, wide, profile } = other;
        Self { clear: self.clear || clear, wide: self.wide || wide, profile: self.profile || profile }
    }

    /// What the other did not lose.
    pub fn but(self, other: Self) -> Self {
        let Self { clear, wide, profile } = other;
        Self { clear: self.clear && !clear, wide: self.wide && !wide, profile: self.profile && !profile }
    }

    /// Says what is lost of `file`, and `more` of it.
    pub fn tell(self, file: &Path, more: &str) {
        for what in self.words() {
            tracing::warn!("{}: {what}{more}", file.display());
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
    use super::super::super::jpeg::{Tags, tags};
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

    /// A JPEG file of eight pixels a side with these segments before all others.
    fn jpeg(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut whole = Vec::new();
        jpeg_encoder::Encoder::new(&mut whole, 90)
            .encode(&[90; 64], 8, 8, jpeg_encoder::ColorType::Luma)
            .unwrap();
        let mut file = whole[..2].to_vec();
        for (code, content) in segments {
            file.extend([0xFF, *code]);
            file.extend((content.len() as u16 + 2).to_be_bytes());
            file.extend(*content);
        }
        [&file, &whole[2..]].concat()
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
            let turn = Turn::of(Some(&exif(orientation, orientation % 2 == 0)));
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
            let found = Turn::of(Some(&exif(orientation, true))).turned((2, 3), &kept);
            assert_eq!(found, (size, upright.to_vec()), "{orientation}");
        }
    }

    #[test]
    fn a_block_that_is_cut_or_odd_turns_nothing() {
        let none = Turn::default();
        for orientation in [0, 9, 300] {
            assert_eq!(Turn::of(Some(&exif(orientation, true))), none);
        }
        let whole = exif(6, false);
        assert_ne!(Turn::of(Some(&whole)), none);
        assert_ne!(Turn::of(Some(&[b"Exif\0\0", &whole[..]].concat())), none);
        // The value ends ten bytes into the second tag, and what pads it two further on.
        (0..whole.len() - 4).for_each(|cut| assert_eq!(Turn::of(Some(&whole[..cut])), none, "{cut}"));
        let mut far = whole;
        far[4..8].copy_from_slice(&[0xFF; 4]);
        assert_eq!(Turn::of(Some(&far)), none);
    }

    #[test]
    fn a_jpeg_file_tells_its_turn_and_its_profile() {
        let tag = [b"Exif\0\0", &exif(8, true)[..]].concat();
        let part = [b"ICC_PROFILE\0\x01\x01", &profile(b"Display P3")[..]].concat();
        let other = &b"http://ns.adobe.com/xap/1.0/\0"[..];
        let file = jpeg(&[(0xE1, other), (0xE1, &tag[..]), (0xE2, &part[..])]);
        let found = tags(&file);
        assert_eq!(Turn::of(found.exif.as_deref()), Turn(Orientation::Rotate270));
        assert_eq!(found.profile, Some(profile(b"Display P3")));
        for cut in 0..file.len() {
            tags(&file[..cut]);
        }
        assert_eq!(tags(&jpeg(&[])), Tags { exif: None, profile: None });
    }

    #[test]
    fn of_several_pictures_each_loss_is_told_once() {
        let (clear, both) = (Lost { clear: true, ..Lost::default() }, Lost { wide: false, ..Lost::ALL });
        assert_eq!(both.but(clear).words().count(), 1);
        assert_eq!(both.but(clear.and(both)), Lost::default());
        assert_eq!((Lost::ALL.words().count(), Lost::ALL.but(Lost::ALL)), (3, Lost::default()));
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
