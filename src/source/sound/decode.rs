//! Decodes one sound track, packet by packet, into stereo frames that lie where the file's clock says.
//!
//! Lossless codecs give the same bits everywhere by definition. The lossy decoders of `symphonia` make their
//! tables with the system's `sin` and `pow` (mostly in f64, then rounded to f32), so that a table entry could
//! in rare cases differ by its last bit between systems; on one machine it never does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase, Timestamp as Units};
use symphonia::default::formats::IsoMp4Reader;

use super::SoundTrack;
use super::child::Child;
use super::codec::{check, checked, count, decoder, guard, no_decoder};
use super::container::{Edit, Survey};
use super::mix::Downmix;
use super::padded::Padded;
use super::timeline::{Placed, Timeline};
use super::wave::Wave;
use crate::error::{Error, Result};
use crate::source::content::Content;
use crate::stream::Faults;

/// Damaged packets in a row after which a stream is given up.
const MOST_DAMAGED: u32 = 1000;
/// Errors of a demuxer in a row, without a packet between them, after which it has lost its place.
const MOST_LOST: u32 = 64;
/// The longest file that a header is believed to declare: 1 TiB.
const MOST_DECLARED: u64 = 1 << 40;
/// Frames of silence, for packets that can't be decoded, after which the declared rate is believed.
const MOST_BEFORE_START: usize = 100_000;

/// Gives the frames of a track at the track's own rate.
pub struct Decoder {
    path: PathBuf,
    demuxer: Demuxer,
    codec: Box<dyn AudioDecoder>,
    track: u32,
    base: TimeBase,
    /// Frames per second and channels, as found.
    rate: u32,
    channels: usize,
    codec_name: String,
    mix: Option<(symphonia::core::audio::Channels, Downmix)>,
    timeline: Timeline,
    /// Applied as soon as the rate is known for sure.
    edit: Option<Edit>,
    /// Frames that the file must hold; `None` where it doesn't say or only guesses.
    due: Option<u64>,
    /// Frames that the file probably holds.
    expected: Option<u64>,
    cut: Option<String>,
    /// Set when the reading has gone beyond the cut.
    beyond: Arc<AtomicBool>,
    /// Whether a gap between packets means that some are missing.
    gapless: bool,
    child: Option<Child>,
    faults: Faults,
    damaged_in_a_row: u32,
    lost_in_a_row: u32,
    interleaved: Vec<f32>,
    mixed: Vec<[f32; 2]>,
}

enum Demuxer {
    Wave(Box<Wave>),
    Reader(Box<dyn FormatReader>),
}

/// How the search for a decoder ended.
pub enum Found {
    /// A track and its decoder.
    Track(Box<Decoder>),
    /// The container is understood and holds no sound.
    Silent,
    /// There is sound, or may be, that only the `ffmpeg` program decodes; the error says what is wrong
    /// where it finds none either.
    Foreign(Option<Error>),
}

impl Decoder {
    /// Opens the sound of the file at `path`, which holds `content`.
    ///
    /// # Errors
    /// Where the file is damaged beyond its first sample.
    pub fn open(path: &Path, content: Content, survey: &Survey) -> Result<Found> {
        let unreadable = |cause: std::io::Error| Error::input(path, "the file can't be read").value(cause);
        let file = std::fs::File::open(path).map_err(unreadable)?;
        if content == Content::Wave {
            let input = Box::new(std::io::BufReader::new(file));
            return Ok(match Wave::open(path, input)? {
                None => Found::Foreign(None),
                Some(wave) => Found::Track(Box::new(Self::of_wave(path, wave, None)?)),
            });
        }
        if matches!(content, Content::Avi | Content::Foreign(_)) {
            return Ok(Found::Foreign(None));
        }
        let beyond = Arc::new(AtomicBool::new(false));
        let length = file.metadata().map_err(unreadable)?.len();
        let source: Box<dyn MediaSource> = match survey.declared_end {
            // A header may declare anything; the filling is bounded by what could follow in earnest.
            Some(end) if end <= MOST_DECLARED && content != Content::Matroska => {
                Box::new(Padded::new(file, length, end, Arc::clone(&beyond)))
            }
            _ => Box::new(file),
        };
        let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
        let probe = || {
            if content == Content::Mp4 {
                // Not by the probe: it passes over junk, and finds boxes that the survey has not seen.
                let reader = IsoMp4Reader::try_new(stream, FormatOptions::default())?;
                return Ok(Box::new(reader) as Box<dyn FormatReader>);
            }
            let probe = symphonia::default::get_probe();
            probe.probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        };
        let reader = match guard(path, probe)? {
            Ok(reader) => reader,
            Err(Fault::Unsupported(_)) => return Ok(Found::Foreign(None)),
            // A damaged page anywhere near the end keeps this demuxer from opening an Ogg; ffmpeg skips it.
            Err(fault @ Fault::DecodeError(_)) if content == Content::Ogg => {
                return Ok(Found::Foreign(Some(unopened(path, &fault, survey))));
            }
            Err(fault) => return Err(unopened(path, &fault, survey)),
        };
        // Looking for tables beyond the cut is no reading beyond it.
        beyond.store(false, Ordering::Release);
        Self::of_reader(path, content, reader, survey, beyond)
    }

