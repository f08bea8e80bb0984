//! Cameras of Linux by Video4Linux itself: sizes, damage, sequence and stamps as the driver gives them.
//!
//! Source: the kernel's "Video for Linux API"; what the `v4l` crate makes of it (0.14):
//!
//! * It panics where a driver's text is no UTF-8, where a colour space is newer than it, and where a stream can't be
//!   stopped. What may do so is called by [`guarded`].
//! * Its list of devices panics on a node without a number, so [`nodes`] reads the folder itself.
//! * `next` queues the buffer before last before it waits. After a wait in vain it would queue it twice, which is refused
//!   for ever; so waiting is done here, before `next`, and a picture that `next` owes is fetched without its content.

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use v4l::buffer::{Flags as BufferFlags, Type};
use v4l::capability::Flags as Capability;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::io::mmap::Stream as MmapStream;
use v4l::io::traits::{CaptureStream, Stream};
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Format, FourCC, Fraction};

use super::backend::{Backend, Device, Fault, Found, Raw, tell_apart};
use super::format::{Choice, Interval, Offer, Rates, Side};
use super::picture::{Code, PictureFormat};
use crate::time;

/// Buffers that the driver fills in turn. One is always with the reader.
const BUFFERS: u32 = 4;
/// The most that a driver may give (`VIDEO_MAX_FRAME`).
const MOST_BUFFERS: usize = 32;
/// `POLLIN` of poll(2).
const READABLE: i16 = 1;
/// How long a picture that poll(2) has announced may take.
const ANNOUNCED: Duration = Duration::from_millis(100);
/// How long it rests after a picture that was announced and did not come.
const REST: Duration = Duration::from_millis(2);

/// Video4Linux.
pub(super) struct V4l;

impl Backend for V4l {
    fn host(&self) -> &'static str {
        "v4l"
    }

    fn find(&self) -> Vec<Found> {
        let mut found: Vec<Found> = nodes().iter().filter_map(|node| look_at(node)).collect();
        tell_apart(&mut found);
        found
    }

    fn offers(&self, found: &Found) -> Result<Vec<Offer>, Fault> {
        guarded(|| offers(&v4l::Device::with_path(&found.place)?))
    }

    fn open(&self, found: &Found, choice: &Choice) -> Result<Box<dyn Device>, Fault> {
        let (device, format, interval) = prepare(found, choice)?;
        let stream = guarded(|| {
            let mut stream = MmapStream::with_buffers(&device, Type::VideoCapture, BUFFERS)?;
            stream.set_timeout(ANNOUNCED);
            start(&mut stream)?;
            Ok(stream)
        })?;
        Ok(Box::new(Open { stream, format, interval, owed: false }))
    }
}

/// Sets the format and the rate of a camera, exactly as chosen but for the rate, which is read back.
pub(super) fn prepare(
    found: &Found,
    choice: &Choice,
) -> Result<(v4l::Device, PictureFormat, Option<Interval>), Fault> {
    let device = guarded(|| v4l::Device::with_path(&found.place))?;
    let code = FourCC::new(&four(choice.code));
    let set = guarded(|| device.set_format(&Format::new(choice.width, choice.height, code)))?;
    if (set.width, set.height, set.fourcc) != (choice.width, choice.height, code) {
        let given = format!("{} {}x{} for {}", set.fourcc, set.width, set.height, choice.text());
        return Err(Fault::new("it gives another format than it offers", given));
    }
    let interval = choice.interval.map(|interval| set_rate(&device, interval)).transpose()?.flatten();
    let format = PictureFormat {
        code: choice.code,
        width: set.width as usize,
        height: set.height as usize,
        stride: if choice.code == Code::Mjpg { 0 } else { set.stride as usize },
    };
    Ok((device, format, interval))
}

