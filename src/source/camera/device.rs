//! The camera as a source of frames, and the list of cameras.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError};

use super::backend::{Backend, Fault, Found, backend};
use super::owner::{Arrived, LOOK, Owner, Shared};
use super::parameters::{CameraBackend, CameraParameters};
use super::picture;
use super::slot::Slot;
use crate::error::Result;
use crate::signal::{DeviceKind, DeviceListing, Frame, Origin};
use crate::stream::device::DeviceMonitor;
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::Clock;

/// How long the camera may take to open.
const OPENING: Duration = Duration::from_secs(15);
/// How long its thread may take to end before it is left to itself.
const ENDING: Duration = Duration::from_secs(2);

/// A live camera. It is found again by its name when it was lost, and never ends but with the run.
pub struct Camera {
    info: SourceInfo,
    shared: Arc<Shared>,
    /// Closed by the end of the owner's thread.
    end: Receiver<()>,
}

impl Camera {
    /// Opens the camera that `parameters` ask for, in the nearest format that it offers.
    ///
    /// Its stamps are on `clock`; it ends when `stop` is set. `monitor` is told how it does, and may wish for another camera.
    ///
    /// # Errors
    /// Where there is no such camera, it may not be opened, another program uses it, or it does not answer.
    pub fn open(
        parameters: &CameraParameters,
        clock: Arc<dyn Clock>,
        stop: Arc<AtomicBool>,
        monitor: Arc<DeviceMonitor>,
    ) -> Result<Self> {
        parameters.check()?;
        Self::start(backend(parameters.backend), parameters, clock, stop, monitor)
    }

    fn start(
        backend: Box<dyn Backend>,
        parameters: &CameraParameters,
        clock: Arc<dyn Clock>,
        stop: Arc<AtomicBool>,
        monitor: Arc<DeviceMonitor>,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            slot: Slot::default(),
            monitor,
            clock,
            stop,
            closed: AtomicBool::new(false),
            damaged: AtomicU64::new(0),
        });
        let owner = Owner::new(backend, parameters.clone(), Arc::clone(&shared));
        let (tell, opened) = crossbeam_channel::bounded(1);
        let (ended, end) = crossbeam_channel::bounded::<()>(0);
        let failed = |fault: Fault| fault.into_error(&parameters.name);
        std::thread::Builder::new()
            .name("napot-camera".into())
            .spawn(move || {
                owner.run(|outcome| {
                    let _ = tell.send(outcome);
                });
                drop(ended);
            })
            .map_err(|cause| failed(Fault::new("no thread could be started for it", cause)))?;
        let mut camera = Self { info: info(&shared.monitor), shared, end };
        match opened.recv_timeout(OPENING) {
            Ok(Ok(())) => {
                camera.info = info(&camera.shared.monitor);
                Ok(camera)
            }
            Ok(Err((name, fault))) => Err(fault.into_error(&name)),
            Err(_) => Err(failed(Fault::new("it does not answer", format!("{} s", OPENING.as_secs())))),
        }
    }
}

impl Camera {
    /// Without its owner a camera gives no more, and nobody would say so.
    fn check_owner(&self) -> Result<()> {
        let ended = self.end.try_recv() == Err(TryRecvError::Disconnected);
        if !ended || self.shared.over() {
            return Ok(());
        }
        self.shared.closed.store(true, Ordering::Release);
        Err(Fault::new("the thread that owns it has ended", "").into_error(&self.info.name))
    }
}

fn info(monitor: &DeviceMonitor) -> SourceInfo {
    let figures = monitor.figures();
    SourceInfo { name: figures.name, kind: "video".into(), origin: Origin::Device, format: figures.format }
}

impl Source for Camera {
    type Item = Frame;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// The newest picture, as soon as it is there; `None` once the run stops.
    fn pull(&mut self) -> Result<Option<Frame>> {
        while !self.shared.over() {
            let Some(Arrived { format, data, stamp, number }) = self.shared.slot.take(LOOK) else {
                self.check_owner()?;
                continue;
            };
            match picture::decode(&self.info.name, &format!("picture {number}"), format, &data) {
                Ok(rgb) => {
                    let (width, height) = (format.width, format.height);
                    return Ok(Some(Frame { stamp, sequence: number, width, height, rgb }));
                }
                Err(damage) => {
                    tracing::debug!("a picture is left out: {damage}");
                    self.shared.leave_out();
                }
            }
        }
        Ok(None)
    }

    fn faults(&self) -> Faults {
        Faults { damaged: self.shared.damaged.load(Ordering::Relaxed), not_finite: 0 }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        let _ = self.end.recv_timeout(ENDING);
    }
}

/// Every camera with its formats, or why it cannot be opened.
#[must_use]
pub fn cameras() -> Vec<DeviceListing> {
    let backend = backend(CameraBackend::Auto);
    backend.find().into_iter().map(|found| listing(&*backend, found)).collect()
}

fn listing(backend: &dyn Backend, found: Found) -> DeviceListing {
    let offers = match &found.refused {
        Some(refused) => Err(refused.clone()),
        None => backend.offers(&found),
    };
    let offers = offers.and_then(|offers| {
        if offers.is_empty() { Err(Fault::new("it offers no format that is read", "")) } else { Ok(offers) }
    });
    DeviceListing {
        kind: DeviceKind::Camera,
        host: backend.host().to_owned(),
        name: found.name,
        error: offers.as_ref().err().map(ToString::to_string),
        formats: offers.unwrap_or_default().iter().map(super::format::Offer::text).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::backend::{Device, Raw};
    use super::super::format::{Choice, Interval, Offer, Rates, Side};
    use super::super::picture::{Code, PictureFormat};
    use super::*;
    use crate::time::WallClock;

    /// A camera whose driver brings its thread down.
    struct Deadly;

    impl Backend for Deadly {
        fn host(&self) -> &'static str {
            "test"
        }
        fn find(&self) -> Vec<Found> {
            vec![Found::new("Deadly".into(), String::new(), String::new())]
        }
        fn offers(&self, _: &Found) -> std::result::Result<Vec<Offer>, Fault> {
            let (width, height) = (Side::only(2), Side::only(1));
            Ok(vec![Offer { code: Code::Grey, width, height, rates: Rates::Unknown }])
        }
        fn open(&self, _: &Found, _: &Choice) -> std::result::Result<Box<dyn Device>, Fault> {
            Ok(Box::new(Self))
        }
    }

    impl Device for Deadly {
        fn format(&self) -> PictureFormat {
            PictureFormat { code: Code::Grey, width: 2, height: 1, stride: 0 }
        }
        fn interval(&self) -> Option<Interval> {
            None
        }
        fn next(&mut self, _: Duration) -> std::result::Result<Option<Raw>, Fault> {
            panic!("the driver's library panics");
        }
    }

    #[test]
    fn a_camera_whose_thread_is_gone_says_so_and_ends() {
        let monitor = Arc::new(DeviceMonitor::new(DeviceKind::Camera, ""));
        let (clock, stop, told) = (Arc::new(WallClock::start()), Arc::default(), Arc::clone(&monitor));
        // The rate of a camera before it says nothing of one whose driver does not say which it has.
        monitor.agreed(60.0);
        let mut camera =
            Camera::start(Box::new(Deadly), &CameraParameters::default(), clock, stop, told).unwrap();
        let error = camera.pull().unwrap_err().to_string();
        assert_eq!(error, "camera Deadly: the thread that owns it has ended");
        assert_eq!(camera.pull().unwrap(), None);
        assert_eq!(camera.info().format, "GREY 2x1");
        assert_eq!(monitor.figures().agreed_hz, 0.0);
    }
}