    /// The sound that `child` pipes as WAV.
    ///
    /// # Errors
    /// Where what is piped is no WAV.
    pub fn of_child(path: &Path, wave: Wave, child: Child, survey: &Survey) -> Result<Self> {
        let mut decoder = Self::of_wave(path, wave, Some(child))?;
        decoder.cut.clone_from(&survey.cut);
        Ok(decoder)
    }

    fn of_wave(path: &Path, wave: Wave, child: Option<Child>) -> Result<Self> {
        let format = wave.format();
        let rate = format.codec.sample_rate.unwrap_or(1);
        let base = TimeBase::try_from_recip(rate).unwrap_or_default();
        let (codec, codec_name) = decoder(path, &format.codec, true)?.ok_or_else(|| no_decoder(path))?;
        let (channels, expected) = (count(&format.codec), wave.declared_frames());
        let mut decoder = Self::new(path, Demuxer::Wave(Box::new(wave)), codec, 0, base);
        (decoder.rate, decoder.channels, decoder.codec_name) = (rate, channels, codec_name);
        (decoder.expected, decoder.child) = (expected, child);
        Ok(decoder)
    }

    fn of_reader(
        path: &Path,
        content: Content,
        reader: Box<dyn FormatReader>,
        survey: &Survey,
        beyond: Arc<AtomicBool>,
    ) -> Result<Found> {
        let tracks = reader.tracks();
        let Some(track) = reader.default_track(TrackType::Audio) else {
            // A track without parameters may be sound in a code that the demuxer doesn't know.
            let nameless = tracks.is_empty()
                || tracks
                    .iter()
                    .any(|t| t.codec_params.is_none() || t.track_type() == Some(TrackType::Audio));
            return Ok(if nameless { Found::Foreign(None) } else { Found::Silent });
        };
        let track: Track = track.clone();
        let Some(CodecParameters::Audio(params)) = &track.codec_params else { return Ok(Found::Silent) };
        check(path, params)?;
        // Without a LAME tag the demuxer guesses the number of MPEG frames, and would trim real sound by it.
        let guessed = content == Content::MpegSound && track.delay.is_none();
        let Some((codec, codec_name)) = decoder(path, params, !guessed)? else {
            return Ok(Found::Foreign(None));
        };
        let base = track.time_base.or_else(|| params.sample_rate.and_then(TimeBase::try_from_recip));
        let mut decoder = Self::new(path, Demuxer::Reader(reader), codec, track.id, base.unwrap_or_default());
        (decoder.rate, decoder.channels, decoder.codec_name) =
            (params.sample_rate.unwrap_or(0), count(params), codec_name);
        decoder.cut.clone_from(&survey.cut);
        decoder.beyond = beyond;
        decoder.gapless = matches!(content, Content::Flac | Content::Ogg);
        // What is guessed from the first packets' lengths is no length: it would put silence between files.
        let estimated = content == Content::MpegSound && !survey.counted;
        decoder.expected = track.num_frames.filter(|_| !estimated);
        decoder.due = match content {
            Content::Ogg | Content::Mp4 | Content::Matroska => None,
            // Some encoders count their header frame as sound.
            Content::MpegSound => track.num_frames.filter(|_| !guessed).map(|n| n.saturating_sub(2 * 1152)),
            _ => track.num_frames,
        };
        decoder.edit = (content == Content::Mp4).then(|| survey.edit(track.id));
        decoder.start()?;
        Ok(Found::Track(Box::new(decoder)))
    }

    fn new(path: &Path, demuxer: Demuxer, codec: Box<dyn AudioDecoder>, track: u32, base: TimeBase) -> Self {
        Self {
            path: path.to_owned(),
            demuxer,
            codec,
            track,
            base,
            rate: 0,
            channels: 0,
            codec_name: String::new(),
            mix: None,
            timeline: Timeline::default(),
            edit: None,
            due: None,
            expected: None,
            cut: None,
            beyond: Arc::default(),
            gapless: false,
            child: None,
            faults: Faults::default(),
            damaged_in_a_row: 0,
            lost_in_a_row: 0,
            interleaved: Vec::new(),
            mixed: Vec::new(),
        }
    }

