//! Cameras of every system by the nokhwa library (0.10).
//!
//! What it leaves out, and what is made of it here:
//!
//! * It waits for a picture without a limit, so it runs on a thread of its own; its callback camera is not used, which can
//!   wait for itself for ever. Where a camera is silent, that thread stays until the camera wakes.
//! * It gives the whole buffer, not the bytes that were used: the remains of an older picture may stand behind a JPEG, and
//!   where a picture was cut short, its end may be an older one's.
//! * It leaves out the driver's mark of damage and its sequence: what was lost can't be counted.
//! * It knows no GREY on Linux, and no rate that is not a whole number. There it refuses a camera that was left in such a
//!   rate, so format and rate are set by Video4Linux first; its list of cameras, which panics on odd names, is not used.
//! * On a device that is still open it would be handed the dead one, so the old one is closed before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType};
use nokhwa::{Camera, NokhwaError};

use super::backend::{Backend, Device, Fault, Found, Raw};
use super::format::{Choice, Interval, Offer};
use super::picture::{Code, PictureFormat};
use crate::time;

/// Pictures on the way from its thread.
const WAITING: usize = 2;
/// How long a camera may take to open.
const OPENING: Duration = Duration::from_secs(10);
/// How long it may take to close before it is left to itself.
const CLOSING: Duration = Duration::from_secs(1);

/// The nokhwa library.
pub(super) struct Nokhwa;

impl Backend for Nokhwa {
    fn host(&self) -> &'static str {
        "nokhwa"
    }

    fn find(&self) -> Vec<Found> {
        system::find()
    }

    fn offers(&self, found: &Found) -> Result<Vec<Offer>, Fault> {
        system::offers(found)
    }

    fn open(&self, found: &Found, choice: &Choice) -> Result<Box<dyn Device>, Fault> {
        let (format, interval) = system::prepare(found, choice)?;
        let fps = choice.interval.map_or(30, |interval| interval.denominator);
        let wanted = CameraFormat::new_from(choice.width, choice.height, frame_format(choice.code), fps);
        let index = index(&found.place);
        let (tell_opened, opened) = bounded(1);
        let (give, raw) = bounded(WAITING);
        let (ended, end) = bounded(0);
        let closed = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&closed);
        std::thread::Builder::new()
            .name("napot-nokhwa".into())
            .spawn(move || {
                run(index, wanted, &tell_opened, &give, &until);
                drop::<Sender<()>>(ended);
            })
            .map_err(|cause| Fault::new("no thread could be started for it", cause))?;
        let open = Open { format, interval, raw, closed, end };
        match opened.recv_timeout(OPENING) {
            Ok(Ok(())) => Ok(Box::new(open)),
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(Fault::new("it does not answer", format!("{} s", OPENING.as_secs()))),
        }
    }
}

/// Opens the camera, gives its pictures, and closes it.
fn run(
    index: CameraIndex,
    wanted: CameraFormat,
    opened: &Sender<Result<(), Fault>>,
    give: &Sender<Result<Raw, Fault>>,
    closed: &AtomicBool,
) {
    let formats = [wanted.format()];
    let request = RequestedFormat::with_formats(RequestedFormatType::Exact(wanted), &formats);
    let started = Camera::new(index, request).and_then(|mut camera| camera.open_stream().map(|()| camera));
    let mut camera = match started {
        Ok(camera) => camera,
        Err(cause) => {
            let _ = opened.send(Err(fault(&cause)));
            return;
        }
    };
    let _ = opened.send(Ok(()));
    while !closed.load(Ordering::Acquire) {
        let picture = camera.frame().map(|buffer| Raw {
            data: buffer.buffer().to_vec(),
            age: buffer.capture_timestamp().and_then(|stamp| time::since_1970().checked_sub(stamp)),
            sequence: None,
            damaged: false,
        });
        // After any error the stream is broken for good.
        let broken = picture.is_err();
        if give.send(picture.map_err(|cause| fault(&cause))).is_err() || broken {
            break;
        }
    }
}

/// An open camera.
struct Open {
    format: PictureFormat,
    interval: Option<Interval>,
    raw: Receiver<Result<Raw, Fault>>,
    closed: Arc<AtomicBool>,
    /// Closed by the end of its thread.
    end: Receiver<()>,
}

impl Device for Open {
    fn format(&self) -> PictureFormat {
        self.format
    }

    fn interval(&self) -> Option<Interval> {
        self.interval
    }

    fn next(&mut self, limit: Duration) -> Result<Option<Raw>, Fault> {
        match self.raw.recv_timeout(limit) {
            Ok(picture) => picture.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Fault::new("its thread has ended", "")),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        // A thread that waits to give one must not.
        self.raw = crossbeam_channel::never();
        let _ = self.end.recv_timeout(CLOSING);
    }
}

