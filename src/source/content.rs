//! Recognises what a file holds by its first bytes, whatever its name says.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// What a file's first bytes say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// RIFF, RF64 or BW64 with the form WAVE.
    Wave,
    /// RIFF with the form AVI.
    Avi,
    /// Free Lossless Audio Codec.
    Flac,
    /// Ogg, whatever lies in it.
    Ogg,
    /// MPEG sound: an ID3 tag, or a frame of layer I, II or III, or of AAC in ADTS.
    MpegSound,
    /// The ISO base media file: MP4, M4A, MOV.
    Mp4,
    /// Matroska or `WebM`.
    Matroska,
    /// AIFF or AIFF-C.
    Aiff,
    /// Apple's Core Audio Format.
    Caf,
    /// GIF.
    Gif,
    /// YUV4MPEG2.
    Y4m,
    /// A still picture: PNG, JPEG, BMP or PNM.
    Still,
    /// EDF, EDF+, BDF or BDF+.
    Edf,
    /// XDF.
    Xdf,
    /// MCAP: messages on topics.
    Mcap,
    /// A table of numbers as text.
    Table,
    /// A container or stream that only the `ffmpeg` program reads, with its name.
    Foreign(&'static str),
}

/// What is understood, for messages.
pub const UNDERSTOOD: &str =
    "WAV, FLAC, Ogg, MP3, AAC, MP4, Matroska, AIFF, CAF, AVI, Y4M, GIF, PNG, JPEG, EDF, BDF, XDF, MCAP, CSV";

/// Bytes looked at.
const LOOKED_AT: usize = 4096;

impl Content {
    /// What the file at `path` holds.
    ///
    /// # Errors
    /// A file that is missing or can't be read is a wrong call; an empty one and one of no known
    /// kind are wrong input.
    pub fn of(path: &Path) -> Result<Self> {
        let head = head(path)?;
        if head.is_empty() {
            return Err(Error::input(path, "the file is empty").value("0 bytes").bound("at least 1 byte"));
        }
        Self::of_head(&head).ok_or_else(|| {
            if head.starts_with(&[0x1f, 0x8b]) {
                let error = Error::input(path, "the file is packed with gzip, as XDFZ is").at("byte 0");
                return error.value("1f 8b").bound(UNDERSTOOD).help("Unpack it first, with gunzip.");
            }
            let first: Vec<String> = head.iter().take(8).map(|b| format!("{b:02x}")).collect();
            Error::input(path, "the content is of no known kind")
                .at("byte 0")
                .value(first.join(" "))
                .bound(UNDERSTOOD)
                .help("Files are recognised by their content, not by their name.")
        })
    }

    /// What starts with these bytes; `None` where nothing known does.
    #[must_use]
    pub fn of_head(head: &[u8]) -> Option<Self> {
        let form = head.get(8..12).unwrap_or_default();
        let riff = head.starts_with(b"RIFF") || head.starts_with(b"RF64") || head.starts_with(b"BW64");
        // A header that is cut short inside its first words is still what it began as.
        let known = match form {
            b"WAVE" if riff => Self::Wave,
            b"AVI " if riff => Self::Avi,
            _ if riff && head.len() < 12 => Self::Wave,
            b"AIFF" | b"AIFC" if head.starts_with(b"FORM") => Self::Aiff,
            _ if head.starts_with(b"fLaC") => Self::Flac,
            _ if head.starts_with(b"OggS") => Self::Ogg,
            _ if head.starts_with(b"caff") => Self::Caf,
            _ if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) => Self::Matroska,
            _ if is_mp4(head) => Self::Mp4,
            _ if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") => Self::Gif,
            _ if head.starts_with(b"YUV4MPEG2") => Self::Y4m,
            _ if is_still(head) => Self::Still,
            _ if is_edf(head) => Self::Edf,
            _ if head.starts_with(b"XDF:") => Self::Xdf,
            _ if head.starts_with(b"\x89MCAP") => Self::Mcap,
            _ if head.starts_with(b"ID3") || is_mpeg_frame(head) => Self::MpegSound,
            _ if head.starts_with(b"%OpenBCI") => Self::Table,
            _ => return foreign(head).map(Self::Foreign).or_else(|| is_table(head).then_some(Self::Table)),
        };
        Some(known)
    }

    /// Whether a sound track may lie in it; messages on topics are no tracks.
    #[must_use]
    pub fn may_sound(self) -> bool {
        !matches!(
            self,
            Self::Gif | Self::Y4m | Self::Still | Self::Edf | Self::Xdf | Self::Mcap | Self::Table
        )
    }

    /// Whether its clock starts at zero, so that stamps are kept as they are; else (broadcast streams, whose clocks
    /// start anywhere) zero is the first stamp of any track.
    #[must_use]
    pub fn counts_from_zero(self) -> bool {
        matches!(self, Self::Mp4 | Self::Matroska | Self::Avi)
    }

    /// Whether a picture track may lie in it.
    #[must_use]
    pub fn may_show(self) -> bool {
        match self {
            Self::Avi | Self::Ogg | Self::Mp4 | Self::Matroska | Self::Gif | Self::Y4m | Self::Still => true,
            Self::Foreign(name) => !FOREIGN_SOUND.contains(&name),
            _ => false,
        }
    }
}

