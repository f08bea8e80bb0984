//! Tells what a file holds by its first bytes.

/// Bytes from the start of a file that are looked at.
pub(super) const LENGTH: u64 = 4_096;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// YUV4MPEG2.
    Y4m,
    /// RIFF AVI.
    Avi,
    /// Matroska or `WebM`.
    Matroska,
    /// ISO base media: MP4, MOV, 3GP, HEIF.
    Mp4,
    /// An animation or a picture.
    Gif,
    /// A single picture.
    Picture(Format),
    /// A file that can hold nothing but sound.
    Sound,
    /// A container or stream that `ffmpeg` reads, by name.
    Other(&'static str),
    /// Text.
    Text,
    /// None of these.
    Unknown,
}

/// A picture format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// Windows bitmap.
    Bmp,
    /// Portable any map: PBM, PGM, PPM, PAM.
    Pnm,
}

impl Format {
    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Bmp => "BMP",
            Self::Pnm => "PNM",
        }
    }

    /// The format whose files are usually named with the extension of `name`, for pictures whose content
    /// no longer tells.
    pub fn by_name(name: &std::path::Path) -> Option<Self> {
        let extension = name.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "bmp" => Some(Self::Bmp),
            "pnm" | "pbm" | "pgm" | "ppm" | "pam" => Some(Self::Pnm),
            _ => None,
        }
    }
}

/// What a file with the first bytes `start` holds.
pub(super) fn kind(start: &[u8]) -> Kind {
    if let Some(format) = picture(start) {
        return Kind::Picture(format);
    }
    match start {
        [b'Y', b'U', b'V', b'4', b'M', b'P', b'E', b'G', b'2', b' ' | b'\n', ..] => Kind::Y4m,
        [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] => riff(form),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Kind::Matroska,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Kind::Gif,
        [_, _, _, _, name @ ..] if MP4_BOXES.iter().any(|known| name.starts_with(known)) => Kind::Mp4,
        [b'f', b'L', b'a', b'C', ..] | [b'I', b'D', b'3', ..] | [0xFF, 0xF0..=0xFF, ..] => Kind::Sound,
        [b'F', b'O', b'R', b'M', ..] | [b'c', b'a', b'f', b'f', ..] | [b'R', b'F', b'6', b'4', ..] => {
            Kind::Sound
        }
        [b'O', b'g', b'g', b'S', ..] => ogg(start),
        [b'F', b'L', b'V', ..] => Kind::Other("Flash Video"),
        [b'D', b'K', b'I', b'F', ..] => Kind::Other("IVF"),
        [0x30, 0x26, 0xB2, 0x75, ..] => Kind::Other("ASF"),
        [0x06, 0x0E, 0x2B, 0x34, ..] => Kind::Other("MXF"),
        [0, 0, 1, 0xBA | 0xB3, ..] => Kind::Other("MPEG"),
        [0, 0, 0, 1, ..] | [0, 0, 1, ..] => Kind::Other("an elementary stream"),
        _ if transport_stream(start) => Kind::Other("MPEG-TS"),
        _ if text(start) => Kind::Text,
        _ => Kind::Unknown,
    }
}

/// The picture format of a file with the first bytes `start`.
pub(super) fn picture(start: &[u8]) -> Option<Format> {
    match start {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Format::Png),
        [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
        // The reserved words at 6 are zero: two letters alone would take in any text that starts with BM.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(Format::Bmp),
        [b'P', b'1'..=b'7', b' ' | b'\t' | b'\r' | b'\n', ..] => Some(Format::Pnm),
        _ => None,
    }
}

/// Boxes with which an ISO base media file starts.
const MP4_BOXES: [&[u8]; 9] =
    [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof"];

fn riff(form: &[u8]) -> Kind {
    match form {
        [b'A', b'V', b'I', b' ', ..] => Kind::Avi,
        [b'W', b'A', b'V', b'E', ..] => Kind::Sound,
        [b'W', b'E', b'B', b'P', ..] => Kind::Other("WebP"),
        _ => Kind::Unknown,
    }
}

/// An Ogg file starts with one page for each stream (RFC 3533): pictures where one is not a sound codec's.
fn ogg(mut rest: &[u8]) -> Kind {
    const SOUND: [&[u8]; 5] = [b"\x01vorbis", b"OpusHead", b"\x7FFLAC", b"Speex   ", b"fishead\0"];
    while let [b'O', b'g', b'g', b'S', _, flags, ..] = rest
        && flags & 2 != 0
    {
        let Some(&segments) = rest.get(26) else { break };
        let Some(lengths) = rest.get(27..27 + usize::from(segments)) else { break };
        let content = &rest[27 + lengths.len()..];
        if !SOUND.iter().any(|head| content.starts_with(head)) {
            return Kind::Other("Ogg");
        }
        let length = lengths.iter().map(|&length| usize::from(length)).sum();
        rest = content.get(length..).unwrap_or_default();
    }
    Kind::Sound
}

/// Packets of 188 bytes, or 192 with a time before each (M2TS), start with 0x47.
fn transport_stream(start: &[u8]) -> bool {
    [(0, 188), (4, 192)].iter().any(|&(first, step)| {
        start.len() > first + 2 * step && start[first..].iter().step_by(step).all(|&byte| byte == 0x47)
    })
}

/// Whether `start` is UTF-8 without control characters other than white space (its end may cut a character).
fn text(start: &[u8]) -> bool {
    let whole = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(fault) if fault.error_len().is_none() => {
            std::str::from_utf8(&start[..fault.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !whole.is_empty() && whole.chars().all(|letter| !letter.is_control() || letter.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_the_kind_whatever_the_name() {
        assert_eq!(kind(b"YUV4MPEG2 W2 H2\n"), Kind::Y4m);
        assert_eq!(kind(b"RIFF\0\0\0\0AVI LIST"), Kind::Avi);
        assert_eq!(kind(b"RIFF\0\0\0\0WAVEfmt "), Kind::Sound);
        assert_eq!(kind(b"\0\0\0\x20ftypisom"), Kind::Mp4);
        assert_eq!(kind(b"GIF89a\x01\0\x01\0"), Kind::Gif);
        assert_eq!(kind(b"P6\n2 2\n255\n"), Kind::Picture(Format::Pnm));
        assert_eq!(kind(b"BMW is a brand of cars"), Kind::Text);
        assert_eq!(kind("Grüße, this is text".as_bytes()), Kind::Text);
        assert_eq!(kind(&[7, 3, 0, 255, 1]), Kind::Unknown);
        assert_eq!(kind(&[0x47; 600]), Kind::Other("MPEG-TS"));
    }

    #[test]
    fn an_ogg_file_has_pictures_only_where_a_page_says_so() {
        let page = |content: &[u8]| {
            let mut page = b"OggS\0\x02".to_vec();
            page.extend([0; 20]);
            page.extend([1, content.len() as u8]);
            page.extend(content);
            page
        };
        assert_eq!(kind(&page(b"\x01vorbis")), Kind::Sound);
        assert_eq!(kind(&[page(b"\x01vorbis"), page(b"\x80theora")].concat()), Kind::Other("Ogg"));
    }
}
