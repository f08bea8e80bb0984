//! What an array still held of what it saw, moment by moment: the mind's eye of a session's replay, into files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::{RenderArgs, mean};
use crate::command::run::Piece;
use crate::command::{Common, again, pictures, print_json, print_line};
use crate::config::Session as Asked;
use crate::engine::instrument::Instrument;
use crate::engine::mind::{PATIENCE, Recalled};
use crate::engine::{Engine, Keep, Pace};
use crate::error::{Error, Result};
use crate::memory::measure::{Likeness, likeness};
use crate::memory::mind::Mind;
use crate::memory::picture::Picture;
use crate::session::{Session, is_session};
use crate::signal::{InputPicture, MindFigures, MindPicture};
use crate::sink::part::PartFile;
use crate::stream::Sink;
use crate::time::{Tick, Timestamp};

/// The longer side that either half is drawn with, or just under it; what was seen is never drawn smaller than it is.
const DRAWN: usize = 256;

/// What was rendered.
#[derive(Serialize)]
struct Rendered {
    task: &'static str,
    input: String,
    out: String,
    /// What was seen and what was recalled, side by side.
    width: usize,
    height: usize,
    /// Pictures; 1 of a moment.
    frames: u64,
    /// Pictures that were dreamt, and are held against nothing.
    dreamt: u64,
    /// Seconds of the session at which the last picture was recalled.
    seconds: f64,
    /// Correlation of luminance with what was seen then, beyond the mean of what was seen; the mean of a film's.
    correlation: Option<f64>,
    /// The same with what was seen ten seconds before: chance.
    by_chance: Option<f64>,
    /// Against what was seen then, both as the mind's eye has them; means of a film's.
    likeness: Likeness,
    /// What the mind's eye did and held in the end.
    mind: MindFigures,
    /// Why the session ends before its end, where it does.
    damage: Option<String>,
}

/// What the sink gathers: the figures of all pictures, and the last one.
#[derive(Default)]
struct Gathered {
    frames: u64,
    dreamt: u64,
    size: (usize, usize),
    correlation: Vec<f64>,
    by_chance: Vec<f64>,
    psnr: Vec<f64>,
    ssim: Vec<f64>,
    last: Option<Recalled>,
}

impl Gathered {
    fn add(&mut self, recalled: &Recalled) -> Option<Likeness> {
        self.frames += 1;
        self.correlation.extend(recalled.alike);
        self.by_chance.extend(recalled.elsewhere);
        if recalled.picture.dream {
            self.dreamt += 1;
            return None;
        }
        let found = alike(recalled);
        self.psnr.extend(found.psnr_db);
        self.ssim.extend(found.ssim);
        Some(found)
    }
}

/// Holds what was recalled against what was seen, at the size that the mind's eye has.
fn alike(Recalled { picture, sight, .. }: &Recalled) -> Likeness {
    let size = (picture.height, picture.width);
    let seen = Picture::from_rgb(sight.height, sight.width, &sight.rgb, false).resized(size.0, size.1);
    likeness(size, &picture.rgb, &seen.to_rgb(), 0)
}

/// Keeps the last picture up to a moment.
struct Last {
    until: Timestamp,
    gathered: Arc<Mutex<Gathered>>,
}

impl Sink for Last {
    type Item = Recalled;

