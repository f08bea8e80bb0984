//! Reads a spectrum as two columns (Hz, power) from standard input, fits it, and prints the fit as JSON.
//!
//! `aperiodic FROM TO fixed|knee PEAKS LEAST_WIDTH < spectrum.txt`

use std::io::Read;

use napot::error::{Error, Result};
use napot::readout::aperiodic::{AperiodicFit, FitSettings, Mode, fit};

fn main() -> std::process::ExitCode {
    match run() {
        Ok(found) => {
            println!("{}", serde_json::to_string(&found).expect("a fit is plain numbers"));
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::from(error.kind().exit_code())
        }
    }
}

fn run() -> Result<AperiodicFit> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, mode, peaks, least] = words.as_slice() else {
        return Err(Error::call(
            "aperiodic",
            "five arguments are needed: FROM TO fixed|knee PEAKS LEAST_WIDTH",
        ));
    };
    let number = |word: &String| {
        word.parse::<f64>().map_err(|_| Error::call("aperiodic", "an argument is not a number").value(word))
    };
    let mode = match mode.as_str() {
        "fixed" => Mode::Fixed,
        "knee" => Mode::Knee,
        other => {
            return Err(Error::call("aperiodic", "unknown mode").value(other).bound("fixed or knee"));
        }
    };
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| Error::input("-", error.to_string()))?;
    let (mut frequencies, mut power) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let mut columns = line.split_whitespace().map(str::parse::<f64>);
        let (Some(Ok(hz)), Some(Ok(value))) = (columns.next(), columns.next()) else {
            return Err(Error::input("-", "two numbers are needed").at(format!("line {}", index + 1)));
        };
        frequencies.push(hz);
        power.push(value);
    }
    let max_peaks = peaks
        .parse()
        .map_err(|_| Error::call("aperiodic", "the number of peaks is not a count").value(peaks))?;
    let peak_width_hz = (number(least)?, 12.0);
    let settings = FitSettings { mode, max_peaks, peak_width_hz, ..Default::default() };
    fit(&frequencies, &power, (number(from)?, number(to)?), &settings)
}