/// The file's first bytes.
fn head(path: &Path) -> Result<Vec<u8>> {
    let wrong =
        |problem: &str, cause: &std::io::Error| Error::call(path.display().to_string(), problem).value(cause);
    let file = File::open(path).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => Error::call(path.display().to_string(), "there is no such file")
            .help("Check the name and the folder."),
        _ => wrong("the file can't be opened", &cause),
    })?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(Error::call(path.display().to_string(), "this is a directory, not a file"));
    }
    let mut head = Vec::with_capacity(LOOKED_AT);
    file.take(LOOKED_AT as u64)
        .read_to_end(&mut head)
        .map_err(|cause| wrong("the file can't be read", &cause))?;
    Ok(head)
}

/// A first box of one of the types that may open an ISO base media or `QuickTime` file.
fn is_mp4(head: &[u8]) -> bool {
    let first: &[u8] = head.get(4..8).unwrap_or_default();
    [b"ftyp".as_slice(), b"moov", b"mdat", b"wide", b"pnot", b"styp"].contains(&first)
        || (first == b"free" || first == b"skip") && head[0] == 0
}

fn is_still(head: &[u8]) -> bool {
    let portable = head.len() > 2
        && head[0] == b'P'
        && (b'1'..=b'6').contains(&head[1])
        && head[2].is_ascii_whitespace();
    head.starts_with(b"\x89PNG") || head.starts_with(&[0xff, 0xd8, 0xff]) || is_bmp(head) || portable
}

/// `BM` and a reserved word of zero, so that a text that starts with BM is none.
fn is_bmp(head: &[u8]) -> bool {
    head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4])
}

/// The version field of EDF, `0` and seven blanks, or that of BDF.
fn is_edf(head: &[u8]) -> bool {
    head.starts_with(b"\xffBIOSEMI")
        || head.starts_with(b"0       ") && head.iter().take(256).all(|b| (32..127).contains(b))
}

/// A valid frame header of MPEG sound (ISO/IEC 11172-3, 2.4.1.3) or of ADTS (13818-7, 6.2).
fn is_mpeg_frame(head: &[u8]) -> bool {
    let &[0xff, second, third, ..] = head else { return false };
    let (layer, version) = (second >> 1 & 3, second >> 3 & 3);
    if layer == 0 {
        return second & 0xf0 == 0xf0 && third >> 2 & 15 < 13;
    }
    second & 0xe0 == 0xe0 && version != 1 && third >> 4 != 15 && third >> 2 & 3 != 3
}

/// Foreign kinds that hold sound only.
const FOREIGN_SOUND: [&str; 7] = ["AC-3", "DTS", "WavPack", "Monkey's Audio", "TTA", "AU", "AMR"];