/// Sets the rate, and gives what it then is; none where the driver has a rate of its own.
fn set_rate(device: &v4l::Device, wanted: Interval) -> Result<Option<Interval>, Fault> {
    let wanted = Parameters::new(Fraction::new(wanted.numerator, wanted.denominator));
    match guarded(|| device.set_params(&wanted)) {
        Ok(set) => Ok(Some(from_fraction(set.interval)).filter(|set| set.denominator > 0)),
        Err(fault) if fault.problem == REFUSED => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Queues every buffer but the first, which the first `next` queues, and starts.
fn start(stream: &mut MmapStream<'static>) -> io::Result<()> {
    for index in 1..MOST_BUFFERS {
        match CaptureStream::queue(stream, index) {
            Err(cause) if cause.kind() == io::ErrorKind::InvalidInput => break,
            outcome => outcome?,
        }
    }
    stream.start()
}

/// An open camera.
struct Open {
    stream: MmapStream<'static>,
    format: PictureFormat,
    interval: Option<Interval>,
    /// Whether `next` failed after it had queued its buffer.
    owed: bool,
}

impl Device for Open {
    fn format(&self) -> PictureFormat {
        self.format
    }

    fn interval(&self) -> Option<Interval> {
        self.interval
    }

    fn next(&mut self, limit: Duration) -> Result<Option<Raw>, Fault> {
        match self.fetch(limit) {
            Ok(raw) => Ok(raw),
            Err(cause) if is_passing(&cause) => {
                // What poll(2) announces without end would be asked for without rest.
                std::thread::sleep(REST);
                Ok(None)
            }
            Err(cause) => Err(fault(&cause)),
        }
    }
}

impl Open {
    fn fetch(&mut self, limit: Duration) -> io::Result<Option<Raw>> {
        let milliseconds = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        if self.stream.handle().poll(READABLE, milliseconds)? == 0 {
            return Ok(None);
        }
        if self.owed {
            // Its content can't be had; it shows as a gap in the sequence.
            self.stream.dequeue()?;
            self.owed = false;
            return Ok(None);
        }
        self.owed = true;
        let (data, about) = CaptureStream::next(&mut self.stream)?;
        self.owed = false;
        let used = (about.bytesused as usize).min(data.len());
        let stamped = about.flags & BufferFlags::TIMESTAMP_MASK == BufferFlags::TIMESTAMP_MONOTONIC;
        let (seconds, microseconds) = (about.timestamp.sec, about.timestamp.usec);
        let stamp = u64::try_from(seconds).ok().zip(u32::try_from(microseconds).ok());
        let stamp =
            stamp.map(|(seconds, us)| Duration::from_secs(seconds) + Duration::from_micros(us.into()));
        Ok(Some(Raw {
            data: data[..used].to_vec(),
            age: stamp.filter(|_| stamped).and_then(|stamp| time::monotonic().checked_sub(stamp)),
            sequence: Some(about.sequence),
            damaged: about.flags.contains(BufferFlags::ERROR) || used == 0,
        }))
    }
}

/// Whether an error is over with the next attempt.
fn is_passing(cause: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(cause.kind(), Interrupted | TimedOut | WouldBlock)
}

/// The numbered video nodes, in the order of their numbers.
fn nodes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("video")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.iter().map(|number| PathBuf::from(format!("/dev/video{number}"))).collect()
}

/// What a node is, where it is a camera or may be one.
fn look_at(node: &Path) -> Option<Found> {
    let place = node.display().to_string();
    let asked = guarded(|| v4l::Device::with_path(node)?.query_caps());
    match asked {
        Ok(about) => about
            .capabilities
            .contains(Capability::VIDEO_CAPTURE | Capability::STREAMING)
            .then(|| Found::new(about.card, place, about.bus)),
        // No driver's node, or one that is just going.
        Err(refused) if [GONE, REFUSED].contains(&refused.problem) => None,
        Err(refused) => {
            let card = Path::new("/sys/class/video4linux").join(node.file_name()?).join("name");
            let name = std::fs::read(card).map(|name| String::from_utf8_lossy(&name).trim().to_owned());
            let name = name.unwrap_or_else(|_| place.clone());
            // A name that is no UTF-8, as one that was cut in a letter, keeps nobody from its pictures.
            let refused = Some(refused).filter(|refused| refused.problem != UNREADABLE);
            Some(Found { refused, ..Found::new(name, place.clone(), place) })
        }
    }
}

fn offers(device: &v4l::Device) -> io::Result<Vec<Offer>> {
    let mut offers = Vec::new();
    for format in device.enum_formats()? {
        let Some(code) = Code::ALL.into_iter().find(|code| four(*code) == format.fourcc.repr) else {
            continue;
        };
        for size in device.enum_framesizes(format.fourcc).unwrap_or_default() {
            let (width, height) = match size.size {
                FrameSizeEnum::Discrete(size) => (Side::only(size.width), Side::only(size.height)),
                FrameSizeEnum::Stepwise(size) => (
                    Side { least: size.min_width, most: size.max_width, step: size.step_width },
                    Side { least: size.min_height, most: size.max_height, step: size.step_height },
                ),
            };
            let rates = rates(device, format.fourcc, width.most, height.most);
            offers.push(Offer { code, width, height, rates });
        }
    }
    Ok(offers)
}

fn rates(device: &v4l::Device, code: FourCC, width: u32, height: u32) -> Rates {
    let Ok(offered) = device.enum_frameintervals(code, width, height) else { return Rates::Unknown };
    let mut listed = Vec::new();
    for offer in offered {
        match offer.interval {
            FrameIntervalEnum::Discrete(interval) => listed.push(from_fraction(interval)),
            FrameIntervalEnum::Stepwise(span) => {
                return Rates::Between(from_fraction(span.min), from_fraction(span.max));
            }
        }
    }
    if listed.is_empty() { Rates::Unknown } else { Rates::Listed(listed) }
}

fn from_fraction(fraction: Fraction) -> Interval {
    Interval { numerator: fraction.numerator, denominator: fraction.denominator }
}

/// The driver's four letters of a format.
fn four(code: Code) -> [u8; 4] {
    let mut letters = [b' '; 4];
    letters.copy_from_slice(code.name().as_bytes());
    letters
}

/// Calls the crate where it may panic.
fn guarded<T>(call: impl FnOnce() -> io::Result<T>) -> Result<T, Fault> {
    match std::panic::catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(|cause| fault(&cause)),
        Err(_) => Err(Fault::new(UNREADABLE, "")),
    }
}

const UNREADABLE: &str = "its driver says what is not understood";
const GONE: &str = "it is gone";
const REFUSED: &str = "its driver refuses";

pub(super) fn fault(cause: &io::Error) -> Fault {
    match Errno::from_io_error(cause) {
        Some(Errno::ACCESS | Errno::PERM) => Fault::new("it may not be opened", cause)
            .help("Join its group and log in again: sudo usermod -aG video \"$USER\"."),
        Some(Errno::BUSY) => {
            Fault::new("another program uses it", cause).help("Close that program, or choose another camera.")
        }
        Some(Errno::NODEV | Errno::NXIO | Errno::NOENT) => Fault::new(GONE, cause),
        Some(Errno::IO) => Fault::new("its driver reports a failure", cause),
        _ => Fault::new(REFUSED, cause),
    }
}
