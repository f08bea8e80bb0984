//! Calls the program, and reads what it says.

use std::path::Path;
use std::process::{Command, Output};

/// Calls `napot WORDS` in `folder`.
pub fn napot(folder: &Path, words: &str) -> Output {
    let arguments = words.split_whitespace();
    Command::new(env!("CARGO_BIN_EXE_napot")).args(arguments).current_dir(folder).output().unwrap()
}

/// What it said on standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The document that a call which went well printed.
pub fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A call that must be refused by one message with all of `parts`, with exit code 1 or 2.
pub fn refused(folder: &Path, words: &str, parts: &[&str]) {
    let output = napot(folder, words);
    let said = said(&output);
    assert!(matches!(output.status.code(), Some(1 | 2)), "`{words}`: {:?}: {said}", output.status);
    assert!(!said.contains("panicked") && output.stdout.is_empty(), "`{words}`: {said}");
    for part in parts {
        assert!(said.contains(part), "`{words}`: no `{part}` in: {said}");
    }
}
