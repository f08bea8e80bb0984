//! `napot analyze`: prints and plots what a run found.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::report::{Report, SpectrumReport};
use super::{Common, print_json, print_line};
use crate::engine::analysis::FIT_RANGE_HZ;
use crate::error::{Error, Result};
use crate::readout::aperiodic::{FitSettings, Mode, fit};
use crate::sink::plot;

/// The largest report that is read.
const MOST_BYTES: u64 = 256 << 20;

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct AnalyzeArgs {
    /// A `report.json`, or the folder of a run. Plots go beside it, or into `--out`.
    #[arg(value_name = "REPORT|DIR")]
    report: PathBuf,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &AnalyzeArgs) -> Result<ExitCode> {
    let path = if args.report.is_dir() { args.report.join("report.json") } else { args.report.clone() };
    let report = read(&path)?;
    // What was found is told also where no plot can be written.
    if common.json {
        print_json(&report)?;
    } else if !common.quiet {
        print_line(&report.summary())?;
    }
    let dir = match &common.out {
        Some(dir) => {
            std::fs::create_dir_all(dir)
                .map_err(|cause| Error::output(dir, "the folder can't be made").value(cause))?;
            dir.clone()
        }
        None => path.parent().map(Path::to_path_buf).unwrap_or_default(),
    };
    let plots = plots(&report, &dir)?;
    if !(common.json || common.quiet) {
        for plot in plots {
            print_line(&format!("plotted {}", plot.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Report> {
    let failed = |cause: std::io::Error| {
        let error = Error::call(path.display().to_string(), "the report can't be read").value(cause);
        error.help("Give a folder that was written with `--out`, or its report.json.")
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MOST_BYTES {
        let error = Error::input(path, "the report is too large, in bytes");
        return Err(error.value(size).bound(format!("at most {MOST_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    serde_json::from_str(&text).map_err(|cause| {
        let place = format!("line {}, column {}", cause.line(), cause.column());
        Error::input(path, "this is no report of a run").at(place).value(cause)
    })
}

fn plots(report: &Report, dir: &Path) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    if let Some(spectrum) = &report.spectrum {
        let path = dir.join("spectrum.png");
        plot_spectrum(&path, report, spectrum)?;
        written.push(path);
    }
    let seconds: Vec<f64> = (1..=report.each_second.len()).map(|second| second as f64).collect();
    // A curve over time takes two points.
    if seconds.len() < 2 {
        return Ok(written);
    }
    let path = dir.join("bursts.png");
    let rates: Vec<f64> = report.each_second.iter().map(|second| second.bursts as f64).collect();
    let bits: Vec<f64> = report.each_second.iter().map(|second| second.bits).collect();
    plot::bursts(&path, &seconds, &rates, &bits)?;
    written.push(path);
    let held: Vec<f64> = report.each_second.iter().filter_map(|second| second.bits_held).collect();
    if held.len() == seconds.len() {
        let path = dir.join("information.png");
        plot::information(&path, &seconds, &held)?;
        written.push(path);
    }
    Ok(written)
}

/// The driven spectrum, the tonic one, and its fit.
fn plot_spectrum(path: &Path, report: &Report, spectrum: &SpectrumReport) -> Result<()> {
    let settings = FitSettings { mode: Mode::Fixed, max_peaks: 0, ..FitSettings::default() };
    let tonic = spectrum.tonic.as_ref();
    let fitted = tonic.and_then(|power| fit(&spectrum.hz, power, FIT_RANGE_HZ, &settings).ok());
    plot::spectrum(
        path,
        &plot::SpectrumPlot {
            frequencies: &spectrum.hz,
            power: &spectrum.driven,
            tonic: tonic.map(Vec::as_slice),
            fit: fitted.as_ref(),
            interval: report.tonic.as_ref().and_then(|tonic| tonic.exponent_ci),
        },
    )
}
