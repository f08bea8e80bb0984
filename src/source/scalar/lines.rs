//! Reads a text line by line: each with its number, none longer than a bound, and each in UTF-8 or told where not.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use crate::error::{Error, Result};

/// The longest line, in bytes: a file without line ends must not fill the memory.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// A line without its end.
pub struct Line {
    /// What it says; a mark of the order of bytes before the first line is left out.
    pub text: String,
    /// From 1.
    pub number: u64,
}

/// The lines of a file, which end with a line feed, a carriage return or both.
pub struct Lines {
    input: BufReader<File>,
    /// Lines read.
    number: u64,
    /// Bytes read, and where among them the last line starts.
    read: u64,
    start: u64,
    /// The last line ended with a carriage return, of which a line feed is the second half.
    returned: bool,
}

impl Lines {
    /// The lines from where `file` stands, which is its start.
    pub fn of(file: File) -> Self {
        Self { input: BufReader::new(file), number: 0, read: 0, start: 0, returned: false }
    }

    /// The next line of the file, which is the one at `path`.
    pub fn next(&mut self, path: &Path) -> Result<Option<Line>> {
        let mut bytes = Vec::new();
        let filled = self.fill(&mut bytes);
        self.number += 1;
        let (number, start) = (self.number, self.start);
        let wrong = |problem: String| Error::input(path, problem).at(format!("line {number}"));
        if !filled.map_err(|cause| wrong("the row can't be read".to_owned()).value(cause))? {
            return Ok(None);
        }
        if bytes.len() > MAX_LINE_BYTES {
            return Err(wrong(format!("the row is longer than {MAX_LINE_BYTES} bytes")));
        }
        let mut text = String::from_utf8(bytes).map_err(|cause| {
            let within = cause.utf8_error().valid_up_to();
            let (at, byte) = (start + within as u64, cause.as_bytes()[within]);
            not_utf8(path, at, byte).at(format!("line {number}, byte {at}"))
        })?;
        if number == 1 && text.starts_with('\u{feff}') {
            text.remove(0);
        }
        Ok(Some(Line { text, number }))
    }

    /// Puts the next line into `line`, or the start of one that is too long; false where none is left.
    fn fill(&mut self, line: &mut Vec<u8>) -> std::io::Result<bool> {
        let mut begun = false;
        loop {
            let held = match self.input.fill_buf() {
                Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
                held => held?,
            };
            let Some(&first) = held.first() else { return Ok(begun) };
            if std::mem::take(&mut self.returned) && first == b'\n' {
                self.input.consume(1);
                self.read += 1;
                continue;
            }
            if !begun {
                self.start = self.read;
                begun = true;
            }
            let end = held.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            line.extend_from_slice(&held[..end.unwrap_or(held.len())]);
            self.returned = end.is_some_and(|end| held[end] == b'\r');
            let used = end.map_or(held.len(), |end| end + 1);
            self.input.consume(used);
            self.read += used as u64;
            if end.is_some() || line.len() > MAX_LINE_BYTES {
                return Ok(true);
            }
        }
    }
}

/// The error of a text that holds `byte` at byte `at` of the file at `path`.
pub fn not_utf8(path: &Path, at: u64, byte: u8) -> Error {
    let error = Error::input(path, "the text is not UTF-8").at(format!("byte {at}"));
    error.value(format!("{byte:02x}")).bound("UTF-8").help("Save it as UTF-8.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_system_are_numbered_as_an_editor_numbers_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let mut lines = Lines::of(File::open(&path).unwrap());
            let mut found = Vec::new();
            loop {
                match lines.next(&path) {
                    Ok(Some(line)) => found.push((line.number, line.text)),
                    Ok(None) => return (found, None),
                    Err(error) => return (found, Some(error.to_string())),
                }
            }
        };
        let lines = [(1, "a"), (2, ""), (3, "b")].map(|(number, text)| (number, text.to_owned()));
        for text in ["a\n\nb\n", "a\r\n\r\nb\r\n", "a\r\rb\r", "a\n\nb", "\u{feff}a\n\nb\n"] {
            assert_eq!(read(text.as_bytes()), (lines.to_vec(), None), "{text:?}");
        }
        // Line ends on both sides of where a buffer ends.
        let wide = "x".repeat((1 << 13) - 1);
        let (found, _) = read(format!("{wide}\r\nb\r\n").as_bytes());
        assert_eq!(found, [(1, wide), (2, "b".to_owned())]);
        let (found, error) = read(b"a\r\nbc\xe9\r\n");
        let error = error.unwrap();
        assert_eq!(found.len(), 1);
        assert!(error.contains("at line 2, byte 5: the text is not UTF-8: e9"), "{error}");
    }
}
