//! A GPU and how it is found: adapter, device and queue.

use crate::error::{Error, Kind, Result};

/// Storage buffers that a step binds at once.
const BUFFERS: u32 = 8;
/// Invocations of a workgroup.
pub(super) const WORKGROUP: u32 = 256;

/// Which adapter is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The system's fastest; a software adapter where there is no other.
    Fastest,
    /// One that computes on the processor.
    Software,
}

/// What an adapter says of itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AdapterFacts {
    /// Its name.
    pub name: String,
    /// `vulkan`, `metal`, `dx12` or `gl`.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// Whether it computes on the processor.
    pub software: bool,
}

/// An open adapter. Clones share it.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    facts: AdapterFacts,
}

impl Gpu {
    /// Opens an adapter.
    ///
    /// # Errors
    /// Where there is none, or none that can run a step.
    pub fn find(which: Which) -> Result<Self> {
        // OpenGL ES only where there is nothing better.
        let found = request(which, wgpu::Backends::PRIMARY).or_else(|_| request(which, wgpu::Backends::GL));
        let help = "Install a driver for Vulkan, Metal, Direct3D 12 or OpenGL ES; `mesa-vulkan-drivers` has one \
                    that computes on the processor.";
        let adapter =
            found.map_err(|fault| failed("there is no adapter").value(one_line(&fault)).help(help))?;
        let info = adapter.get_info();
        let facts = AdapterFacts {
            name: info.name,
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            software: info.device_type == wgpu::DeviceType::Cpu,
        };
        let limits = adapter.limits();
        for (what, value, least) in [
            ("storage buffers in a shader", limits.max_storage_buffers_per_shader_stage, BUFFERS),
            ("invocations in a workgroup", limits.max_compute_invocations_per_workgroup, WORKGROUP),
        ] {
            if value < least {
                let error = failed("the adapter has too few").at(&facts.name);
                return Err(error.value(format!("{value} {what}")).bound(format!("at least {least}")));
            }
        }
        let wanted = wgpu::DeviceDescriptor { required_limits: limits, ..Default::default() };
        let (device, queue) = pollster::block_on(adapter.request_device(&wanted))
            .map_err(|fault| failed("the adapter can't be opened").at(&facts.name).value(one_line(&fault)))?;
        Ok(Self { device, queue, facts })
    }

    /// What the adapter says of itself.
    #[must_use]
    pub fn facts(&self) -> &AdapterFacts {
        &self.facts
    }

    /// The largest buffer that a shader can be given, in bytes.
    #[must_use]
    pub fn largest_buffer(&self) -> u64 {
        let limits = self.device.limits();
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
    }

    /// Makes something on the device, and tells what went wrong.
    pub(super) fn make<T>(&self, what: &str, make: impl FnOnce(&wgpu::Device) -> T) -> Result<T> {
        let filters =
            [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
        let mut scopes: Vec<_> =
            filters.into_iter().map(|filter| self.device.push_error_scope(filter)).collect();
        let made = make(&self.device);
        let mut fault = None;
        while let Some(scope) = scopes.pop() {
            fault = fault.or(pollster::block_on(scope.pop()));
        }
        match fault {
            None => Ok(made),
            Some(fault) => {
                Err(failed(format!("{what} can't be made")).at(&self.facts.name).value(one_line(&fault)))
            }
        }
    }

    /// Waits for a submission, or for the last one.
    pub(super) fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let until = wgpu::PollType::Wait { submission_index: submission, timeout: None };
        match self.device.poll(until) {
            Ok(_) => Ok(()),
            Err(fault) => Err(failed("the device was lost").at(&self.facts.name).value(one_line(&fault))),
        }
    }
}

fn request(
    which: Which,
    backends: wgpu::Backends,
) -> std::result::Result<wgpu::Adapter, wgpu::RequestAdapterError> {
    let descriptor =
        wgpu::InstanceDescriptor { backends, ..wgpu::InstanceDescriptor::new_without_display_handle() };
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        force_fallback_adapter: which == Which::Software,
        ..Default::default()
    };
    pollster::block_on(wgpu::Instance::new(descriptor).request_adapter(&options))
}

/// An error about the GPU.
pub(super) fn failed(problem: impl Into<String>) -> Error {
    Error::new(Kind::Device, "gpu", problem)
}

/// A fault as one line of a message.
pub(super) fn one_line(fault: &impl std::fmt::Display) -> String {
    fault.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
