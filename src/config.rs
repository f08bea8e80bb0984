//! The configuration: a TOML shape with defaults, then one check that turns it into a plan.

use std::path::Path;
use std::sync::Once;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::array::ArrayParameters;
use crate::device::SoundDeviceParameters;
use crate::engine::binding::BindingParameters;
use crate::engine::cores;
use crate::engine::objects::ObjectsParameters;
use crate::engine::senses::SensesParameters;
use crate::engine::{EnginePlan, HearingPlan, Pace, ScalarPlan, VisionPlan};
use crate::error::{Error, Kind, Result};
use crate::exchange::ExchangeParameters;
use crate::memory::mind::MindParameters;
use crate::memory::slow::LearningParameters;
use crate::readout::electrodes::ElectrodeParameters;
use crate::readout::sonify::{SonifyParameters, scenes};
use crate::sense::cochlea::CochleaParameters;
use crate::sense::retina::{self, RetinaParameters};
use crate::sense::scalar::ScalarParameters;
use crate::signal::ScalarLayout;
use crate::source::camera::CameraParameters;
use crate::source::room::RoomParameters;
use crate::time::{TICKS_PER_SECOND, Tick};
use crate::view::ViewParameters;

/// Sites that one thread steps well within a tick, the twin's included.
const SITES_PER_THREAD: usize = 1 << 16;
/// The most threads that may share a step.
const MOST_THREADS: usize = 64;
/// The largest configuration that is read.
const MOST_BYTES: u64 = 1 << 20;

/// Everything that can be configured; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The seed of all noise and of the room.
    pub seed: u64,
    /// Threads.
    pub engine: EngineConfig,
    /// The dynamics of all arrays.
    pub array: ArrayParameters,
    /// What the arrays learn to expect.
    pub learning: LearningParameters,
    /// The mind's eye.
    pub mind: MindParameters,
    /// Whether sound and picture belong together.
    pub senses: SensesParameters,
    /// How arrays bind what is seen.
    pub binding: BindingParameters,
    /// How what is seen is taken apart into objects.
    pub objects: ObjectsParameters,
    /// Sight.
    pub vision: VisionConfig,
    /// Hearing.
    pub hearing: HearingConfig,
    /// Scalar channels.
    pub scalar: ScalarParameters,
    /// The electrodes.
    pub electrodes: ElectrodeParameters,
    /// The sound of the field.
    pub sound: SonifyParameters,
    /// The page.
    pub view: ViewParameters,
    /// The room.
    pub room: RoomParameters,
    /// The camera.
    pub camera: CameraParameters,
    /// Sessions that are recorded.
    pub record: RecordConfig,
    /// Live exchange with other programs.
    pub exchange: ExchangeParameters,
    /// The microphone of a live run.
    pub microphone: SoundDeviceParameters,
    /// The speaker of a live run.
    pub speaker: SoundDeviceParameters,
}

/// Sessions that are recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordConfig {
    /// Seconds between two states that a session keeps, 1 to 3600: a replay starts from any of them.
    pub state_seconds: u64,
    /// Megabytes of memory that a paced run remembers its last seconds in, 0 to 4096; 0 remembers nothing. It can go
    /// back to a kept state only, so it needs room for some.
    pub retro_megabytes: u64,
}

impl Default for RecordConfig {
    fn default() -> Self {
        Self { state_seconds: 10, retro_megabytes: 40 }
    }
}

/// Threads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EngineConfig {
    /// Threads that share a step, 0 to 64; 0 takes as many as pay: one for every 65,536 sites, and one core
    /// left to the sources. More than this machine has cores are as many as it has. The result never depends on it.
    pub threads: usize,
    /// Cores that these threads stay on, the engine's own first, as many as threads or more; none leaves them to
    /// the system. Where `threads` is 0, every core named here has one.
    pub cores: Vec<usize>,
}

