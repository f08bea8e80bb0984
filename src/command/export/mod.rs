//! `napot export`: writes what a session holds for other tools.

mod pictures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{Common, print_json, print_line};
use crate::error::{Error, Result};
use crate::format::npy;
use crate::readout::electrodes::prefilter;
use crate::session::Session;
use crate::signal::{ElectrodeItem, SessionItem};
use crate::sink::edf::EdfWriter;
use crate::sink::part::{PartFile, part_of};
use crate::sink::wav::WavWriter;
use crate::sink::xdf::XdfWriter;
use crate::stream::Sink;
use crate::time::{TICKS_PER_SECOND, Timestamp};

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// The session; one that was cut short is written as far as it is whole.
    #[arg(value_name = "SESSION")]
    file: PathBuf,
    /// The form; the file lies beside the session, in the folder `--out`, or is `--out` where that ends as files of the form do.
    #[arg(long, value_name = "FORM")]
    to: Form,
}

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// EDF+: electrodes in microvolts, onsets as annotations.
    Edf,
    /// XDF: electrodes in microvolts, onsets as a stream of markers.
    Xdf,
    /// WAV: the sound that entered.
    Wav,
    /// A table of the electrodes in microvolts, a row per sample.
    Csv,
    /// A table of the scalar channels that entered, a row per sample.
    Channels,
    /// A table of the bursts that entered from eyes and channels, a row each.
    Bursts,
    /// NumPy: electrodes in microvolts, float32, samples x electrodes.
    Npy,
    /// A folder of the pictures that entered, small, with a table of their times.
    Png,
    /// A film of them with the sound that entered; needs the `ffmpeg` program.
    Mp4,
    /// A table of how long each tick took.
    Latency,
}

impl Form {
    /// Whether this is the name of a file of the form, by its ending, and no folder that is there.
    fn is_named(self, out: &Path) -> bool {
        let ending = Path::new(self.ending()).extension().or(Some(self.ending().as_ref()));
        self != Self::Png && !out.is_dir() && out.extension() == ending
    }

    /// What follows the session's name.
    fn ending(self) -> &'static str {
        match self {
            Self::Edf => "edf",
            Self::Xdf => "xdf",
            Self::Wav => "wav",
            Self::Csv => "csv",
            Self::Channels => "channels.csv",
            Self::Bursts => "bursts.csv",
            Self::Npy => "npy",
            Self::Png => "pictures",
            Self::Mp4 => "mp4",
            Self::Latency => "latency.csv",
        }
    }

    /// Whether it holds the electrodes, sample after sample.
    fn is_of_electrodes(self) -> bool {
        matches!(self, Self::Edf | Self::Xdf | Self::Csv | Self::Npy)
    }
}

/// What was written.
#[derive(serde::Serialize)]
struct Exported {
    file: String,
    /// Samples of each electrode in whose place stands no number.
    missing_samples: u64,
    /// Why the session ends before its end, where it does.
    damage: Option<String>,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &ExportArgs) -> Result<ExitCode> {
    let session = Session::open(&args.file)?;
    let beside = || args.file.parent().map(Path::to_path_buf).unwrap_or_default();
    let name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.trim_end_matches(".part").trim_end_matches(".mcap");
    let named = common.out.clone().filter(|out| args.to.is_named(out));
    let folder = common.out.clone().filter(|_| named.is_none());
    let inside = || folder.clone().unwrap_or_else(beside).join(format!("{stem}.{}", args.to.ending()));
    let path = named.unwrap_or_else(inside);
    // It may be the recording that the session was made from.
    if path.exists() {
        let error = Error::call("--to", "there is a file of this name already").value(path.display());
        return Err(error.bound("another folder: --out DIR"));
    }
    // Looked for before a file is begun, and NumPy's begins with how many rows it has.
    let missing = if args.to.is_of_electrodes() { samples(&session, |_, _| Ok(()))? } else { 0 };
    if let Some(folder) = folder {
        fs::create_dir_all(&folder)
            .map_err(|cause| Error::output(&folder, "the folder can't be made").value(cause))?;
    }
    write(args.to, &session, &path, missing).inspect_err(|_| {
        // Where there is none, or it can't be removed, nothing bears the name of a whole file.
        let _ = fs::remove_file(part_of(&path));
    })?;
    let damage = session.damage();
    if common.json {
        let damage = damage.map(|(damage, _)| damage.to_string());
        print_json(&Exported { file: path.display().to_string(), missing_samples: missing, damage })?;
    } else if !common.quiet {
        print_line(&path.display().to_string())?;
    }
    if missing > 0 {
        eprintln!(
            "napot: {missing} samples of each electrode are missing in the session: in their place stands no number (in EDF and XDF 0)"
        );
    }
    if let Some((damage, bytes)) = damage {
        eprintln!("napot: {damage}; {bytes} bytes are not in it");
    }
    Ok(ExitCode::from(u8::from(damage.is_some())))
}