    /// The format in words: `MP3 16 kHz mono`.
    #[must_use]
    pub fn format(&self) -> String {
        let channels = match self.channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            n => format!("{n} channels"),
        };
        let rate = f64::from(self.rate) / 1000.0;
        let codec = if self.child.is_some() { "by ffmpeg," } else { &self.codec_name };
        format!("{codec} {rate} kHz {channels}")
    }

    fn frames_at(&self, units: Units) -> i64 {
        frames(i128::from(units.get()), self.base, self.rate)
    }

    /// The next packet of this track.
    fn packet(&mut self) -> Result<Next> {
        match &mut self.demuxer {
            Demuxer::Wave(wave) => Ok(match wave.packet() {
                // A pipe's end is judged by how its writer ended.
                Err(_) if self.child.is_some() => Next::End,
                Err(error) => return Err(error),
                Ok(None) => Next::End,
                Ok(Some(packet)) => {
                    let first = Units::new(i64::try_from(packet.first).unwrap_or(i64::MAX));
                    Next::Packet(Packet::new(0, first, Duration::new(packet.frames), packet.bytes))
                }
            }),
            Demuxer::Reader(reader) => match guard(&self.path, || reader.next_packet())? {
                _ if self.beyond.load(Ordering::Acquire) => Ok(Next::End),
                Ok(None) => Ok(Next::End),
                Ok(Some(packet)) => {
                    self.lost_in_a_row = 0;
                    Ok(if packet.track_id == self.track { Next::Packet(packet) } else { Next::Other })
                }
                Err(Fault::DecodeError(_) | Fault::LimitError(_)) if self.lost_in_a_row < MOST_LOST => {
                    self.lost_in_a_row += 1;
                    // Damage that takes several attempts to get past is one damage.
                    self.faults.damaged += u64::from(self.lost_in_a_row == 1);
                    Ok(Next::Other)
                }
                Err(Fault::IoError(cause)) if cause.kind() == std::io::ErrorKind::UnexpectedEof => {
                    Err(self.cut_short("the file ends within a packet"))
                }
                Err(Fault::ResetRequired) => {
                    let error =
                        Error::input(&self.path, "a second stream of another kind follows in the same file");
                    Err(error.at(self.place()).help("Split the file into its streams and name each."))
                }
                Err(fault) => {
                    Err(Error::input(&self.path, "the sound can't be read on").at(self.place()).value(fault))
                }
            },
        }
    }

    /// Decodes into `mixed`; `false` where the decoder rejects the packet.
    fn decode(&mut self, packet: &Packet) -> Result<bool> {
        let Self { codec, interleaved, path, .. } = self;
        let outcome = guard(path, || {
            codec.decode(packet).map(|buffer| {
                buffer.copy_to_vec_interleaved(interleaved);
                (buffer.spec().rate(), buffer.spec().channels().clone())
            })
        });
        let (rate, channels) = match outcome {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => return Ok(false),
            // Nothing that a decoder held when it panicked is trusted.
            Err(_) => return guard(path, || codec.reset()).map(|()| false),
        };
        if interleaved.is_empty() {
            return Ok(true);
        }
        if self.mix.is_none() {
            (self.rate, self.channels) = (rate, channels.count());
            checked(&self.path, rate, channels.count())?;
            if let Some(edit) = self.edit.take() {
                self.apply(&edit);
            }
        }
        // A change of rate within a track has no place on its time line.
        if rate != self.rate {
            return Ok(false);
        }
        let mix = match self.mix.take() {
            Some((known, mix)) if known == channels => mix,
            _ => Downmix::new(&channels),
        };
        self.faults.not_finite += mix.mix(&self.interleaved, &mut self.mixed);
        self.mix = Some((channels, mix));
        Ok(true)
    }

    fn damaged(&mut self) -> Result<()> {
        self.faults.damaged += 1;
        self.damaged_in_a_row += 1;
        if self.damaged_in_a_row < MOST_DAMAGED {
            return Ok(());
        }
        let error = Error::input(&self.path, "too many damaged packets in a row").at(self.place());
        Err(error.value(self.damaged_in_a_row).bound(format!("fewer than {MOST_DAMAGED}")))
    }

    /// Where the track stands, for messages.
    fn place(&self) -> String {
        format!("{:.3} s", self.timeline.position() as f64 / f64::from(self.rate.max(1)))
    }

    fn cut_short(&self, why: &str) -> Error {
        Error::input(&self.path, format!("the file was cut short: {why}"))
            .at(self.place())
            .help("What came before the cut was used.")
    }

    /// The end, or the error that it came too soon.
    fn end(&mut self) -> Result<bool> {
        if let Some(child) = self.child.take() {
            self.faults.damaged += child.finish(&self.path, &self.place())?;
        }
        if let Some(why) = self.cut.take() {
            return Err(self.cut_short(&why));
        }
        // MPEG sound has no stamps: what damage took is missing from its length.
        let lost = if self.gapless { 0 } else { self.faults.damaged.saturating_mul(2 * 1152) };
        if let Some(due) = self.due.take().filter(|&due| self.timeline.position().saturating_add(lost) < due)
        {
            let seconds = due as f64 / f64::from(self.rate.max(1));
            return Err(self.cut_short(&format!("its header declares {seconds:.3} s")));
        }
        Ok(false)
    }

    /// Applies an MP4's edit list to the time line.
    fn apply(&mut self, edit: &Edit) {
        let Some(movie) = TimeBase::try_from_recip(edit.movie_scale) else { return };
        let empty = frames(i128::from(edit.empty), movie, self.rate);
        let start = frames(i128::from(edit.media_start), self.base, self.rate);
        let length = frames(i128::from(edit.length), movie, self.rate);
        // The length is rounded to a movie unit: what is stored beyond it by less than a unit is shown.
        let stored = self.expected.and_then(|frames| i64::try_from(frames).ok()).map(|frames| frames - start);
        let beyond = stored.map_or(i64::MAX, |stored| stored.saturating_sub(length));
        let rounding = frames(1, movie, self.rate);
        let length = if beyond > 0 && beyond <= rounding { length + beyond } else { length };
        let length = (edit.length > 0).then_some(length);
        self.timeline = Timeline::edited(empty, start, length);
    }

    /// Decodes up to the first frames, which stay to be given: some codecs (AAC) tell their rate and
    /// channels only there.
    fn start(&mut self) -> Result<()> {
        let mut first = Vec::new();
        while self.mix.is_none() && first.len() < MOST_BEFORE_START && self.next(&mut first)? {}
        self.timeline.keep(first);
        if self.rate == 0 {
            return Err(Error::input(&self.path, "the sound track holds nothing that can be decoded"));
        }
        Ok(())
    }
}