/// Sight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VisionConfig {
    /// Whether there is a seeing array.
    pub enabled: bool,
    /// Rows, 1 to 4096.
    pub height: usize,
    /// Columns, 1 to 4096.
    pub width: usize,
    /// The retina.
    pub retina: RetinaParameters,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self { enabled: true, height: 128, width: 128, retina: RetinaParameters::default() }
    }
}

/// Hearing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HearingConfig {
    /// Whether there is a hearing array.
    pub enabled: bool,
    /// The cochlea; its channels and rates are the array's rows and columns.
    pub cochlea: CochleaParameters,
}

impl Default for HearingConfig {
    fn default() -> Self {
        Self { enabled: true, cochlea: CochleaParameters::default() }
    }
}

/// What a command adds to the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// How fast model time runs.
    pub pace: Pace,
    /// Seconds to run.
    pub seconds: Option<f64>,
    /// Seconds to run on after the end of the inputs.
    pub tail_seconds: f64,
    /// The channels of a scalar input.
    pub layout: Option<ScalarLayout>,
}

impl Config {
    /// Reads a file (or takes the defaults), then applies `key=value` overrides.
    ///
    /// # Errors
    /// Names the file, the line, the key, the value and the bound.
    pub fn load(file: Option<&Path>, overrides: &[String]) -> Result<Self> {
        let text = file.map(read).transpose()?.unwrap_or_default();
        Self::from_text(&text, file, overrides)
    }

