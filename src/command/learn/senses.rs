//! `napot learn senses`: learns from recordings what a sound that belongs to its picture is like, or judges a template by them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::save;
use crate::command::files::{Files, open_files};
use crate::command::run::{Piece, Show};
use crate::command::{Common, again, print_json, print_line, senses, written};
use crate::config::{Config, Session};
use crate::engine::instrument::Instrument;
use crate::engine::senses::Senses;
use crate::engine::{Engine, Inputs, Keep, Pace};
use crate::error::{Error, Result};
use crate::readout::belonging::{BINS_PER_SECOND, Hearing, Judged, LEAST, Said, Templates};
use crate::session;
use crate::source::media::MediaOptions;
use crate::source::room::Room;
use crate::time::Timestamp;

/// Seconds of a room.
const ROOM_SECONDS: f64 = 80.0;

/// What the command takes.
#[derive(Args, Debug)]
pub(crate) struct SensesArgs {
    /// Films with sound, and sessions: each of 30 s at least. What does not belong together is made of the same, by another's sound
    /// and by its own 7 s late.
    inputs: Vec<PathBuf>,
    /// Learn from this many rooms, of seeds from `--seed` on; each of 80 s, or of `--for`.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    room: u32,
    /// Learn nothing, but say how well the template of the configuration (`senses.template`) does on these.
    #[arg(long)]
    judge: bool,
}

/// What was learned.
#[derive(Serialize)]
struct Learned {
    file: String,
    recordings: usize,
    seconds: f64,
}

