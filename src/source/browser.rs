//! The camera of a browser that shows the page: its JPEG pictures become frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::video::jpeg;
use crate::error::Result;
use crate::signal::{EncodedPicture, Frame, Origin, Stamp};
use crate::stream::device::DeviceMonitor;
use crate::stream::{Faults, Source, SourceInfo};

/// How long it waits for a picture before it looks whether the run stops.
const PATIENCE: Duration = Duration::from_millis(20);

/// Pictures that a page gives, decoded. It waits while none come: pages come and go.
pub struct BrowserCamera {
    info: SourceInfo,
    pictures: Receiver<EncodedPicture>,
    monitor: Arc<DeviceMonitor>,
    stop: Arc<AtomicBool>,
    damaged: u64,
}

impl BrowserCamera {
    /// Takes `pictures` until `stop` is set or their sender is gone; tells `monitor` of their size and of those
    /// that are damaged.
    #[must_use]
    pub fn new(
        pictures: Receiver<EncodedPicture>,
        monitor: Arc<DeviceMonitor>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let info = SourceInfo {
            name: monitor.figures().name,
            kind: "video".into(),
            origin: Origin::Device,
            format: "JPEG pictures".into(),
        };
        Self { info, pictures, monitor, stop, damaged: 0 }
    }

    /// The next picture; `None` once the run stops.
    fn next(&self) -> Option<EncodedPicture> {
        while !self.stop.load(Ordering::Acquire) {
            match self.pictures.recv_timeout(PATIENCE) {
                Ok(picture) => return Some(picture),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }
}

impl Source for BrowserCamera {
    type Item = Frame;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        while let Some(EncodedPicture { jpeg, captured, origin, sequence }) = self.next() {
            let Ok(jpeg::Picture { width, height, rgb }) = jpeg::decode(&jpeg) else {
                self.damaged += 1;
                self.monitor.update(|figures| figures.dropped += 1);
                continue;
            };
            self.monitor.update(|figures| figures.format = format!("JPEG {width}x{height}"));
            return Ok(Some(Frame { stamp: Stamp { time: captured, origin }, sequence, width, height, rgb }));
        }
        Ok(None)
    }

    fn faults(&self) -> Faults {
        Faults { damaged: self.damaged, ..Faults::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::DeviceKind;
    use crate::time::Timestamp;

    fn camera() -> (crossbeam_channel::Sender<EncodedPicture>, BrowserCamera, Arc<AtomicBool>) {
        let (sender, pictures) = crossbeam_channel::bounded(4);
        let monitor = Arc::new(DeviceMonitor::new(DeviceKind::Camera, "browser camera"));
        let stop = Arc::new(AtomicBool::new(false));
        (sender, BrowserCamera::new(pictures, monitor, Arc::clone(&stop)), stop)
    }

    fn picture(sequence: u64, jpeg: Vec<u8>) -> EncodedPicture {
        EncodedPicture { jpeg, captured: Timestamp(1_000 + 7), origin: Origin::Device, sequence }
    }

    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        let grey = vec![128; 3 * usize::from(width) * usize::from(height)];
        jpeg_encoder::Encoder::new(&mut bytes, 80)
            .encode(&grey, width, height, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        bytes
    }

    #[test]
    fn a_picture_becomes_a_frame_with_the_devices_stamp() {
        let (sender, mut camera, _stop) = camera();
        assert_eq!((camera.info().name.as_str(), camera.info().origin), ("browser camera", Origin::Device));
        sender.send(picture(5, jpeg(16, 8))).unwrap();
        let frame = camera.pull().unwrap().unwrap();
        assert_eq!((frame.width, frame.height, frame.sequence), (16, 8, 5));
        assert_eq!(frame.stamp, Stamp { time: Timestamp(1_007), origin: Origin::Device });
        assert_eq!(camera.monitor.figures().format, "JPEG 16x8");
    }

    #[test]
    fn damaged_pictures_are_counted_and_left_out() {
        let (sender, mut camera, _stop) = camera();
        let whole = jpeg(16, 8);
        sender.send(picture(0, whole[..whole.len() / 2].to_vec())).unwrap();
        sender.send(picture(1, Vec::new())).unwrap();
        sender.send(picture(2, whole)).unwrap();
        assert_eq!(camera.pull().unwrap().unwrap().sequence, 2);
        assert_eq!(camera.faults().damaged, 2);
        assert_eq!(camera.monitor.figures().dropped, 2);
    }

    #[test]
    fn it_waits_while_nothing_comes_and_ends_once_stopped() {
        let (sender, mut camera, stop) = camera();
        let late = jpeg(8, 8);
        let giver = std::thread::spawn(move || {
            std::thread::sleep(3 * PATIENCE);
            sender.send(picture(0, late)).unwrap();
            sender
        });
        assert!(camera.pull().unwrap().is_some());
        let sender = giver.join().unwrap();
        stop.store(true, Ordering::Release);
        sender.send(picture(1, jpeg(8, 8))).unwrap();
        assert!(camera.pull().unwrap().is_none());
    }

    #[test]
    fn it_ends_when_the_page_is_served_no_more() {
        let (sender, mut camera, _stop) = camera();
        drop(sender);
        assert!(camera.pull().unwrap().is_none());
    }
}