    /// The same from a text, which a message calls `file` where it came from one.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_text(text: &str, file: Option<&Path>, overrides: &[String]) -> Result<Self> {
        let name = file.map_or_else(|| "configuration".to_owned(), |file| file.display().to_string());
        // The text itself first: only here do faults have a line.
        let mut from_file: Self = toml::from_str(text).map_err(|fault| located(&name, text, &fault))?;
        let mut table: toml::Table = toml::from_str(text).map_err(|fault| located(&name, text, &fault))?;
        if set_scene(&mut table) {
            from_file = table.clone().try_into().map_err(|fault| located(&name, text, &fault))?;
        }
        from_file.check().map_err(|error| match file {
            Some(file) => {
                let line = line_of_key(text, error.subject());
                error.within(file, line)
            }
            None => error,
        })?;
        if overrides.is_empty() {
            return Ok(from_file);
        }
        for item in overrides {
            // Another scene brings all its own settings.
            if item.split_once('=').is_some_and(|(key, _)| key.trim() == "sound.scene") {
                table.remove("sound");
            }
            set(&mut table, item)?;
            set_scene(&mut table);
        }
        let config: Self = table.try_into().map_err(|fault: toml::de::Error| {
            Error::call("--set", in_words(fault.message())).value(overrides.join(" "))
        })?;
        config.check()?;
        Ok(config)
    }

    /// Checks every bound.
    ///
    /// # Errors
    /// Names the key, the value and the bound.
    pub fn check(&self) -> Result<()> {
        if self.engine.threads > MOST_THREADS {
            let error = Error::configuration("engine.threads", "the value is out of bounds");
            return Err(error.value(self.engine.threads).bound(format!("0 to {MOST_THREADS}")));
        }
        cores::check(&self.engine.cores, self.threads())?;
        retina::check_sheet(self.vision.height, self.vision.width)?;
        let seconds = self.record.state_seconds;
        if !(1..=3_600).contains(&seconds) {
            let error = Error::configuration("record.state_seconds", "the value is out of bounds");
            return Err(error.value(seconds).bound("1 to 3600"));
        }
        let megabytes = self.record.retro_megabytes;
        if megabytes > 4_096 {
            let error = Error::configuration("record.retro_megabytes", "the value is out of bounds");
            return Err(error.value(megabytes).bound("0 to 4096"));
        }
        self.array.check()?;
        self.learning.check()?;
        self.mind.check()?;
        self.binding.check()?;
        self.objects.check()?;
        self.vision.retina.check()?;
        self.hearing.cochlea.check()?;
        self.scalar.check()?;
        self.electrodes.check()?;
        self.sound.check()?;
        self.view.check()?;
        self.exchange.check()?;
        self.microphone.check("microphone")?;
        self.speaker.check("speaker")?;
        self.camera.check()?;
        self.room.check()
    }

    /// The plan of a run.
    #[must_use]
    pub fn plan(&self, session: &Session) -> EnginePlan {
        static LOWERED: Once = Once::new();
        let ticks = |seconds: f64| (seconds * TICKS_PER_SECOND as f64).round() as u64;
        let (asked, threads) = (self.engine.threads, self.threads());
        if asked > threads {
            LOWERED.call_once(|| {
                tracing::warn!("engine.threads: {threads} and not {asked}: this machine has no more cores");
            });
        }
        EnginePlan {
            seed: self.seed,
            threads,
            cores: self.engine.cores.clone(),
            pace: session.pace,
            first: Tick(0),
            ticks: session.seconds.map(ticks),
            tail_ticks: ticks(session.tail_seconds),
            array: self.array.clone(),
            learning: self.learning.clone(),
            mind: self.mind.clone(),
            binding: self.binding.clone(),
            objects: self.objects.clone(),
            vision: self.vision.enabled.then(|| VisionPlan {
                height: self.vision.height,
                width: self.vision.width,
                retina: self.vision.retina.clone(),
            }),
            hearing: self.hearing.enabled.then(|| HearingPlan { cochlea: self.hearing.cochlea.clone() }),
            scalar: session.layout.clone().map(|layout| ScalarPlan { layout, sense: self.scalar.clone() }),
            electrodes: self.electrodes.clone(),
            sonify: self.sound.clone(),
        }
    }

    /// Threads that share a step on this machine; never more than its cores, for each waits for the others by spinning.
    #[must_use]
    pub fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        match self.engine.threads {
            0 if !self.engine.cores.is_empty() => self.engine.cores.len(),
            0 => {
                let vision = if self.vision.enabled { self.vision.height * self.vision.width } else { 0 };
                let cochlea = &self.hearing.cochlea;
                let hearing = if self.hearing.enabled { cochlea.channels * cochlea.rates } else { 0 };
                // One core is for the sources: a team that has to wait for one of its own is slower than one thread.
                let spare = cores.saturating_sub(1).clamp(1, MOST_THREADS);
                (vision + hearing).div_ceil(SITES_PER_THREAD).clamp(1, spare)
            }
            threads => threads.min(cores),
        }
    }

    /// The configuration as TOML, every key spelled out.
    ///
    /// # Errors
    /// Where it can't be written as TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|cause| {
            Error::new(Kind::Configuration, "configuration", "it can't be printed").value(cause)
        })
    }

    /// What decides the result: everything but threads, the mind's eye, binding, objects, the senses' template, page, recording, exchange and devices, which are those
    /// of another machine.
    #[must_use]
    pub fn decisive(&self) -> Self {
        Self {
            engine: EngineConfig::default(),
            mind: MindParameters::default(),
            senses: SensesParameters::default(),
            binding: BindingParameters::default(),
            objects: ObjectsParameters::default(),
            view: ViewParameters::default(),
            record: RecordConfig::default(),
            exchange: ExchangeParameters::default(),
            microphone: SoundDeviceParameters::default(),
            speaker: SoundDeviceParameters::default(),
            camera: CameraParameters::default(),
            ..self.clone()
        }
    }

    /// The hash of what decides the result.
    #[must_use]
    pub fn hash(&self) -> String {
        let decisive = self.decisive();
        let mut text = serde_json::to_string(&decisive).unwrap_or_default();
        let mut leave_out = |section: String| text = text.replacen(&section, "", 1);
        // What is younger than some sessions and decides nothing is left out: they keep their hash and go on playing.
        if !self.learning.enabled {
            let section = serde_json::to_string(&decisive.learning).unwrap_or_default();
            leave_out(format!("\"learning\":{section},"));
        }
        let section = serde_json::to_string(&decisive.mind).unwrap_or_default();
        leave_out(format!("\"mind\":{section},"));
        let section = serde_json::to_string(&decisive.senses).unwrap_or_default();
        leave_out(format!("\"senses\":{section},"));
        let section = serde_json::to_string(&decisive.binding).unwrap_or_default();
        leave_out(format!("\"binding\":{section},"));
        let section = serde_json::to_string(&decisive.objects).unwrap_or_default();
        leave_out(format!("\"objects\":{section},"));
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }
}