/// How well a template does.
#[derive(Serialize)]
struct Judgement {
    made: String,
    recordings: usize,
    seconds: f64,
    /// By the hearing array's differential.
    differential: Option<Judged>,
    /// By the sound's level.
    level: Option<Judged>,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &SensesArgs) -> Result<ExitCode> {
    let out = if args.judge {
        if common.out.is_some() {
            let error = Error::call("--judge", "nothing is learned, so nothing is written");
            return Err(error.bound("`--judge` or `--out FILE`"));
        }
        None
    } else {
        let out = written::out(common, "a template: --out x.json")?;
        written::spare("--out", out, &args.inputs)?;
        written::in_a_folder("--out", out)?;
        Some(out)
    };
    let config = common.load()?;
    // Before the recordings, which take their time.
    let judged = if args.judge { Some(senses::templates(&config)?) } else { None };
    let said = gathered(common, args, &config)?;
    let said: Vec<&Said> = said.iter().collect();
    let seconds = said.iter().map(|said| said.bins()).sum::<usize>() as f64 / BINS_PER_SECOND as f64;
    let recordings = said.len();
    if let Some(templates) = judged {
        let of = |hearing| templates.of(hearing).judge(&said, hearing);
        let (differential, level) = (of(Hearing::Differential), of(Hearing::Level));
        let judgement = Judgement { made: templates.made.clone(), recordings, seconds, differential, level };
        if common.json {
            print_json(&judgement)?;
        } else {
            print_line(&judgement.text())?;
        }
    } else if let Some(out) = out {
        let templates = Templates::learn(&said, call(args, common, config.seed))?;
        save(out, templates.to_text()?.as_bytes())?;
        if common.json {
            print_json(&Learned { file: out.display().to_string(), recordings, seconds })?;
        } else if !common.quiet {
            print_line(&format!("{}: learned from {recordings} recordings, {seconds:.0} s", out.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The call in words, without what says where files lie.
fn call(args: &SensesArgs, common: &Common, seed: u64) -> String {
    let mut words = String::from("napot learn senses");
    let mut add = |word: String| words = format!("{words} {word}");
    if !args.inputs.is_empty() {
        add(format!("({} files)", args.inputs.len()));
    }
    if args.room > 0 {
        add(format!("--room {}", args.room));
    }
    if let Some(seconds) = common.seconds {
        add(format!("--for {seconds}"));
    }
    add(format!("--seed {seed}"));
    common.overrides.iter().for_each(|item| add(format!("--set {item}")));
    words
}

/// What all recordings say.
fn gathered(common: &Common, args: &SensesArgs, config: &Config) -> Result<Vec<Said>> {
    let mut all = Vec::new();
    let mut add = |name: &str, said: Said| {
        said.check(name)?;
        if !common.quiet {
            eprintln!("{name}: {} s", said.bins() as u64 / BINS_PER_SECOND);
        }
        all.push(said);
        Ok(())
    };
    let short = common.seconds.filter(|seconds| *seconds < (LEAST as u64 / BINS_PER_SECOND) as f64);
    if let Some(seconds) = short {
        let error = Error::call("--for", "that is too short to learn from, in seconds").value(seconds);
        return Err(error.bound(format!("at least {}", LEAST as u64 / BINS_PER_SECOND)));
    }
    for input in &args.inputs {
        let (config, piece) = opened(common, input, config.clone())?;
        add(&input.display().to_string(), listened(&config, piece, common.seconds, input)?)?;
    }
    for room in 0..u64::from(args.room) {
        let config = Config { seed: config.seed.wrapping_add(room), ..config.clone() };
        let name = format!("room of seed {}", config.seed);
        let (video, sound) = Room::new(&config.room, config.seed)?.into_sources();
        let inputs =
            Inputs { video: Some(Box::new(video)), sound: Some(Box::new(sound)), ..Inputs::default() };
        let piece = Piece::new(inputs, Show { title: name.clone(), length: None });
        let seconds = common.seconds.unwrap_or(ROOM_SECONDS);
        add(&name, listened(&config, piece, Some(seconds), Path::new(&name))?)?;
    }
    if all.is_empty() {
        let error = Error::call("learn senses", "there is nothing to learn from");
        return Err(error.bound("films with sound, sessions or `--room N`"));
    }
    Ok(all)
}

/// Opens a recording as a replay would.
fn opened(common: &Common, input: &Path, config: Config) -> Result<(Config, Piece)> {
    if session::is_session(input) {
        let quiet = Common { quiet: true, ..common.clone() };
        return again::open(
            &quiet,
            input,
            &again::How { start: Timestamp::ZERO, verify: false, again: false },
        );
    }
    let files = [input.to_owned()];
    let Files { inputs, length, config, .. } =
        open_files(&files, &MediaOptions::default(), Timestamp::ZERO, false, config)?;
    let lacks = [(inputs.sound.is_none(), "sound"), (inputs.video.is_none(), "picture")];
    if let Some((_, what)) = lacks.into_iter().find(|(lacks, _)| *lacks) {
        let error = Error::input(input, format!("there is no {what} in it"));
        return Err(error.bound("a film with sound, or a session that both sees and hears"));
    }
    let inputs = Inputs { scalar: None, ..inputs };
    Ok((config, Piece::new(inputs, Show { title: String::new(), length })))
}

/// What a run of a recording says of both senses.
fn listened(config: &Config, piece: Piece, seconds: Option<f64>, name: &Path) -> Result<Said> {
    if !config.array.twin {
        let error = Error::input(name, "the differential from the twin is learned, and there is none");
        return Err(error.value("array.twin = false").help("Learn with `array.twin = true`."));
    }
    let Piece { inputs, layout, again, common: parts, .. } = piece;
    let session = Session { pace: Pace::Max, seconds, tail_seconds: 0.0, layout };
    let mut plan = config.plan(&session);
    (plan.mind.enabled, plan.binding.enabled, plan.objects.enabled) = (false, false, false);
    let mut instrument = Instrument::new(&plan)?;
    if let Some(again) = again {
        again.set(&mut plan);
        again.restore(&mut instrument)?;
    }
    let keep = Keep { senses: Some(Senses::new(None)), ..Keep::default() };
    let stop = Arc::clone(&parts.stop);
    let summary = Engine::start(&plan, instrument, inputs, keep, None, parts)?.join(&stop)?;
    if let Some(failure) = summary.failures.first() {
        return Err(failure.clone());
    }
    let lacks = || Error::input(name, "it does not both see and hear").bound("arrays `vision` and `hearing`");
    summary.senses.map(Senses::into_said).ok_or_else(lacks)
}

impl Judgement {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("template: {}", self.made),
            format!("judged on {} recordings, {:.0} s", self.recordings, self.seconds),
        ];
        let figure = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
        for (name, judged) in
            [("hearing array's differential", self.differential), ("sound's level", self.level)]
        {
            let Some(judged) = judged else {
                lines.push(format!("{name}: nothing to tell"));
                continue;
            };
            lines.push(format!(
                "{name}: d' {} against foreign sound, {} against shifted, right in {:.0} % of 2 s; order {:.2} own, {:.2} others",
                figure(judged.apart_foreign),
                figure(judged.apart_shifted),
                100.0 * judged.right,
                judged.order_own,
                judged.order_others,
            ));
            lines.push(format!(
                "  asynchrony, 10 s: within 20 ms {:.0} %, median error {:.1} ms; sure {:.0} % (of these within 20 ms {} %), of others' sound {:.0} %",
                100.0 * judged.met,
                judged.error_ms,
                100.0 * judged.sure,
                figure(judged.met_of_sure.map(|share| 100.0 * share)),
                100.0 * judged.sure_of_others,
            ));
        }
        lines.join("\n")
    }
}
