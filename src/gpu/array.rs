//! An array whose state lives on a GPU.

use std::sync::mpsc;

use ndarray::{ArrayView3, ShapeBuilder};
use wgpu::{Buffer, BufferUsages, MapMode};

use super::adapter::{Gpu, failed, one_line};
use super::batch::{Batch, Job};
use super::device::{Device, GROUP_BYTES, buffer, table};
use super::drive::Drive;
use super::record::{self, GROUP, PHASIC, Record, SUSTAINED, groups, groups_in_row};
use crate::array::tonic::Tonic;
use crate::array::{Array, ArrayParameters, band_steps, is_due};
use crate::error::Result;
use crate::kernel::lattice::Factors;
use crate::kernel::noise::RoundKeys;
use crate::kernel::planes::{Extent, Planes};
use crate::random::split;
use crate::signal::{ArrayId, Burst, FieldView, SheetShape};
use crate::time::Tick;
use crate::units::Hertz;

/// Bytes that come back from the device at once.
const READ_BYTES: u64 = 256 << 20;

/// A sheet of noisy oscillators and its twin without input, stepped by a GPU; it keeps no energy book.
///
/// It takes what [`Array`] takes and makes of it the same within [`super::TOLERANCE`]. Ticks are gathered and submitted
/// together; [`Self::finish`] waits for them, [`Self::read`] brings their state back.
pub struct GpuArray {
    gpu: Gpu,
    id: ArrayId,
    shape: SheetShape,
    parameters: ArrayParameters,
    variances: Vec<f64>,
    ticks_per_step: Vec<u64>,
    /// Of every band, but for the tick and what drives it.
    records: Vec<Record>,
    drive: Drive,
    device: Device,
    /// Which of a band's two buffers holds its state.
    places: Vec<usize>,
    batch: Batch,
    // What was read.
    driven: Planes,
    twin: Option<Planes>,
    staging: Buffer,
    tick: Tick,
    carriers: Vec<[f32; 2]>,
    /// Bands that have changed since they were read.
    stale: Vec<bool>,
}

impl GpuArray {
    /// An array of `height x width` sites on `gpu`, in the tonic state that [`Array::new`] starts from.
    ///
    /// # Errors
    /// Where a parameter or the size is out of bounds, or the device has no room for the sheet.
    pub fn new(
        gpu: &Gpu,
        id: ArrayId,
        height: usize,
        width: usize,
        parameters: &ArrayParameters,
        seed: u64,
    ) -> Result<Self> {
        let start = Array::new(id, height, width, parameters, seed, 1)?;
        let shape = start.shape();
        let plane = groups(shape) as u64 * GROUP_BYTES;
        // The drive's buffer is half as large again as a plane.
        if plane / 2 * 3 > gpu.largest_buffer() {
            return Err(failed("the sheet does not fit the adapter")
                .at(&gpu.facts().name)
                .value(format!("{height} x {width}"))
                .bound(format!("{} bytes a buffer", gpu.largest_buffer())));
        }
        let tonic = Tonic::solve(parameters, height, width);
        let keys = RoundKeys::new(split(seed));
        let steps = band_steps(parameters, &tonic);
        let records = steps.iter().enumerate().map(|(band, step)| {
            let lane = u32::from(id.0) << 16 | band as u32;
            record::of_band(shape, band, lane, &Factors::new(step).numbers(), keys.rounds())
        });
        let device = Device::new(gpu, shape, parameters.twin)?;
        let batch = Batch::new(gpu, &device)?;
        let extent = Extent { bands: shape.bands, height, width };
        let mut driven = Planes::zeros(extent, 0);
        for band in 0..shape.bands {
            let (re, im) = start.field().band(band);
            driven.part_mut(band, 0).copy_from_slice(re);
            driven.part_mut(band, 1).copy_from_slice(im);
        }
        let bands_at_once = (READ_BYTES / plane).clamp(1, shape.bands as u64);
        let staging = gpu.make("room to read", |of| {
            buffer(of, bands_at_once * plane, BufferUsages::MAP_READ | BufferUsages::COPY_DST)
        })?;
        let array = Self {
            gpu: gpu.clone(),
            id,
            shape,
            variances: tonic.variances,
            ticks_per_step: (0..shape.bands).map(|band| parameters.ticks_per_step(band)).collect(),
            records: records.collect(),
            drive: Drive::new(shape, parameters),
            device,
            places: vec![0; shape.bands],
            batch,
            twin: parameters.twin.then(|| driven.copied(1)),
            driven,
            staging,
            tick: Tick(0),
            carriers: vec![[1.0, 0.0]; shape.bands],
            stale: vec![false; shape.bands],
            parameters: parameters.clone(),
        };
        array.write_start();
        Ok(array)
    }

