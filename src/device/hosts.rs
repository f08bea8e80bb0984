//! Hosts and devices: which there are, and the one that a name means.

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, Host, HostId};

use super::SoundDeviceParameters;
use super::format::lines;
use crate::error::{Error, Kind, Result};
use crate::signal::{DeviceKind, DeviceListing};

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
        let device = device.ok_or_else(|| missing("the host has none").value(host.id().name()))?;
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
    hush();
    let mut found = Vec::new();
    for id in cpal::available_hosts() {
        let host_name = id.name().to_lowercase();
        let entry = |name: String, formats, error| DeviceListing {
            kind,
            host: host_name.clone(),
            name,
            formats,
            error,
        };
        let devices = cpal::host_from_id(id).map_err(|cause| cause.to_string());
        match devices.and_then(|host| all(&host, kind).map_err(|error| error.to_string())) {
            Err(cause) => found.push(entry(String::new(), Vec::new(), Some(cause))),
            Ok(devices) => {
                for device in devices {
                    let offered = match kind {
                        DeviceKind::Speaker => device.supported_output_configs().map(Iterator::collect),
                        _ => device.supported_input_configs().map(Iterator::collect),
                    };
                    found.push(match offered {
                        Ok(offered) => {
                            let offered: Vec<_> = offered;
                            entry(name_of(&device), lines(&offered), None)
                        }
                        Err(cause) => entry(name_of(&device), Vec::new(), Some(cause.to_string())),
                    });
                }
            }
        }
    }
    found
}