/// Writes a session, of which so many samples are missing, in this form.
fn write(form: Form, session: &Session, path: &Path, missing: u64) -> Result<()> {
    let facts = session.facts();
    let (names, rate_hz) = (&facts.electrodes[..], facts.rate_hz);
    match form {
        Form::Edf => {
            let writer = EdfWriter::create(path, names, rate_hz, prefilter(rate_hz))?;
            electrodes(session, Box::new(writer))
        }
        Form::Xdf => electrodes(session, Box::new(XdfWriter::create(path, names, rate_hz)?)),
        Form::Wav => wav(session, path),
        Form::Csv => csv(session, path),
        Form::Channels => channels(session, path),
        Form::Bursts => bursts(session, path),
        Form::Npy => npy(session, path, missing),
        Form::Png => pictures::png(session, path),
        Form::Mp4 => pictures::mp4(session, path),
        Form::Latency => latency(session, path),
    }
}

/// Hands every sample of the electrodes to `take`, with its number, from the session's first tick on; gives how many were
/// missing. For those it hands over what is no number: left out, they would move all behind them to earlier times.
fn samples(session: &Session, mut take: impl FnMut(u64, &[f32]) -> Result<()>) -> Result<u64> {
    let (channels, rate_hz) = (session.facts().electrodes.len(), u64::from(session.facts().rate_hz));
    let (unknown, kept) = (vec![f32::NAN; channels], session.counts().samples);
    let (mut next, mut missing) = (session.ticks()[0].0 * rate_hz / TICKS_PER_SECOND, 0);
    for item in session.items()? {
        let SessionItem::Electrodes(first, values) = item? else { continue };
        let wrong = |what: &str| Error::input(session.path(), what).at(format!("electrodes, sample {first}"));
        missing +=
            first.checked_sub(next).ok_or_else(|| wrong("samples come twice, or out of their order"))?;
        // So a number that lies makes no file without end.
        if missing > kept {
            let error = wrong("more samples are missing than were kept").value(missing);
            return Err(error.bound(format!("at most {kept}")));
        }
        for number in next..first {
            take(number, &unknown)?;
        }
        next = first;
        for sample in values.chunks_exact(channels) {
            take(next, sample)?;
            next += 1;
        }
    }
    Ok(missing)
}

/// Hands every sample and every mark to `sink`, in the order of time, and ends it.
fn electrodes(session: &Session, mut sink: Box<dyn Sink<Item = ElectrodeItem>>) -> Result<()> {
    let (rate_hz, start) = (session.facts().rate_hz, session.ticks()[0].start());
    let mark = |(time, text): &(Timestamp, String)| (Timestamp(time.0.saturating_sub(start.0)), text.clone());
    let mut marks = session.marks().iter().map(mark).peekable();
    samples(session, |number, sample| {
        let now = Timestamp(Timestamp::from_count(number, rate_hz).0 - start.0);
        while let Some((time, text)) = marks.next_if(|(time, _)| *time <= now) {
            sink.push(&ElectrodeItem::Mark(time, text))?;
        }
        sink.push(&ElectrodeItem::Sample(sample.to_vec()))
    })?;
    for (time, text) in marks {
        sink.push(&ElectrodeItem::Mark(time, text))?;
    }
    sink.finish()
}

fn wav(session: &Session, path: &Path) -> Result<()> {
    let mut writer = WavWriter::create(path)?;
    let mut any = false;
    for item in session.items()? {
        if let SessionItem::Entered(entered) = item? {
            any |= !entered.sound.is_empty();
            writer.push(&entered.sound)?;
        }
    }
    if !any {
        return Err(Error::input(session.path(), "no sound entered in this session"));
    }
    writer.finish()
}

fn csv(session: &Session, path: &Path) -> Result<()> {
    let facts = session.facts();
    let mut file = PartFile::create(path)?;
    file.line(&format!("seconds,{}", facts.electrodes.join(",")))?;
    samples(session, |number, sample| {
        let time = Timestamp::from_count(number, facts.rate_hz);
        let values: Vec<String> = sample.iter().map(f32::to_string).collect();
        file.line(&format!("{},{}", time.exactly(), values.join(",")))
    })?;
    file.finish()
}

fn channels(session: &Session, path: &Path) -> Result<()> {
    let Some([names, _]) = &session.facts().channels else {
        return Err(Error::input(session.path(), "no channels entered in this session"));
    };
    let mut file = PartFile::create(path)?;
    // A name may hold what parts cells and lines.
    let names: Vec<String> = names.iter().map(|name| name.replace([',', '"', '\n', '\r'], " ")).collect();
    file.line(&format!("seconds,{}", names.join(",")))?;
    for item in session.items()? {
        let SessionItem::Channels(channels) = item? else { continue };
        for (time, sample) in channels.times.iter().zip(channels.values.chunks(names.len().max(1))) {
            let values: Vec<String> = sample.iter().map(f32::to_string).collect();
            file.line(&format!("{},{}", time.exactly(), values.join(",")))?;
        }
    }
    file.finish()
}