fn read(file: &Path) -> Result<String> {
    let failed = |cause: std::io::Error| {
        Error::new(Kind::Configuration, file.display().to_string(), "the configuration can't be read")
            .value(cause)
    };
    let size = std::fs::metadata(file).map_err(failed)?.len();
    if size > MOST_BYTES {
        let error =
            Error::new(Kind::Configuration, file.display().to_string(), "the file is too large, in bytes");
        return Err(error.value(size).bound(format!("at most {MOST_BYTES}")));
    }
    std::fs::read_to_string(file).map_err(failed)
}

/// Turns a TOML fault into our message, with its line.
/// What the reader of a table says of a wrong value, with the kind that is wanted in words.
fn in_words(message: &str) -> String {
    let message = message.replace('\n', " ");
    let Some((before, wanted)) = message.split_once(", expected ") else { return message };
    let whole = |most: u64| format!("a whole number from 0 to {most}");
    let wanted = match wanted {
        "u8" => whole(u8::MAX.into()),
        "u16" => whole(u16::MAX.into()),
        "u32" => whole(u32::MAX.into()),
        "u64" | "usize" => "a whole number of at least 0".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list, as [\"a\", \"b\"]".to_owned(),
        _ if wanted.starts_with("struct ") => {
            "a section, whose keys are set one by one, as array.kappa=1".to_owned()
        }
        _ => wanted.to_owned(),
    };
    format!("{before}, expected {wanted}")
}

fn located(name: &str, text: &str, fault: &toml::de::Error) -> Error {
    let error = Error::new(Kind::Configuration, name, in_words(fault.message()));
    let Some(span) = fault.span() else { return error };
    let before = &text[..span.start.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let found = text.get(span).and_then(|found| found.lines().next()).map(str::trim).unwrap_or_default();
    let error = error.at(format!("line {line}, column {column}"));
    if found.is_empty() { error } else { error.value(found) }
}

/// The line on which a dotted key is set, where the text has it as `key =` under its `[section]`.
fn line_of_key(text: &str, key: &str) -> Option<usize> {
    let mut section = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = format!("{header}.");
        } else if let Some((name, _)) = line.split_once('=')
            && format!("{section}{}", name.trim()) == key
        {
            return Some(number + 1);
        }
    }
    None
}

/// Adds the settings of the scene that a configuration names, where it does not give its own; says whether it names one.
fn set_scene(table: &mut toml::Table) -> bool {
    let Some(toml::Value::Table(sound)) = table.get_mut("sound") else { return false };
    let named = sound.get("scene").and_then(toml::Value::as_str).and_then(scenes::scene);
    let Some(toml::Value::Table(settings)) = named.and_then(|scene| toml::Value::try_from(scene).ok()) else {
        return false;
    };
    for (key, value) in settings {
        sound.entry(key).or_insert(value);
    }
    true
}

/// Applies `a.b.c=value`; the value is TOML where it parses as such, else text.
fn set(table: &mut toml::Table, item: &str) -> Result<()> {
    let Some((key, value)) = item.split_once('=') else {
        let error = Error::call("--set", "the override has no `=`").value(item);
        return Err(error.help("Write it as `--set array.kappa=1`."));
    };
    let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.trim().to_owned()));
    let parts: Vec<&str> = key.trim().split('.').collect();
    let (last, sections) = parts.split_last().unwrap_or((&"", &[]));
    let mut here = table;
    for section in sections {
        let entry =
            here.entry((*section).to_owned()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let toml::Value::Table(inner) = entry else {
            return Err(Error::call("--set", "the key goes through a value that is no section").value(key));
        };
        here = inner;
    }
    here.insert((*last).to_owned(), value);
    Ok(())
}
