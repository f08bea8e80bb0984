//! Hosts and devices: which there are, and the one that a name means.

use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, Host, HostId};

use super::SoundDeviceParameters;
use super::format::lines;
use crate::error::{Error, Kind, Result};
use crate::signal::{DeviceKind, DeviceListing};

/// How long a host may take to list its devices.
const ANSWER: Duration = Duration::from_secs(3);

/// Keeps what libasound says of failures in this thread off standard error: the errors that it returns are told.
pub(super) fn hush() {
    #[cfg(target_os = "linux")]
    // Where it is refused, its lines are a nuisance and no more.
    let _ = alsa::Output::local_error_handler();
}

/// The host of a name; the one that is most likely meant where none is given.
pub(super) fn host(name: &str) -> Result<Host> {
    let hosts = cpal::available_hosts();
    if name.is_empty() {
        // A JACK server that runs was started to be used.
        let jack = hosts.iter().find(|id| is_jack(**id)).and_then(|id| cpal::host_from_id(*id).ok());
        return Ok(jack
            .filter(|jack| jack.default_output_device().is_some())
            .unwrap_or_else(cpal::default_host));
    }
    let id = hosts.iter().find(|id| id.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names: Vec<&str> = hosts.iter().map(HostId::name).collect();
        Error::new(Kind::Device, "sound", "this build has no such host").value(name).bound(names.join(", "))
    })?;
    cpal::host_from_id(*id)
        .map_err(|cause| Error::new(Kind::Device, id.name(), "the host does not answer").value(cause))
}

/// Whether a host gives its callbacks real-time priority by itself.
pub(super) fn is_jack(id: HostId) -> bool {
    id.name().eq_ignore_ascii_case("jack")
}

/// What people call a device.
pub(super) fn name_of(device: &Device) -> String {
    device.description().map_or_else(|_| "unnamed".to_owned(), |description| description.name().to_owned())
}

/// How a host names a device, which may be shorter and stay the same.
fn id_of(device: &Device) -> String {
    device.id().map(|id| id.id().to_owned()).unwrap_or_default()
}

/// The device that is meant.
pub(super) fn find(kind: DeviceKind, asked: &SoundDeviceParameters) -> Result<(HostId, Device)> {
    let host = host(&asked.host)?;
    let missing = |problem: &str| Error::new(Kind::Device, kind.name(), problem);
    if asked.name.is_empty() {
        let device = match kind {
            DeviceKind::Speaker => host.default_output_device(),
            _ => host.default_input_device(),
        };
        let device = device.ok_or_else(|| {
            Error::new(Kind::Device, host.id().name(), format!("it has no {}", kind.name()))
        })?;
        return Ok((host.id(), device));
    }
    let devices: Vec<Device> = all(&host, kind)?;
    let wanted = asked.name.to_lowercase();
    let names = |device: &Device| [name_of(device).to_lowercase(), id_of(device).to_lowercase()];
    let exact = devices.iter().find(|device| names(device).contains(&wanted));
    let part = || devices.iter().find(|device| names(device).iter().any(|name| name.contains(&wanted)));
    let found = exact.or_else(part).cloned().ok_or_else(|| {
        let there: Vec<String> = devices.iter().map(name_of).collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join("; ") };
        missing("there is none of that name").value(&asked.name).bound(there)
    })?;
    Ok((host.id(), found))
}

fn all(host: &Host, kind: DeviceKind) -> Result<Vec<Device>> {
    let devices = host.devices().map_err(|cause| {
        Error::new(Kind::Device, host.id().name(), "its devices can't be listed").value(cause)
    })?;
    // Some hosts offer formats both ways for a device that has one.
    let goes =
        |device: &Device| device.description().map_or(cpal::DeviceDirection::Unknown, |d| d.direction());
    let fits = |device: &Device| match kind {
        DeviceKind::Speaker => goes(device) != cpal::DeviceDirection::Input && device.supports_output(),
        _ => goes(device) != cpal::DeviceDirection::Output && device.supports_input(),
    };
    Ok(devices.filter(fits).collect())
}

/// Every device of a kind with its formats, or why it can't be opened.
#[must_use]
pub fn listing(kind: DeviceKind) -> Vec<DeviceListing> {
    // A host whose server hangs never answers: each is asked by a thread of its own, which may be left behind.
    let asked = cpal::available_hosts().into_iter().map(|id| {
        let (answer_in, answer) = crossbeam_channel::bounded(1);
        let thread = std::thread::Builder::new().name("napot-listing".to_owned()).spawn(move || {
            let _ = answer_in.send(listing_of(kind, id));
        });
        (id, thread, answer)
    });
    let asked: Vec<_> = asked.collect();
    let answers = asked.into_iter().map(|(id, thread, answer)| {
        let problem = match thread {
            Ok(_) => format!("its server does not answer within {} s", ANSWER.as_secs()),
            Err(cause) => cause.to_string(),
        };
        answer.recv_timeout(ANSWER).unwrap_or_else(|_| vec![unheard(kind, id, problem)])
    });
    answers.flatten().collect()
}

/// A host that says nothing of devices, and why.
fn unheard(kind: DeviceKind, id: HostId, problem: String) -> DeviceListing {
    let host = id.name().to_lowercase();
    DeviceListing { kind, host, name: String::new(), formats: Vec::new(), error: Some(problem) }
}

fn listing_of(kind: DeviceKind, id: HostId) -> Vec<DeviceListing> {
    hush();
    let devices = cpal::host_from_id(id).map_err(|cause| cause.to_string());
    let devices = match devices.and_then(|host| all(&host, kind).map_err(|error| error.to_string())) {
        Ok(devices) => devices,
        Err(cause) => return vec![unheard(kind, id, cause)],
    };
    let names: Vec<String> = devices.iter().map(name_of).collect();
    let line = |device: Device| {
        // Where several have one name, each is told by what its host calls it, which chooses it as well.
        let name = name_of(&device);
        let is_shared = names.iter().filter(|other| **other == name).count() > 1;
        let name = if is_shared { id_of(&device) } else { name };
        let offered: std::result::Result<Vec<_>, _> = match kind {
            DeviceKind::Speaker => device.supported_output_configs().map(Iterator::collect),
            _ => device.supported_input_configs().map(Iterator::collect),
        };
        let (formats, error) = match offered {
            Ok(offered) => (lines(&offered), None),
            Err(cause) => (Vec::new(), Some(cause.to_string())),
        };
        DeviceListing { kind, host: id.name().to_lowercase(), name, formats, error }
    };
    devices.into_iter().map(line).collect()
}
