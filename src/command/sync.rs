//! `napot sync`: by how much recordings of one event started later than one another.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Common, pictures, print_json, print_line};
use crate::binding::activity::{Line, Pictures, Sound};
use crate::binding::clocks::{
    Clocks, DISTINCT, MOST_MILLISECONDS, MOST_RECORDINGS, Pair, SHARED, Way, clocks,
};
use crate::error::{Error, Kind, Result};
use crate::source::media::{self, Media, MediaOptions};
use crate::stream::{Faults, Source};

/// Milliseconds that a recording lasts at least.
const LEAST_MILLISECONDS: usize = 1_000;

/// How pairs become times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ways {
    /// Oscillators that pull each other: Kuramoto's flow.
    Flow,
    /// The leading eigenvector.
    Eigenvector,
    /// What pairs with the first recording tell alone.
    First,
}

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct SyncArgs {
    /// Recordings of one event: sound, films, folders of pictures, sessions; 2 to 64. What sounds is heard, of all else pictures are
    /// seen. What agrees with no other stays alone.
    #[arg(required = true, value_name = "RECORDING")]
    recordings: Vec<PathBuf>,
    /// How what pairs tell becomes a time for each.
    #[arg(long, value_name = "WAY", value_enum, default_value_t = Ways::Flow)]
    way: Ways,
    /// Threads; the result is the same for any number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    threads: Option<u32>,
}

/// By what a recording is laid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Sound,
    Pictures,
}

/// A recording as it is told.
#[derive(Debug, Serialize)]
struct ToldRecording {
    file: PathBuf,
    /// None where it tells nothing.
    by: Option<By>,
    seconds: Option<f64>,
    /// Milliseconds by which it started later than `against`; `null` of one that agrees with nobody.
    late_ms: Option<f64>,
    /// The first of those that it agrees with, directly or by others, by its place in this list; itself where it is that.
    against: Option<usize>,
    /// How alike it is to those that it agrees with, 0 to 1: the mean correlation.
    alike: Option<f64>,
    /// Those that it agrees with, by their place in this list.
    agrees: Vec<usize>,
    /// What is wrong with it.
    fault: Option<String>,
}

