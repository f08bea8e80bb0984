//! The project's one error: what was wrong, where, which value, which bound, and what to do.
//!
//! Every message reads `SUBJECT, at PLACE: PROBLEM: VALUE (allowed: BOUND). HELP`, with the parts
//! that are known.

use std::fmt;
use std::path::Path;

/// The project's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing failed; it decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The command line is wrong: exit code 2.
    Call,
    /// The configuration is wrong: exit code 2.
    Configuration,
    /// What was read is damaged, cut short or of no known kind: exit code 1.
    Input,
    /// What was to be written could not be: exit code 1.
    Output,
    /// A device or program that was named or is needed is missing: exit code 3.
    Device,
    /// A numeric result left its domain: exit code 1.
    Numeric,
}

impl Kind {
    /// The process's exit code for this kind.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Call | Self::Configuration => 2,
            Self::Input | Self::Output | Self::Numeric => 1,
            Self::Device => 3,
        }
    }
}

/// One failure, told once. A pointer wide, so that a `Result` stays small.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    kind: Kind,
    subject: String,
    problem: String,
    place: Option<String>,
    value: Option<String>,
    bound: Option<String>,
    help: Option<String>,
}

impl Error {
    /// An error of `kind` about `subject` (a file, a key, a flag).
    pub fn new(kind: Kind, subject: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            subject: subject.into(),
            problem: problem.into(),
            place: None,
            value: None,
            bound: None,
            help: None,
        }))
    }

    /// Something wrong with the file at `path` that was read.
    pub fn input(path: impl AsRef<Path>, problem: impl Into<String>) -> Self {
        Self::new(Kind::Input, path.as_ref().display().to_string(), problem)
    }

    /// Something wrong with writing the file at `path`.
    pub fn output(path: impl AsRef<Path>, problem: impl Into<String>) -> Self {
        Self::new(Kind::Output, path.as_ref().display().to_string(), problem)
    }

    /// Something wrong with the configuration key `key`.
    pub fn configuration(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::new(Kind::Configuration, key, problem)
    }

    /// Something wrong with the command line.
    pub fn call(subject: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::new(Kind::Call, subject, problem)
    }

    /// Where in the subject: `byte 44`, `line 3`, `frame 12`.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.0.place = Some(place.to_string());
        self
    }

    /// The value that was found.
    #[must_use]
    pub fn value(mut self, value: impl fmt::Display) -> Self {
        self.0.value = Some(value.to_string());
        self
    }

    /// What would have been allowed.
    #[must_use]
    pub fn bound(mut self, bound: impl fmt::Display) -> Self {
        self.0.bound = Some(bound.to_string());
        self
    }

    /// What to do about it: one sentence.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The same error about a key of the configuration file `file`, with its line where it is known.
    #[must_use]
    pub fn within(mut self, file: impl AsRef<Path>, line: Option<usize>) -> Self {
        self.0.subject = format!("{}: {}", file.as_ref().display(), self.0.subject);
        self.0.place = line.map(|line| format!("line {line}")).or(self.0.place);
        self
    }

    /// The same error about what was read at `place` of the file at `path`: exit code 1.
    #[must_use]
    pub fn read_from(self, path: impl AsRef<Path>, place: impl fmt::Display) -> Self {
        let mut error = self.within(path, None).at(place);
        error.0.kind = Kind::Input;
        error
    }

    /// What it is about: a file, a key, a flag.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.subject)?;
        if let Some(place) = &self.0.place {
            write!(f, ", at {place}")?;
        }
        write!(f, ": {}", self.0.problem)?;
        if let Some(value) = &self.0.value {
            write!(f, ": {value}")?;
        }
        if let Some(bound) = &self.0.bound {
            write!(f, " (allowed: {bound})")?;
        }
        if let Some(help) = &self.0.help {
            write!(f, ". {help}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_file_place_value_bound_and_remedy() {
        let error = Error::input("clip.wav", "the channel count is out of range")
            .at("byte 22")
            .value(0)
            .bound("1 to 64")
            .help("Re-export the file as stereo.");
        assert_eq!(
            error.to_string(),
            "clip.wav, at byte 22: the channel count is out of range: 0 (allowed: 1 to 64). \
             Re-export the file as stereo."
        );
        assert_eq!(error.kind().exit_code(), 1);
    }

    #[test]
    fn what_was_read_is_told_by_its_file_and_place_and_is_no_wrong_call() {
        let error = Error::call("row", "it is out of range, in pixels").value(-3).bound("0 or more");
        let error = error.read_from("neg.txt", "line 1");
        assert_eq!(
            error.to_string(),
            "neg.txt: row, at line 1: it is out of range, in pixels: -3 (allowed: 0 or more)"
        );
        assert_eq!(error.kind(), Kind::Input);
    }

    #[test]
    fn exit_codes_tell_call_input_and_device_apart() {
        assert_eq!(Kind::Call.exit_code(), 2);
        assert_eq!(Kind::Configuration.exit_code(), 2);
        assert_eq!(Kind::Input.exit_code(), 1);
        assert_eq!(Kind::Device.exit_code(), 3);
    }
}