    fn write_start(&self) {
        self.gpu.queue.write_buffer(&self.device.constants, 0, bytemuck::cast_slice(&table()));
        for (band, places) in self.device.driven.iter().enumerate() {
            let packed = pack(&self.driven, band);
            self.gpu.queue.write_buffer(&places[0], 0, bytemuck::cast_slice(&packed));
            if let Some(twin) = &self.device.twin {
                self.gpu.queue.write_buffer(&twin[band][0], 0, bytemuck::cast_slice(&packed));
            }
        }
    }

    /// Its index.
    #[must_use]
    pub fn id(&self) -> ArrayId {
        self.id
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> SheetShape {
        self.shape
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &ArrayParameters {
        &self.parameters
    }

    /// `E_b` of every band, slowest first.
    #[must_use]
    pub fn band_variances(&self) -> &[f64] {
        &self.variances
    }

    /// The GPU that it is on.
    #[must_use]
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Bytes that an array of this shape takes on the device.
    #[must_use]
    pub fn bytes_of(shape: SheetShape, twin: bool) -> u64 {
        let copies = if twin { 2 } else { 1 };
        // Every band twice, and the drive's three parts.
        groups(shape) as u64 * GROUP_BYTES * (4 * copies * shape.bands as u64 + 3) / 2
    }

    /// As [`Array::tune_columns`].
    pub fn tune_columns(&mut self, rate_of_column: impl Fn(usize) -> Hertz) {
        for column in 0..self.shape.width {
            let band = self.parameters.nearest_band(rate_of_column(column));
            self.drive.set_column_band(column, band);
        }
    }

    /// As [`Array::strike`].
    pub fn strike(&mut self, burst: &Burst) {
        self.drive.strike(burst);
    }

    /// As [`Array::push_site`].
    ///
    /// # Panics
    /// Where the site lies beyond the sheet.
    pub fn push_site(&mut self, site: usize, re: f32, im: f32) {
        self.drive.add(site, re, im);
    }

    /// As [`Array::sustain`].
    pub fn sustain(&mut self, levels: &[f32]) {
        self.drive.sustain(levels);
    }

    /// Bursts and levels refused since the start.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.drive.refused()
    }

    /// Steps through `tick`, sooner or later: ticks go to the device many at a time.
    ///
    /// # Errors
    /// Where the device is lost.
    pub fn step(&mut self, tick: Tick) -> Result<()> {
        self.send_levels()?;
        // A band, and before and after them what drives them.
        if self.batch.is_full(self.shape.bands + 2) {
            self.batch.submit(&self.gpu, &self.device)?;
        }
        let (shape, sites) = (self.shape, self.shape.sites());
        let first = self.batch.pushes.len();
        let count = self.drive.take_pushes(&mut self.batch.pushes);
        if count > 0 {
            let record = record::of_drive(shape, [first as u32, count as u32], self.drive.bounds());
            self.batch.add(Job::Push(count), record, count);
        }
        let top = shape.bands - 1;
        for band in (0..shape.bands).rev().filter(|band| is_due(self.ticks_per_step[*band], tick)) {
            let phasic = band == top && self.drive.is_phasic();
            let sustained = self.drive.sustains(band);
            let flags = if phasic { PHASIC } else { 0 } | if sustained { SUSTAINED } else { 0 };
            let record = record::at_tick(self.records[band], split(tick.0), flags);
            let faster = self.places.get(band + 1).copied();
            let planes = 4 * band + 2 * self.places[band] + faster.unwrap_or(0);
            let job = if faster.is_some() { Job::Cascading(planes) } else { Job::Fastest(planes) };
            self.batch.add(job, record, sites);
            self.places[band] = 1 - self.places[band];
            for changed in self.stale.iter_mut().skip(band).take(2) {
                *changed = true;
            }
        }
        if self.drive.is_phasic() && is_due(self.ticks_per_step[top], tick) {
            let record = record::of_drive(shape, [0, 0], self.drive.bounds());
            self.batch.add(Job::Fade, record, sites);
            self.drive.fade();
        }
        self.tick = tick;
        Ok(())
    }

    /// Levels and tuned columns reach the device between two submissions.
    fn send_levels(&mut self) -> Result<()> {
        let width = self.shape.width;
        if let Some(levels) = self.drive.take_levels() {
            let mut packed = vec![0.0; groups(self.shape) * GROUP];
            let row = groups_in_row(self.shape) * GROUP;
            for (to, from) in packed.chunks_mut(row).zip(levels.chunks(width)) {
                to[..width].copy_from_slice(from);
            }
            self.batch.submit(&self.gpu, &self.device)?;
            let begin = self.device.levels_begin();
            self.gpu.queue.write_buffer(&self.device.drives, begin, bytemuck::cast_slice(&packed));
        }
        if let Some(bands) = self.drive.take_bands() {
            self.batch.submit(&self.gpu, &self.device)?;
            let begin = size_of_val(&table()) as u64;
            self.gpu.queue.write_buffer(&self.device.constants, begin, bytemuck::cast_slice(bands));
        }
        Ok(())
    }

    /// Waits until every tick has been stepped.
    ///
    /// # Errors
    /// Where the device is lost.
    pub fn finish(&mut self) -> Result<()> {
        self.batch.submit(&self.gpu, &self.device)?;
        self.gpu.wait(None)
    }

    /// Brings the state back: [`Self::field`] and [`Self::twin`] show it from then on. Bands that have not changed since the
    /// last reading are left where they are.
    ///
    /// # Errors
    /// Where the device is lost.
    pub fn read(&mut self) -> Result<()> {
        self.batch.submit(&self.gpu, &self.device)?;
        let bands: Vec<usize> = (0..self.shape.bands).filter(|band| self.stale[*band]).collect();
        self.stale.fill(false);
        let plane = groups(self.shape) as u64 * GROUP_BYTES;
        let at_once = (self.staging.size() / plane) as usize;
        let copies = [(Some(&self.device.driven), Some(&mut self.driven))];
        let twins = [(self.device.twin.as_ref(), self.twin.as_mut())];
        for (from, to) in copies.into_iter().chain(twins) {
            let (Some(from), Some(to)) = (from, to) else { continue };
            for bands in bands.chunks(at_once) {
                let sources: Vec<&Buffer> =
                    bands.iter().map(|band| &from[*band][self.places[*band]]).collect();
                fetch(&self.gpu, &self.staging, &sources, |index, values| unpack(values, to, bands[index]))?;
            }
        }
        for (band, carrier) in self.carriers.iter_mut().enumerate() {
            *carrier = self.parameters.carrier(band, self.tick);
        }
        Ok(())
    }

    /// The driven sheet as it was last read.
    #[must_use]
    pub fn field(&self) -> FieldView<'_> {
        self.view(&self.driven)
    }