fn foreign(head: &[u8]) -> Option<&'static str> {
    let starts: [(&[u8], &'static str); 12] = [
        (&[0x30, 0x26, 0xb2, 0x75], "ASF (WMA, WMV)"),
        (b"FLV\x01", "FLV"),
        (&[0, 0, 1, 0xba], "MPEG program stream"),
        (&[0, 0, 1, 0xb3], "MPEG video"),
        (&[0x0b, 0x77], "AC-3"),
        (&[0x7f, 0xfe, 0x80, 0x01], "DTS"),
        (b"wvpk", "WavPack"),
        (b"MAC ", "Monkey's Audio"),
        (b"TTA1", "TTA"),
        (b".snd", "AU"),
        (b"#!AMR", "AMR"),
        (b"DKIF", "IVF"),
    ];
    let transport = [0, 188, 376].iter().all(|&at| head.get(at) == Some(&0x47));
    let found = starts.iter().find(|(start, _)| head.starts_with(start)).map(|&(_, name)| name);
    found.or(transport.then_some("MPEG transport stream"))
}

/// Printable text of which one of the first lines is all numbers (or gaps), in as many cells as the others.
fn is_table(head: &[u8]) -> bool {
    let whole = head.len() < LOOKED_AT;
    let Some(text) = printable(head) else { return false };
    let text = text.trim_start_matches('\u{feff}');
    let mut lines: Vec<&str> = text.lines().collect();
    if !whole && lines.len() > 1 {
        lines.pop();
    }
    let lines: Vec<&str> = lines.into_iter().filter(|l| !l.trim().is_empty()).take(4).collect();
    [',', ';', '\t'].into_iter().any(|delimiter| {
        let cells = |line: &str| line.split(delimiter).count();
        let numbers = |line: &str| {
            let mut cells = line.split(delimiter).map(str::trim);
            let number = |cell: &str| match delimiter {
                _ if cell.is_empty() => true,
                ',' => cell.parse::<f64>().is_ok(),
                // Where commas don't separate, they may be decimal.
                _ => cell.replace(',', ".").parse::<f64>().is_ok(),
            };
            line.contains(|c: char| c.is_ascii_digit()) && cells.all(number)
        };
        let alike = lines.iter().all(|line| cells(line) == cells(lines[0]));
        alike && lines.iter().copied().any(numbers)
    })
}

/// The bytes as text without control characters; a character cut by the end of the look is no matter.
fn printable(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&head[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_known_by_its_first_bytes() {
        let kinds: [(&[u8], Content); 17] = [
            (b"RIFF\0\0\0\0WAVE", Content::Wave),
            (b"RIFF\0\0\0\0AVI ", Content::Avi),
            (b"fLaC", Content::Flac),
            (b"OggS", Content::Ogg),
            (b"ID3\x04", Content::MpegSound),
            (&[0xff, 0xfb, 0x90, 0], Content::MpegSound),
            (&[0xff, 0xf1, 0x50, 0x80], Content::MpegSound),
            (b"\0\0\0\x20ftypisom", Content::Mp4),
            (&[0x1a, 0x45, 0xdf, 0xa3], Content::Matroska),
            (b"GIF89a", Content::Gif),
            (&[0xff, 0xd8, 0xff, 0xe0], Content::Still),
            (b"YUV4MPEG2 W1", Content::Y4m),
            (b"0       X X", Content::Edf),
            (b"\xffBIOSEMI", Content::Edf),
            (b"XDF:\x01", Content::Xdf),
            (b"\x89MCAP0\r\n", Content::Mcap),
            (b"time,a\n0,1\n1,2\n", Content::Table),
        ];
        for (head, content) in kinds {
            assert_eq!(Content::of_head(head), Some(content), "{head:?}");
        }
    }

    #[test]
    fn prose_and_noise_are_of_no_known_kind() {
        assert_eq!(Content::of_head(b"%OpenBCI Raw EXG Data\n%Sample Rate = 250 Hz\n"), Some(Content::Table));
        assert_eq!(Content::of_head(b"Dear reader,\nthis is a letter, not a table.\n"), None);
        assert_eq!(Content::of_head(b"{\"a\": 1}"), None);
        assert_eq!(Content::of_head(&[1, 2, 3, 4, 5]), None);
    }

    #[test]
    fn tables_may_lack_a_header_a_delimiter_or_a_few_values() {
        for text in ["1\n2\n3\n", "a;b\n1;\n2;3\n", "x\ty\n1\tnan\n", "1e-3,2\n", "0,5;1,5\n1,0;2\n"] {
            assert_eq!(Content::of_head(text.as_bytes()), Some(Content::Table), "{text}");
        }
    }
}