impl SoundTrack for Decoder {
    fn rate(&self) -> u32 {
        self.rate
    }

    fn expected_frames(&self) -> Option<u64> {
        self.expected.filter(|&frames| frames > 0).map(|frames| self.timeline.shown(frames))
    }

    fn faults(&self) -> Faults {
        self.faults
    }

    fn next(&mut self, out: &mut Vec<[f32; 2]>) -> Result<bool> {
        if self.timeline.silence(out) {
            return Ok(true);
        }
        let packet = match self.packet()? {
            Next::End => return self.end(),
            Next::Other => return Ok(true),
            Next::Packet(packet) => packet,
        };
        self.mixed.clear();
        if self.decode(&packet)? {
            self.damaged_in_a_row = 0;
        } else {
            self.damaged()?;
            let frames = self.frames_at(Units::new(i64::try_from(packet.dur.get()).unwrap_or(0)));
            // A damaged packet can't claim more than a second of silence.
            let frames = frames.clamp(0, i64::from(self.rate));
            self.mixed.resize(usize::try_from(frames).unwrap_or(0), [0.0; 2]);
        }
        let first = self.frames_at(packet.pts.saturating_add(packet.trim_start));
        let placed = self.timeline.place(first, &self.mixed, self.rate, out);
        let missing = placed == Placed::AfterGap && self.gapless;
        self.faults.damaged += u64::from(missing || placed == Placed::Doubted);
        Ok(true)
    }
}

enum Next {
    Packet(Packet),
    /// Nothing for this track, but there may be more.
    Other,
    End,
}

/// `units` of `base` as frames at `rate`, to the nearest.
fn frames(units: i128, base: TimeBase, rate: u32) -> i64 {
    let top = 2 * units * i128::from(base.numer.get()) * i128::from(rate);
    let bottom = i128::from(base.denom.get());
    i64::try_from((top + bottom).div_euclid(2 * bottom)).unwrap_or(i64::MAX)
}

fn unopened(path: &Path, fault: &Fault, survey: &Survey) -> Error {
    let short = survey.cut.is_some()
        || matches!(fault, Fault::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof);
    let problem =
        if short { "the file was cut short before its first sound" } else { "the sound can't be opened" };
    Error::input(path, problem).at("0.000 s").value(fault)
}
