//! Lets an outside judge see what we read of an XDF file, and gives it one that we wrote.
//!
//! `xdf read FILE` prints the layout as JSON, then a row per sample: nanoseconds and the values of all channels.
//! `xdf write FILE RATE_HZ NAME…` reads a row of microvolts per sample from standard input; `! NANOSECONDS TEXT`
//! is a marker.

use std::io::{BufRead, BufWriter, Write};
use std::path::Path;

use napot::error::{Error, Result};
use napot::sink::xdf::XdfWriter;
use napot::source::scalar;
use napot::stream::Source;
use napot::time::Timestamp;

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["read", file] => read(Path::new(file)),
        ["write", file, rate, names @ ..] => write(file, rate, names),
        _ => Err(Error::call("xdf", "`read FILE` or `write FILE RATE_HZ NAME…` is needed")),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::from(error.kind().exit_code())
        }
    }
}

fn read(path: &Path) -> Result<()> {
    let mut file = scalar::open_xdf(path)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let failed = |cause: std::io::Error| Error::output("-", "it cannot be written").value(cause);
    let layout = file.layout();
    let head =
        serde_json::json!({ "names": layout.names, "units": layout.units, "format": file.info().format });
    writeln!(out, "{head}").map_err(failed)?;
    while let Some(sample) = file.pull()? {
        write!(out, "{}", sample.stamp.time.0).map_err(failed)?;
        sample.values.iter().try_for_each(|value| write!(out, " {value}")).map_err(failed)?;
        writeln!(out).map_err(failed)?;
    }
    out.flush().map_err(failed)
}

fn write(path: &str, rate: &str, names: &[&str]) -> Result<()> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut xdf = XdfWriter::create(path, &names, number(rate, 0)?)?;
    for (index, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.map_err(|cause| Error::input("-", "it cannot be read").value(cause))?;
        if let Some((nanoseconds, text)) = line.strip_prefix("! ").and_then(|rest| rest.split_once(' ')) {
            xdf.annotate(Timestamp(number(nanoseconds, index + 1)?), text);
            continue;
        }
        let values: Result<Vec<f32>> = line.split(' ').map(|word| number(word, index + 1)).collect();
        xdf.push(&values?)?;
    }
    xdf.finish().map(|_| ())
}

fn number<T: std::str::FromStr>(word: &str, line: usize) -> Result<T> {
    word.parse().map_err(|_| Error::input("-", "this is no number").at(format!("line {line}")).value(word))
}