fn index(place: &str) -> CameraIndex {
    let number = place.strip_prefix("/dev/video").unwrap_or(place).parse();
    number.map_or_else(|_| CameraIndex::String(place.to_owned()), CameraIndex::Index)
}

fn frame_format(code: Code) -> FrameFormat {
    match code {
        Code::Yuyv => FrameFormat::YUYV,
        Code::Nv12 => FrameFormat::NV12,
        Code::Rgb3 => FrameFormat::RAWRGB,
        Code::Bgr3 => FrameFormat::RAWBGR,
        Code::Mjpg => FrameFormat::MJPEG,
        Code::Grey => FrameFormat::GRAY,
    }
}

/// What is wrong, by the system's number where nokhwa's text has it.
fn fault(cause: &NokhwaError) -> Fault {
    let text = cause.to_string();
    let number = text.split_once("(os error ").and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
    number.map_or_else(|| Fault::new("it refuses", &text), system::fault)
}

/// What Video4Linux does for nokhwa.
#[cfg(target_os = "linux")]
mod system {
    use super::super::format::Rates;
    use super::super::v4l::{self, V4l};
    use super::{Backend, Choice, Code, Fault, Found, Interval, Offer, PictureFormat};

    pub fn find() -> Vec<Found> {
        V4l.find()
    }

    /// What nokhwa can ask for: whole numbers of pictures per second, and no GREY.
    pub fn offers(found: &Found) -> Result<Vec<Offer>, Fault> {
        let mut offers = V4l.offers(found)?;
        for offer in &mut offers {
            if let Rates::Listed(rates) = &mut offer.rates {
                rates.retain(|rate| rate.numerator == 1);
            }
        }
        offers.retain(|offer| {
            offer.code != Code::Grey && matches!(&offer.rates, Rates::Listed(rates) if !rates.is_empty())
        });
        Ok(offers)
    }

    pub fn prepare(found: &Found, choice: &Choice) -> Result<(PictureFormat, Option<Interval>), Fault> {
        v4l::prepare(found, choice).map(|(_, format, interval)| (format, interval))
    }

    pub fn fault(number: i32) -> Fault {
        v4l::fault(&std::io::Error::from_raw_os_error(number))
    }
}

/// What nokhwa itself does on other systems.
#[cfg(not(target_os = "linux"))]
mod system {
    use nokhwa::utils::{ApiBackend, FrameFormat, RequestedFormat, RequestedFormatType};
    use nokhwa::{Camera, query};

    use super::super::backend::tell_apart;
    use super::super::format::{Rates, Side};
    use super::{Choice, Code, Fault, Found, Interval, Offer, PictureFormat, frame_format, index};

    pub fn find() -> Vec<Found> {
        let cameras = query(ApiBackend::Auto).unwrap_or_else(|cause| {
            tracing::warn!("cameras can't be listed: {cause}");
            Vec::new()
        });
        let mut found: Vec<Found> = cameras
            .into_iter()
            .map(|camera| Found::new(camera.human_name(), camera.index().as_string(), camera.misc()))
            .collect();
        tell_apart(&mut found);
        found
    }

    pub fn offers(found: &Found) -> Result<Vec<Offer>, Fault> {
        let formats: [FrameFormat; 6] = Code::ALL.map(frame_format);
        let any = RequestedFormat::with_formats(RequestedFormatType::None, &formats);
        let mut camera = Camera::new(index(&found.place), any).map_err(|cause| super::fault(&cause))?;
        let offered = camera.compatible_camera_formats().map_err(|cause| super::fault(&cause))?;
        let offer = |format: nokhwa::utils::CameraFormat| {
            let code = Code::ALL.into_iter().find(|code| frame_format(*code) == format.format())?;
            let rate = Interval { numerator: 1, denominator: format.frame_rate() };
            let (width, height) = (Side::only(format.width()), Side::only(format.height()));
            Some(Offer { code, width, height, rates: Rates::Listed(vec![rate]) })
        };
        Ok(offered.into_iter().filter_map(offer).collect())
    }

    pub fn prepare(_: &Found, choice: &Choice) -> Result<(PictureFormat, Option<Interval>), Fault> {
        let (width, height) = (choice.width as usize, choice.height as usize);
        Ok((PictureFormat { code: choice.code, width, height, stride: 0 }, choice.interval))
    }

    pub fn fault(number: i32) -> Fault {
        Fault::new("it refuses", std::io::Error::from_raw_os_error(number))
    }
}
