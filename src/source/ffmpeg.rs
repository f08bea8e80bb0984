//! The `ffmpeg` program as a child process, for every codec that has no pure-Rust decoder here.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::{Error, Kind, Result};

/// Starts `ffmpeg` on `input` with `output` as its output options; what it decodes is on the child's
/// standard output, what it complains about on its standard error.
///
/// The caller reads both and waits for the child. The bit-exact flags keep its scaler and decoders
/// from taking processor-dependent short cuts.
///
/// # Errors
/// Where the program isn't installed or can't be started.
pub fn spawn<S: AsRef<OsStr>>(input: &Path, output: &[S]) -> Result<Child> {
    // `file:` keeps a name like `http:` or `concat:` from being taken for a protocol.
    let mut name = std::ffi::OsString::from("file:");
    name.push(input);
    Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "error"])
        .args(["-protocol_whitelist", "file,pipe", "-flags", "+bitexact", "-i"])
        .arg(name)
        .args(["-flags", "+bitexact", "-sws_flags", "+accurate_rnd+bitexact"])
        .args(output)
        .arg("pipe:1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| missing(input, &cause))
}

fn missing(input: &Path, cause: &std::io::Error) -> Error {
    let error = Error::new(
        Kind::Device,
        input.display().to_string(),
        "this codec needs the `ffmpeg` program, which could not be started",
    );
    error.value(cause).help("Install it (Debian: `apt-get install ffmpeg`) and try again.")
}