    /// The twin's sheet as it was last read, where one runs.
    #[must_use]
    pub fn twin(&self) -> Option<FieldView<'_>> {
        self.twin.as_ref().map(|planes| self.view(planes))
    }

    fn view<'a>(&'a self, planes: &'a Planes) -> FieldView<'a> {
        let SheetShape { height, width, bands } = self.shape;
        let of = |part: usize| {
            let (values, stride) = planes.strided(part);
            let shape = (bands, height, width).strides((stride, width, 1));
            ArrayView3::from_shape(shape, values).expect("planes have the sheet's shape")
        };
        FieldView { re: of(0), im: of(1), carriers: &self.carriers }
    }
}

/// Copies whole buffers of one size through `staging`, and hands each to `take` with its number.
pub(super) fn fetch(
    gpu: &Gpu,
    staging: &Buffer,
    sources: &[&Buffer],
    mut take: impl FnMut(usize, &[f32]),
) -> Result<()> {
    let Some(bytes) = sources.first().map(|source| source.size()) else { return Ok(()) };
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    for (index, source) in sources.iter().enumerate() {
        encoder.copy_buffer_to_buffer(source, 0, staging, index as u64 * bytes, bytes);
    }
    gpu.queue.submit([encoder.finish()]);
    let slice = staging.slice(..sources.len() as u64 * bytes);
    let (told, heard) = mpsc::channel();
    slice.map_async(MapMode::Read, move |outcome| {
        // Nobody listens any more where the wait has failed.
        let _ = told.send(outcome);
    });
    gpu.wait(None)?;
    let unread = |fault: &dyn std::fmt::Display| {
        failed("the state can't be read").at(&gpu.facts().name).value(one_line(&fault))
    };
    match heard.try_recv() {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => return Err(unread(&fault)),
        Err(fault) => return Err(unread(&fault)),
    }
    let mapped = slice.get_mapped_range().map_err(|fault| unread(&fault))?;
    let values: &[f32] = bytemuck::cast_slice(&mapped);
    for (index, values) in values.chunks(bytes as usize / size_of::<f32>()).enumerate() {
        take(index, values);
    }
    drop(mapped);
    staging.unmap();
    Ok(())
}

/// A band as the device has it: of every group of columns the real parts, then the imaginary ones.
fn pack(planes: &Planes, band: usize) -> Vec<f32> {
    let Extent { height, width, .. } = planes.extent();
    let mut packed = vec![0.0; height * width.div_ceil(GROUP) * 2 * GROUP];
    let row = packed.len() / height;
    for part in 0..2 {
        for (to, from) in packed.chunks_mut(row).zip(planes.part(band, part).chunks(width)) {
            for (to, from) in to.chunks_mut(2 * GROUP).zip(from.chunks(GROUP)) {
                to[part * GROUP..][..from.len()].copy_from_slice(from);
            }
        }
    }
    packed
}

/// The way back.
fn unpack(packed: &[f32], planes: &mut Planes, band: usize) {
    let Extent { height, width, .. } = planes.extent();
    let row = packed.len() / height;
    for part in 0..2 {
        for (to, from) in planes.part_mut(band, part).chunks_mut(width).zip(packed.chunks(row)) {
            for (to, from) in to.chunks_mut(GROUP).zip(from.chunks(2 * GROUP)) {
                to.copy_from_slice(&from[part * GROUP..][..to.len()]);
            }
        }
    }
}
