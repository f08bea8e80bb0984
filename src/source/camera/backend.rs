//! A way to the system's cameras: it finds, lists and opens them. The rest of the camera knows no system.

use std::fmt;
use std::time::Duration;

use super::format::{Choice, Interval, Offer};
use super::parameters::CameraBackend;
use super::picture::PictureFormat;
use crate::error::{Error, Kind};

/// Why a camera cannot be opened, or gives no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub problem: &'static str,
    /// In the system's words; empty where they add nothing.
    pub cause: String,
    /// What to do about it; empty where nothing is known.
    pub help: &'static str,
}

impl Fault {
    pub fn new(problem: &'static str, cause: impl fmt::Display) -> Self {
        Self { problem, cause: cause.to_string(), help: "" }
    }

    pub fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// As an error about the camera `name`, which may be empty.
    pub fn into_error(self, name: &str) -> Error {
        let subject = if name.is_empty() { "the camera".to_owned() } else { format!("camera {name}") };
        let mut error = Error::new(Kind::Device, subject, self.problem);
        if !self.cause.is_empty() {
            error = error.value(self.cause);
        }
        if self.help.is_empty() { error } else { error.help(self.help) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.problem)?;
        if !self.cause.is_empty() {
            write!(f, ": {}", self.cause)?;
        }
        if !self.help.is_empty() {
            write!(f, ". {}", self.help)?;
        }
        Ok(())
    }
}

/// A camera that is there.
///
/// One that returns is known by its card, wherever it is then; where others had the same, by its bus too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The name by which it is chosen.
    pub name: String,
    /// The name that it gives itself; others may have the same.
    pub card: String,
    /// Where the system has it now: it may return elsewhere.
    pub place: String,
    /// What it is connected to, where the system says so.
    pub bus: String,
    /// Why not even its name can be asked.
    pub refused: Option<Fault>,
}

impl Found {
    /// A camera with a card that no other has.
    pub fn new(card: String, place: String, bus: String) -> Self {
        Self { name: card.clone(), card, place, bus, refused: None }
    }

    /// Whether `other` may be this camera, returned.
    pub fn may_be(&self, other: &Self) -> bool {
        let unique = self.name == self.card;
        self.card == other.card && (unique || self.bus == other.bus)
    }
}

/// Gives every camera a name of its own: where two are called alike, by what they are connected to; where that is the same
/// too, by a number.
pub(super) fn tell_apart(found: &mut [Found]) {
    let cards: Vec<String> = found.iter().map(|camera| camera.card.clone()).collect();
    for camera in &mut *found {
        if cards.iter().filter(|card| **card == camera.card).count() > 1 {
            camera.name = format!("{} ({})", camera.card, camera.bus);
        }
    }
    for at in 1..found.len() {
        let same = found[..at].iter().filter(|other| other.name == found[at].name).count();
        if same > 0 {
            found[at].name = format!("{}, {}", found[at].name, same + 1);
        }
    }
}

/// A picture as the driver gave it.
pub(super) struct Raw {
    pub data: Vec<u8>,
    /// How long before now the driver stamped it, where it did.
    pub age: Option<Duration>,
    /// The driver's count of its pictures, where it has one.
    pub sequence: Option<u32>,
    /// Whether the driver says that it is damaged.
    pub damaged: bool,
}

/// An open camera; it closes when it is dropped.
pub(super) trait Device: Send {
    /// How its pictures lie in memory.
    fn format(&self) -> PictureFormat;

    /// The time of a picture, where the driver says so.
    fn interval(&self) -> Option<Interval>;

    /// The next picture; `None` where none came within `limit`.
    fn next(&mut self, limit: Duration) -> Result<Option<Raw>, Fault>;
}

/// A way to the system's cameras.
pub(super) trait Backend: Send {
    /// Its name.
    fn host(&self) -> &'static str;

    /// The cameras that are there, each with a name of its own.
    fn find(&self) -> Vec<Found>;

    /// What a camera offers, of what is read.
    fn offers(&self, found: &Found) -> Result<Vec<Offer>, Fault>;

    /// Opens a camera in one of the formats that it offers, and starts it.
    fn open(&self, found: &Found, choice: &Choice) -> Result<Box<dyn Device>, Fault>;
}

/// The way that is asked for.
pub(super) fn backend(asked: CameraBackend) -> Box<dyn Backend> {
    match asked {
        #[cfg(target_os = "linux")]
        CameraBackend::Auto | CameraBackend::V4l => Box::new(super::v4l::V4l),
        _ => Box::new(super::nokhwa::Nokhwa),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_without_a_name_is_the_camera() {
        let absent = || Fault::new("there is no such camera", "none is connected");
        let said = absent().into_error("").to_string();
        assert_eq!(said, "the camera: there is no such camera: none is connected");
        assert!(absent().into_error("A").to_string().starts_with("camera A: "));
    }

    #[test]
    fn cameras_that_are_called_alike_are_told_apart() {
        let camera = |card: &str, bus: &str| Found::new(card.into(), String::new(), bus.into());
        let mut found =
            [camera("A", "usb-1"), camera("B", "usb-2"), camera("A", "usb-3"), camera("A", "usb-3")];
        tell_apart(&mut found);
        let names = found.each_ref().map(|camera| camera.name.as_str());
        assert_eq!(names, ["A (usb-1)", "B", "A (usb-3)", "A (usb-3), 2"]);
        assert!(found[1].may_be(&camera("B", "usb-9")), "it may return elsewhere");
        assert!(!found[0].may_be(&camera("A", "usb-3")), "its twin is another");
        assert!(found[0].may_be(&camera("A", "usb-1")), "it is alone now");
    }
}
