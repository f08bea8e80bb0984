//! Recognises what a file holds by its first bytes, whatever its name says; only text may also be a table by its name.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::scalar::dialect::{self, Dialect};
use super::scalar::lines::not_utf8;
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
pub const UNDERSTOOD: &str = "WAV, FLAC, Ogg, MP3, AAC, MP4, Matroska, AIFF, CAF, AVI, Y4M, GIF, PNG, JPEG, BMP, PNM, EDF, BDF, XDF, MCAP, CSV";

/// Bytes looked at, but for text that begins like nothing known: a table's header alone may be longer.
const LOOKED_AT: usize = 4096;
/// Endings by which any text is read as a table, which tells what it lacks to be one.
const TABLES: [&str; 2] = ["csv", "tsv"];

impl Content {
    /// What the file at `path` holds.
    ///
    /// # Errors
    /// A file that is missing or can't be read is a wrong call; an empty one, one of no known kind and text
    /// that is not UTF-8 are wrong input.
    pub fn of(path: &Path) -> Result<Self> {
        let (head, whole) = head(path)?;
        if head.is_empty() {
            return Err(Error::input(path, "the file is empty").value("0 bytes").bound("at least 1 byte"));
        }
        let ending = path.extension().unwrap_or_default();
        let named = TABLES.iter().any(|name| ending.eq_ignore_ascii_case(name));
        let known = Self::known(&head, whole);
        known.or_else(|| (named && is_text(&head)).then_some(Self::Table)).ok_or_else(|| {
            if head.starts_with(&[0x1f, 0x8b]) {
                let error = Error::input(path, "the file is packed with gzip, as XDFZ is").at("byte 0");
                return error.value("1f 8b").bound(UNDERSTOOD).help("Unpack it first, with gunzip.");
            }
            if let Some(error) = other_encoding(path, &head, named, whole) {
                return error;
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
        Self::known(head, head.len() < LOOKED_AT)
    }

    /// What starts with these bytes, or consists of them.
    fn known(head: &[u8], whole: bool) -> Option<Self> {
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
            _ if is_utf16(head) => return None,
            _ if head.starts_with(b"ID3") || is_mpeg_frame(head) => Self::MpegSound,
            _ if head.starts_with(b"%OpenBCI") => Self::Table,
            _ => {
                let table = || is_text(head) && printable(head).is_some_and(|text| is_table(&text, whole));
                return foreign(head).map(Self::Foreign).or_else(|| table().then_some(Self::Table));
            }
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

/// The file's first bytes, and whether they are all that it has.
fn head(path: &Path) -> Result<(Vec<u8>, bool)> {
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
    let read = |head: &mut Vec<u8>, most: usize| -> Result<bool> {
        let missing = (most - head.len()) as u64;
        (&file).take(missing).read_to_end(head).map_err(|cause| wrong("the file can't be read", &cause))?;
        Ok(head.len() < most)
    };
    let mut whole = read(&mut head, LOOKED_AT)?;
    if !whole && printable(&head).is_some() && Content::known(&head, false).is_none() {
        whole = read(&mut head, dialect::LOOKED_AT)?;
    }
    Ok((head, whole))
}

/// What is wrong with text that would be known if it were in UTF-8; `None` where it isn't such.
fn other_encoding(path: &Path, head: &[u8], named: bool, whole: bool) -> Option<Error> {
    if is_utf16(head) {
        let error = Error::input(path, "this is UTF-16 text").at("byte 0");
        let error = error.value(format!("{:02x} {:02x}", head[0], head[1])).bound("UTF-8");
        return Some(error.help("Save it as UTF-8."));
    }
    let at = wrong_byte(head)?;
    let text = printable(head)?;
    (named || is_table(&text, whole)).then(|| not_utf8(path, at as u64, head[at]))
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
    // Electrodes have such names, too.
    let names = head.get(2) == Some(&b'\t') && head.get(3).is_some_and(u8::is_ascii_alphabetic);
    let portable = portable && !names;
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

/// Text in UTF-16 behind its mark, most of it ASCII; the mark alone may begin a frame of MPEG sound of layer I.
fn is_utf16(head: &[u8]) -> bool {
    let unit = match head {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return false,
    };
    let units: Vec<u16> = head[2..].chunks_exact(2).take(32).map(|pair| unit([pair[0], pair[1]])).collect();
    let plain = units.iter().filter(|unit| matches!(**unit, 9..=13 | 32..=126)).count();
    2 * plain > units.len()
}

/// Text of which one of the first lines is all numbers (or gaps), or which has a column of times or, below the first line,
/// a number between delimiters; read in the dialect in which tables are read.
fn is_table(text: &str, whole: bool) -> bool {
    let text = dialect::whole_lines(text, whole);
    let dialect = Dialect::of(text);
    let rows: Vec<Vec<&str>> = dialect.rows(text).take(4).collect();
    let Some((top, further)) = rows.split_first() else { return false };
    if further.first().is_some_and(|row| row.len() != top.len()) {
        return false;
    }
    let number = |cell: &&str| cell.contains(|c: char| c.is_ascii_digit()) && dialect.number(cell).is_some();
    let numbers = |row: &Vec<&str>| {
        row.len() == top.len() && row.iter().any(number) && row.iter().all(|cell| dialect.is_value(cell))
    };
    let timed = || top.iter().any(|name| dialect::time_unit(name).is_some());
    let mixed = || further.iter().any(|row| row.iter().any(number));
    rows.iter().any(numbers) || top.len() > 1 && (timed() || mixed())
}

/// The bytes as text, with marks in place of what is no UTF-8; `None` where there are control characters in it.
fn printable(head: &[u8]) -> Option<Cow<'_, str>> {
    let text = String::from_utf8_lossy(head);
    let plain = text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n'));
    plain.then_some(text)
}

/// Where the bytes are no UTF-8; a character cut by the end of the look is no matter.
fn wrong_byte(head: &[u8]) -> Option<usize> {
    let error = std::str::from_utf8(head).err()?;
    error.error_len().map(|_| error.valid_up_to())
}

/// Whether the bytes are text in UTF-8, without control characters.
fn is_text(head: &[u8]) -> bool {
    wrong_byte(head).is_none() && printable(head).is_some()
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

    fn of_file(name: &str, bytes: &[u8]) -> Result<Content> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Content::of(&path)
    }

    #[test]
    fn tables_are_known_in_every_dialect_in_which_they_are_read() {
        for text in [
            "\"time\",\"a\"\n\"0\",\"1\"\n",
            "time,\"Fz, left\",step\n0,1,2\n",
            "time,Fz (uV; filtered),step\n0,1,2\n",
            "# made by x, y and z\n#\n\ntime,a\n0,1\n",
            "\u{feff}# made by x\na,b\n0,1\n",
            "a,b\r0,1\r",
            "a\tb\n0.5\tn/a\n",
            "time\tpupil\n0\tn/a\n1\tNA\n",
            "a;b\nNULL;-\n1;2\n",
            "a,event\n1,start\n",
            "P3\tP4\n1\t2\n",
            // What lacks rows or has other times is told by the reader.
            "time,a\n",
            "time,a\n2024-01-01T00:00:00Z,1\n",
        ] {
            assert_eq!(Content::of_head(text.as_bytes()), Some(Content::Table), "{text}");
        }
        assert_eq!(Content::of_head(b"P3\t2 2\n"), Some(Content::Still));
        assert_eq!(Content::of_head(b"in 2020,\nand in 2021, too,\n"), None);
    }

    #[test]
    fn a_table_is_known_however_wide_and_by_its_ending_however_wrong() {
        let names: Vec<String> = (0..256).map(|n| format!("{n} {}", "electrode ".repeat(20))).collect();
        let values = vec!["-12.345678"; 256].join(",");
        let wide = format!("{}\n{values}\n{values}\n", names.join(","));
        assert_eq!(of_file("wide", wide.as_bytes()).unwrap(), Content::Table);
        let one = format!("{}\n{values}", names.join(","));
        assert_eq!(of_file("wide", one.as_bytes()).unwrap(), Content::Table);
        for name in ["a.csv", "a.TSV"] {
            assert_eq!(of_file(name, b"onset,note\n").unwrap(), Content::Table);
        }
        assert!(of_file("a.txt", b"onset,note\n").is_err());
        assert!(of_file("a.csv", &[3; 100]).is_err());
    }

    #[test]
    fn text_in_another_encoding_is_told_by_its_byte() {
        let little: Vec<u8> = "\u{feff}time,a\n0,1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}time,a\n0,1\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, words) in [
            (&little[..], "at byte 0: this is UTF-16 text: ff fe (allowed: UTF-8). Save it as UTF-8."),
            (&big, "at byte 0: this is UTF-16 text: fe ff (allowed: UTF-8)"),
            (b"time,Fz (\xb5V)\n0,1\n", "at byte 9: the text is not UTF-8: b5 (allowed: UTF-8)"),
            (b"Fz,Cz\n0,1\n2,\x96\n", "at byte 12: the text is not UTF-8: 96"),
        ] {
            let error = of_file("a.txt", bytes).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Input);
            assert!(error.to_string().contains(words), "{error}");
        }
        let error = of_file("a.csv", b"name\n\xe9\n").unwrap_err().to_string();
        assert!(error.contains("at byte 5: the text is not UTF-8: e9"), "{error}");
        // Other bytes behind that mark are a frame of sound.
        assert_eq!(Content::of_head(&[0xff, 0xfe, 0x90, 0x40, 0, 0, 0, 0]), Some(Content::MpegSound));
    }
}