/// What a pair alone tells.
#[derive(Debug, Serialize)]
struct ToldPair {
    one: usize,
    other: usize,
    late_ms: f64,
    alike: f64,
    /// How many times as good as any other that lag is.
    distinct: f64,
    /// Milliseconds that both have there.
    shared_ms: f64,
    /// Whether it is sure alone.
    sure: bool,
    agrees: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Told {
    recordings: Vec<ToldRecording>,
    pairs: Vec<ToldPair>,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &SyncArgs) -> Result<ExitCode> {
    let files = &args.recordings;
    if !(2..=MOST_RECORDINGS).contains(&files.len()) {
        let problem = if files.len() == 1 { "one alone is late against nobody" } else { "they are too many" };
        return Err(Error::call("RECORDING", problem)
            .value(files.len())
            .bound(format!("2 to {MOST_RECORDINGS} recordings")));
    }
    let mut told: Vec<ToldRecording> = Vec::new();
    let (mut lines, mut places) = (Vec::new(), Vec::new());
    for file in files {
        let Heard { line, fault } = Heard::of(file)?;
        if let Some(fault) = &fault {
            tracing::warn!("{fault}");
        }
        let (by, line) = line.unzip();
        let seconds = line.as_ref().map(|line: &Line| line.numbers.len() as f64 / 1e3);
        let fault = fault.map(|fault| fault.to_string());
        let (late_ms, against, alike, agrees) = (None, None, None, Vec::new());
        if let Some(line) = line {
            places.push(told.len());
            lines.push(line);
        }
        told.push(ToldRecording { file: file.clone(), by, seconds, late_ms, against, alike, agrees, fault });
    }
    check(files, &lines)?;
    let way = match args.way {
        Ways::Flow => Way::Flow,
        Ways::Eigenvector => Way::Eigenvector,
        Ways::First => Way::First,
    };
    let threads = args.threads.map_or_else(pictures::threads, |threads| threads as usize);
    let found = clocks(&lines, way, common.seed.unwrap_or_default(), threads);
    let pairs = spread(&found, &places, &mut told);
    if found.late.iter().all(Option::is_none) {
        return Err(none_agrees(found.pairs.iter().map(|pair| pair.distinct).fold(0.0, f64::max)));
    }
    let faults = told.iter().any(|recording| recording.fault.is_some());
    tell(common, &Told { recordings: told, pairs })?;
    Ok(if faults { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// That no recording agrees with another, the best lag of all being so many times as good as any other of its pair.
fn none_agrees(best: f64) -> Error {
    let [sound, pictures] = SHARED.map(|milliseconds| milliseconds / 1_000);
    let common = format!("{sound} s of sound or {pictures} s of pictures in common");
    let error = Error::new(Kind::Input, "the recordings", "none agrees with another");
    let error = if best < DISTINCT {
        let error = error.value(format!("the best lag is {best:.2} times as good as another"));
        error.bound(format!("{DISTINCT} times, with {common}"))
    } else {
        let why = "too little is shared there, its halves are not alike, or others contradict it";
        error.value(format!("a lag stands out, but {why}")).bound(common)
    };
    error.help("Are they of one event, and do they share much of it?")
}

/// Refuses what can't be laid.
fn check(files: &[PathBuf], lines: &[Line]) -> Result<()> {
    if lines.len() < 2 {
        let error = Error::new(Kind::Input, "the recordings", "too few tell anything").value(lines.len());
        return Err(error.bound(format!("at least 2 of {}", files.len())));
    }
    let longest = lines.iter().map(|line| line.numbers.len()).max().unwrap_or_default();
    if lines.len() * longest > MOST_MILLISECONDS {
        let minutes = |milliseconds: usize| format!("{:.0} minutes", milliseconds as f64 / 6e4);
        let error = Error::call("RECORDING", "so many recordings as long as the longest are too much");
        let error = error.value(format!("{} of {}", lines.len(), minutes(longest)));
        return Err(error.bound(format!("{} in all", minutes(MOST_MILLISECONDS))));
    }
    Ok(())
}

/// Tells each recording what was found of it.
fn spread(found: &Clocks, places: &[usize], told: &mut [ToldRecording]) -> Vec<ToldPair> {
    for (at, late) in found.late.iter().enumerate() {
        let of = |pair: &&Pair| pair.agrees && (pair.one == at || pair.other == at);
        let with: Vec<f64> = found.pairs.iter().filter(of).map(|pair| pair.alike).collect();
        let agrees = found.pairs.iter().filter(of).map(|pair| places[pair.one + pair.other - at]);
        let recording = &mut told[places[at]];
        recording.agrees = agrees.collect();
        recording.late_ms = *late;
        recording.against = late.map(|_| places[found.firsts[at]]);
        recording.alike = late.map(|_| with.iter().sum::<f64>() / with.len().max(1) as f64);
        if late.is_none() {
            tracing::warn!("{} agrees with no other and stays alone", recording.file.display());
        }
    }
    let pair = |pair: &Pair| ToldPair {
        one: places[pair.one],
        other: places[pair.other],
        late_ms: pair.late,
        alike: pair.alike,
        distinct: pair.distinct,
        shared_ms: pair.shared,
        sure: pair.sure,
        agrees: pair.agrees,
    };
    found.pairs.iter().map(pair).collect()
}

/// What a recording tells, as far as it is whole.
struct Heard {
    line: Option<(By, Line)>,
    fault: Option<Error>,
}

impl Heard {
    /// # Errors
    /// Where there is no such file: a wrong call.
    fn of(file: &Path) -> Result<Self> {
        let Media { sound, video, .. } = match media::open(file, &MediaOptions::default()) {
            Ok(media) => media,
            Err(error) if error.kind() == Kind::Call => return Err(error),
            Err(error) => return Ok(Self { line: None, fault: Some(error) }),
        };
        let (mut heard, mut seen) = (Sound::default(), Pictures::default());
        let mut fault = None;
        if let Some(mut sound) = sound {
            fault = all(file, sound.as_mut(), |block| {
                heard.hear(&block);
                heard.milliseconds()
            });
        }
        let mut line = heard.line().map(|line| (By::Sound, line));
        if let Some(mut video) = video.filter(|_| line.is_none()) {
            let further = all(file, video.as_mut(), |frame| {
                seen.see(&frame);
                seen.milliseconds()
            });
            fault = fault.or(further);
            line = seen.line().map(|line| (By::Pictures, line));
        }
        if let Some((_, short)) = &line
            && short.numbers.len() < LEAST_MILLISECONDS
        {
            let error =
                Error::input(file, "it is too short to be laid").value(format!("{} ms", short.numbers.len()));
            fault = fault.or(Some(error.bound(format!("at least {LEAST_MILLISECONDS} ms"))));
            line = None;
        }
        if line.is_none() && fault.is_none() {
            let error = Error::input(file, "there is neither sound in it nor change of pictures");
            let milliseconds = heard.milliseconds().max(seen.milliseconds());
            fault =
                Some(error.value(format!("{milliseconds} ms of the same")).bound("something that happens"));
        }
        Ok(Self { line, fault })
    }
}

/// Takes all that a source gives, and what went wrong; `take` tells how many milliseconds there are.
fn all<T>(file: &Path, source: &mut dyn Source<Item = T>, mut take: impl FnMut(T) -> usize) -> Option<Error> {
    loop {
        match source.pull() {
            Ok(Some(item)) => {
                let milliseconds = take(item);
                if milliseconds > MOST_MILLISECONDS / 2 {
                    let error =
                        Error::input(file, "it is too long: the rest is left out").value(milliseconds);
                    return Some(error.bound(format!("at most {} ms", MOST_MILLISECONDS / 2)));
                }
            }
            Ok(None) => break,
            Err(error) => return Some(error),
        }
    }
    let Faults { damaged, .. } = source.faults();
    (damaged > 0).then(|| {
        let error = Error::input(file, "parts of it are damaged and left out").value(damaged);
        error.bound("0 damaged packets or pictures")
    })
}

/// Says what was found.
fn tell(common: &Common, told: &Told) -> Result<()> {
    if common.json {
        return print_json(told);
    }
    if common.quiet {
        return Ok(());
    }
    let name = |at: usize| told.recordings[at].file.display().to_string();
    for (at, recording) in told.recordings.iter().enumerate() {
        let (Some(late), Some(against), Some(alike)) =
            (recording.late_ms, recording.against, recording.alike)
        else {
            continue;
        };
        let when = if against == at {
            String::from("is what others are laid against")
        } else {
            let way = if late < 0.0 { "earlier" } else { "later" };
            format!("started {:.1} ms {way} than {}", late.abs(), name(against))
        };
        let agrees: Vec<String> = recording.agrees.iter().map(|other| name(*other)).collect();
        print_line(&format!("{} {when}; {alike:.2} alike to {}", name(at), agrees.join(", ")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_that_stands_out_is_not_told_as_one_that_does_not() {
        let low = none_agrees(1.5).to_string();
        assert!(low.contains("1.50 times as good") && low.contains("allowed: 2 times, with 2 s"), "{low}");
        let high = none_agrees(76.62).to_string();
        assert!(high.contains("stands out, but too little") && !high.contains("times"), "{high}");
    }
}
