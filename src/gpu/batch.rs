//! Ticks on their way to the device: many dispatches in one submission, two submissions under way at most.

use wgpu::{BindGroup, Buffer, BufferUsages, SubmissionIndex};

use super::adapter::{Gpu, WORKGROUP};
use super::device::{Device, buffer};
use super::drive::Push;
use super::record::{BYTES, Record, groups};
use crate::error::Result;

/// The most dispatches of a submission.
const MOST_JOBS: usize = 1_024;
/// Sites that a submission steps, pushes or fades at most: systems end what keeps a GPU busy for seconds.
const MOST_SITES: usize = 1 << 28;
/// The most pushes of a submission, after which it goes.
const MOST_PUSHES: usize = 1 << 20;

/// A dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Adds this many pushes.
    Push(usize),
    /// Steps a band that has a faster one, bound by this number of [`Device::planes`].
    Cascading(usize),
    /// Steps the fastest band.
    Fastest(usize),
    /// Lets the phasic drive fade by a step of the fastest band.
    Fade,
}

/// What waits to be submitted.
pub(super) struct Batch {
    jobs: Vec<Job>,
    records: Vec<Record>,
    pub(super) pushes: Vec<Push>,
    sites: usize,
    record_buffer: Buffer,
    push_buffer: Buffer,
    step_group: BindGroup,
    drive_group: BindGroup,
    before: Option<SubmissionIndex>,
}

impl Batch {
    pub(super) fn new(gpu: &Gpu, device: &Device) -> Result<Self> {
        gpu.make("the records", |of| {
            let record_buffer =
                buffer(of, (MOST_JOBS * BYTES) as u64, BufferUsages::UNIFORM | BufferUsages::COPY_DST);
            let push_buffer = room_for_pushes(of, 1_024);
            Self {
                jobs: Vec::with_capacity(MOST_JOBS),
                records: Vec::with_capacity(MOST_JOBS),
                pushes: Vec::new(),
                sites: 0,
                step_group: device.bind_steps(gpu, &record_buffer),
                drive_group: device.bind_drive(gpu, &record_buffer, &push_buffer),
                record_buffer,
                push_buffer,
                before: None,
            }
        })
    }

    /// Whether a tick of this many dispatches had better begin a new submission.
    pub(super) fn is_full(&self, jobs: usize) -> bool {
        self.jobs.len() + jobs > MOST_JOBS || self.sites > MOST_SITES || self.pushes.len() > MOST_PUSHES
    }

    pub(super) fn add(&mut self, job: Job, record: Record, sites: usize) {
        self.jobs.push(job);
        self.records.push(record);
        self.sites += sites;
    }

    /// Submits what waits, and waits for the submission before the last one.
    pub(super) fn submit(&mut self, gpu: &Gpu, device: &Device) -> Result<()> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        self.make_room(gpu, device)?;
        gpu.queue.write_buffer(&self.record_buffer, 0, bytemuck::cast_slice(&self.records));
        if !self.pushes.is_empty() {
            gpu.queue.write_buffer(&self.push_buffer, 0, bytemuck::cast_slice(&self.pushes));
        }
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            let mut now = None;
            for (index, job) in self.jobs.iter().enumerate() {
                let pipeline = match job {
                    Job::Push(_) => &device.push,
                    Job::Fade => &device.fade,
                    Job::Cascading(_) => &device.cascading,
                    Job::Fastest(_) => &device.fastest,
                };
                let kind = std::mem::discriminant(job);
                if now != Some(kind) {
                    pass.set_pipeline(pipeline);
                    now = Some(kind);
                }
                let offset = [(index * BYTES) as u32];
                let invocations = match job {
                    Job::Push(count) => *count,
                    _ => groups(device.shape),
                };
                if let Job::Cascading(planes) | Job::Fastest(planes) = job {
                    pass.set_bind_group(0, &self.step_group, &offset);
                    pass.set_bind_group(1, &device.planes[*planes], &[]);
                } else {
                    pass.set_bind_group(0, &self.drive_group, &offset);
                }
                pass.dispatch_workgroups((invocations as u32).div_ceil(WORKGROUP), 1, 1);
            }
        }
        let submitted = gpu.queue.submit([encoder.finish()]);
        self.jobs.clear();
        self.records.clear();
        self.pushes.clear();
        self.sites = 0;
        match self.before.replace(submitted) {
            Some(before) => gpu.wait(Some(before)),
            None => Ok(()),
        }
    }

    /// A larger buffer where the pushes outgrow theirs.
    fn make_room(&mut self, gpu: &Gpu, device: &Device) -> Result<()> {
        if self.pushes.len() * size_of::<Push>() <= self.push_buffer.size() as usize {
            return Ok(());
        }
        let wanted = self.pushes.len().next_power_of_two();
        self.push_buffer = gpu.make("room for pushes", |of| room_for_pushes(of, wanted))?;
        self.drive_group = device.bind_drive(gpu, &self.record_buffer, &self.push_buffer);
        Ok(())
    }
}

fn room_for_pushes(device: &wgpu::Device, pushes: usize) -> Buffer {
    let bytes = (pushes * size_of::<Push>()) as u64;
    buffer(device, bytes, BufferUsages::STORAGE | BufferUsages::COPY_DST)
}