    fn push(&mut self, recalled: &Recalled) -> Result<()> {
        if recalled.picture.tick.start() <= self.until {
            self.gathered.lock().unwrap_or_else(PoisonError::into_inner).last = Some(recalled.clone());
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Writes every picture, and when it was recalled.
struct Film {
    folder: PathBuf,
    times: PartFile,
    gathered: Arc<Mutex<Gathered>>,
}

impl Film {
    fn create(folder: &Path, gathered: Arc<Mutex<Gathered>>) -> Result<Self> {
        let mut times = PartFile::create(folder.join("times.csv"))?;
        times.line("file,seconds,dream,correlation,psnr_db")?;
        Ok(Self { folder: folder.to_owned(), times, gathered })
    }
}

impl Sink for Film {
    type Item = Recalled;

    fn push(&mut self, recalled: &Recalled) -> Result<()> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let likeness = gathered.add(recalled);
        let (size, rgb) = drawn(&recalled.sight, &recalled.picture);
        let name = format!("{:06}.png", gathered.frames);
        pictures::write(&self.folder.join(&name), size, &rgb)?;
        let seconds = recalled.picture.tick.start().exactly();
        let text = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
        let (dream, correlation) = (u8::from(recalled.picture.dream), text(recalled.alike));
        let psnr = text(likeness.and_then(|likeness| likeness.psnr_db));
        self.times.line(&format!("{name},{seconds},{dream},{correlation},{psnr}"))?;
        gathered.size = size;
        gathered.last = Some(recalled.clone());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.times.finish()
    }
}

/// What was seen on the left and what was recalled on the right, both of the size of what was seen or a multiple of it: its rows and
/// columns, and its bytes. A pixel of either is drawn as it is.
fn drawn(sight: &InputPicture, recalled: &MindPicture) -> ((usize, usize), Vec<u8>) {
    let zoom = (DRAWN / sight.height.max(sight.width).max(1)).max(1);
    let (height, width) = (sight.height * zoom, sight.width * zoom);
    let mut rgb = Vec::with_capacity(6 * height * width);
    for row in 0..height {
        for (wide, high, bytes) in
            [(sight.width, sight.height, &sight.rgb), (recalled.width, recalled.height, &recalled.rgb)]
        {
            let line = &bytes[3 * wide * (row * high / height)..][..3 * wide];
            rgb.extend((0..width).flat_map(|column| {
                let at = 3 * (column * wide / width);
                [line[at], line[at + 1], line[at + 2]]
            }));
        }
    }
    ((height, 2 * width), rgb)
}

/// Runs the task: a picture of the moment `--at`, or a film of all of them.
pub(super) fn run(common: &Common, args: &RenderArgs, out: &Path) -> Result<ExitCode> {
    let input = args.input()?;
    let session = checked(args, input)?;
    let gathered = Arc::<Mutex<Gathered>>::default();
    let damage = session.damage().map(|(damage, _)| damage.to_string());
    let figures = if let Some(at) = args.at {
        super::one_picture(out)?;
        let until = Timestamp((at * 1e9).round() as i64);
        let sink = Last { until, gathered: Arc::clone(&gathered) };
        // A picture that was in sight may stand so far behind.
        let end = Tick(until.tick_at_or_after().0 + PATIENCE + 1);
        let figures = replayed(common, input, Some(end), Box::new(sink))?;
        let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let recalled = gathered.last.take().ok_or_else(|| nothing(input).value(format!("by {at} s")))?;
        gathered.add(&recalled);
        let (size, rgb) = drawn(&recalled.sight, &recalled.picture);
        gathered.size = size;
        gathered.last = Some(recalled);
        pictures::write(out, size, &rgb)?;
        figures
    } else {
        if out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
            let error = Error::call("--out", "a film of what was recalled goes into a folder");
            return Err(error.value(out.display()).bound("a new folder, or one moment by `--at SECONDS`"));
        }
        let bound = "a new name, or one picture by `--at SECONDS`";
        pictures::new_folder(out, "the folder of the film's pictures exists already", bound)?;
        pictures::whole_folder(out, |part| {
            let film = Film::create(part, Arc::clone(&gathered))?;
            let figures = replayed(common, input, None, Box::new(film))?;
            let any = gathered.lock().unwrap_or_else(PoisonError::into_inner).frames > 0;
            if any { Ok(figures) } else { Err(nothing(input).value(format!("{} moments", figures.moments))) }
        })?
    };
    let gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
    tell(common, args, (input, out), &gathered, figures, damage)
}

/// Of a session whose array has nothing to recall yet.
fn nothing(input: &Path) -> Error {
    Error::input(input, "the array recalls nothing yet of what it saw")
        .help("It learns from the session's beginning on: choose a later moment, or record for longer.")
}

/// The session, where something was seen in it and the moment lies within.
fn checked(args: &RenderArgs, input: &Path) -> Result<Session> {
    if input.is_dir() || !is_session(input) {
        let problem = if input.exists() { "this is no session" } else { "there is no such file" };
        return Err(Error::input(input, problem).bound("a session, made by `--record`"));
    }
    let session = Session::open(input)?;
    if session.counts().pictures == 0 {
        let error = Error::input(input, "nothing was seen in this session: it holds no picture");
        return Err(error.help("Record a run with a camera, a film or the room."));
    }
    if let Some(at) = args.at {
        let [first, end] = session.ticks().map(Tick::start);
        let asked = Timestamp((at * 1e9).round() as i64);
        if !(first..=end).contains(&asked) {
            let side = if asked < first { "before its beginning" } else { "past its end" };
            let error = Error::call("--at", format!("this moment of the session lies {side}"));
            return Err(error.value(asked).bound(format!("{first} to {end}")));
        }
    }
    Ok(session)
}

/// Plays the session again from its beginning, as fast as this machine can and up to a tick, and hands all that is before the mind's eye to
/// `sink`.
fn replayed(
    common: &Common,
    input: &Path,
    until: Option<Tick>,
    sink: Box<dyn Sink<Item = Recalled>>,
) -> Result<MindFigures> {
    let how = again::How { start: Timestamp::ZERO, verify: false, again: false };
    let (config, piece) = again::open(common, input, &how)?;
    if !config.mind.enabled {
        let error = Error::configuration("mind.enabled", "without a mind's eye nothing is recalled");
        return Err(error.value(false).bound(true).help("It changes no bit of a replay: leave it on."));
    }
    if !config.vision.enabled {
        let error = Error::configuration("vision.enabled", "without an array that sees nothing is recalled");
        return Err(error.value(false).bound(true));
    }
    let Piece { inputs, layout, again, common: parts, .. } = piece;
    let asked = Asked { pace: Pace::Max, seconds: common.seconds, tail_seconds: 0.0, layout };
    let mut plan = config.plan(&asked);
    // What else looks at pictures changes no bit, and nobody asks it here.
    (plan.binding.enabled, plan.objects.enabled) = (false, false);
    let mut instrument = Instrument::new(&plan)?;
    if let Some(again) = again {
        again.set(&mut plan);
        again.restore(&mut instrument)?;
    }
    plan.ticks = [plan.ticks, until.map(|tick| tick.0)].into_iter().flatten().min();
    let keep = Keep { recalled: Some(sink), ..Keep::default() };
    let stop = Arc::clone(&parts.stop);
    let summary = Engine::start(&plan, instrument, inputs, keep, None, parts)?.join(&stop)?;
    match summary.failures.into_iter().next() {
        Some(failure) => Err(failure),
        None => Ok(summary.mind.as_ref().map(Mind::figures).cloned().unwrap_or_default()),
    }
}

/// Says what was rendered.
fn tell(
    common: &Common,
    args: &RenderArgs,
    (input, out): (&Path, &Path),
    gathered: &Gathered,
    mind: MindFigures,
    damage: Option<String>,
) -> Result<ExitCode> {
    let (height, width) = gathered.size;
    let seconds = gathered.last.as_ref().map_or(0.0, |last| last.picture.tick.start().seconds_for_print());
    let likeness = Likeness { psnr_db: mean(&gathered.psnr), ssim: mean(&gathered.ssim) };
    let code = ExitCode::from(u8::from(damage.is_some()));
    let told = Rendered {
        task: "recall",
        input: input.display().to_string(),
        out: out.display().to_string(),
        width,
        height,
        frames: gathered.frames,
        dreamt: gathered.dreamt,
        seconds,
        correlation: mean(&gathered.correlation),
        by_chance: mean(&gathered.by_chance),
        likeness,
        mind,
        damage,
    };
    if common.json {
        print_json(&told)?;
    } else if !common.quiet {
        let text = |value: Option<f64>, digits: usize| value.map_or("-".into(), |x| format!("{x:.digits$}"));
        let what = if args.at.is_some() {
            format!("what was seen and what was recalled at {seconds:.3} s")
        } else {
            format!("{} pictures, {} of them dreamt", told.frames, told.dreamt)
        };
        print_line(&format!("{what}, {width} x {height}, in {}", out.display()))?;
        if told.dreamt == told.frames {
            print_line("the array dreamt then: a dream is held against nothing")?;
        } else {
            let [like, chance] = [told.correlation, told.by_chance].map(|value| text(value, 2));
            let Likeness { psnr_db, ssim } = told.likeness;
            let measured = format!("PSNR {} dB, SSIM {} on Y", text(psnr_db, 2), text(ssim, 4));
            print_line(&format!("like what was seen {like}, by chance {chance}; {measured}"))?;
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_are_drawn_at_the_size_of_what_was_seen_and_no_pixel_is_mixed() {
        let sight =
            InputPicture { width: 2, height: 1, rgb: vec![1, 2, 3, 4, 5, 6], ..InputPicture::default() };
        let recalled =
            MindPicture { width: 1, height: 2, rgb: vec![7, 7, 7, 9, 9, 9], ..MindPicture::default() };
        let ((height, width), rgb) = drawn(&sight, &recalled);
        assert_eq!((height, width, rgb.len()), (128, 512, 3 * 128 * 512));
        let at = |row: usize, column: usize| &rgb[3 * (row * width + column)..][..3];
        assert_eq!((at(0, 0), at(127, 255)), (&[1, 2, 3][..], &[4, 5, 6][..]));
        assert_eq!((at(63, 256), at(64, 511)), (&[7, 7, 7][..], &[9, 9, 9][..]));
    }
}