fn bursts(session: &Session, path: &Path) -> Result<()> {
    let mut file = PartFile::create(path)?;
    file.line("tick,seconds,array,row,column,sign,phase,magnitude,bits")?;
    for item in session.items()? {
        let SessionItem::Entered(entered) = item? else { continue };
        for (tick, burst) in &entered.bursts {
            let sheet = session.facts().arrays.get(usize::from(burst.array.0));
            let (name, width) = sheet.map_or(("", 1), |sheet| (&sheet.name[..], sheet.width.max(1) as u32));
            file.line(&format!(
                "{},{},{name},{},{},{},{},{},{}",
                tick.0,
                burst.time.exactly(),
                burst.site / width,
                burst.site % width,
                burst.sign.factor(),
                burst.phase,
                burst.magnitude,
                burst.surprisal_bits
            ))?;
        }
    }
    file.finish()
}

/// NumPy's format, of a session in which so many samples are missing.
fn npy(session: &Session, path: &Path, missing: u64) -> Result<()> {
    let (count, channels) = (session.counts().samples + missing, session.facts().electrodes.len());
    let mut file = PartFile::create(path)?;
    file.bytes(&npy::head(&[count as usize, channels]))?;
    samples(session, |_, sample| sample.iter().try_for_each(|value| file.bytes(&value.to_le_bytes())))?;
    file.finish()
}

/// A row per tick: lateness is empty where ticks were not paced.
fn latency(session: &Session, path: &Path) -> Result<()> {
    let mut file = PartFile::create(path)?;
    file.line("tick,late_us,work_us")?;
    let microseconds = |ns: u32| format!("{}.{:03}", ns / 1_000, ns % 1_000);
    for item in session.items()? {
        let SessionItem::Latency(latency) = item? else { continue };
        for (tick, (late, work)) in (latency.first.0..).zip(&latency.ticks) {
            let late = late.map_or_else(String::new, microseconds);
            file.line(&format!("{tick},{late},{}", microseconds(*work)))?;
        }
    }
    file.finish()
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;

    use super::*;
    use crate::session::{Facts, Recorder};
    use crate::signal::Entered;
    use crate::time::Tick;

    /// A session from second 1 on, in which two electrodes at 250 Hz have the samples of these numbers.
    fn session(dir: &Path, stretches: &[Range<u64>]) -> Session {
        let facts = Facts {
            form: Facts::form(),
            version: "0".to_owned(),
            config: String::new(),
            config_hash: String::new(),
            arrays: Vec::new(),
            electrodes: vec!["Cz".to_owned(), "Pz".to_owned()],
            rate_hz: 250,
            channels: None,
            sources: Vec::new(),
        };
        let path = dir.join("a.mcap");
        let mut recorder = Recorder::new(facts, Arc::default()).into_file(&path, true).unwrap();
        let entered = Entered { first: Tick(1_000), ticks: 400, ..Entered::default() };
        recorder.push(&SessionItem::Entered(entered)).unwrap();
        for stretch in stretches {
            let values = stretch.clone().flat_map(|number| [number as f32, -(number as f32)]).collect();
            recorder.push(&SessionItem::Electrodes(stretch.start, values)).unwrap();
        }
        Box::new(recorder).finish().unwrap();
        Session::open(&path).unwrap()
    }

    #[test]
    fn missing_samples_are_counted_and_those_behind_them_keep_their_times() {
        let dir = tempfile::tempdir().unwrap();
        let session = session(dir.path(), &[260..300, 325..350]);
        let missing = samples(&session, |_, _| Ok(())).unwrap();
        assert_eq!(missing, 10 + 25);
        let [table, array] = ["a.csv", "a.npy"].map(|name| dir.path().join(name));
        csv(&session, &table).unwrap();
        let table = fs::read_to_string(table).unwrap();
        let rows: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!((rows.len(), rows[0]), (100, "1.000000000,NaN,NaN"));
        assert_eq!(rows[49..51], ["1.196000000,299,-299", "1.200000000,NaN,NaN"]);
        assert_eq!(rows[74..76], ["1.296000000,NaN,NaN", "1.300000000,325,-325"]);
        npy(&session, &array, missing).unwrap();
        let (array, head) = (fs::read(array).unwrap(), npy::head(&[100, 2]));
        assert!(array.starts_with(&head) && array.len() == head.len() + 100 * 2 * 4);
    }

    #[test]
    fn samples_that_come_twice_or_lie_about_their_number_are_refused() {
        let of = |stretches: &[Range<u64>]| {
            let dir = tempfile::tempdir().unwrap();
            samples(&session(dir.path(), stretches), |_, _| Ok(())).map_err(|error| error.to_string())
        };
        assert_eq!(of(&[250..300, 300..350]), Ok(0));
        let twice = of(&[250..300, 290..350]).unwrap_err();
        assert!(twice.contains("sample 290") && twice.contains("come twice"), "{twice}");
        let lie = of(&[250..300, 1 << 40..(1 << 40) + 1]).unwrap_err();
        assert!(lie.contains("more samples are missing than were kept"), "{lie}");
    }
}
