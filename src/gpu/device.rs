//! What an array has on the device: buffers, shaders, and who is bound to what.

use wgpu::{
    BindGroup, BindGroupLayout, BindingType, Buffer, BufferBindingType, BufferUsages, ComputePipeline,
};

use super::adapter::Gpu;
use super::record::{BYTES, groups};
use crate::error::Result;
use crate::kernel::ars;
use crate::signal::SheetShape;

/// The step of a band, with the noise before it.
const STEP: &str = concat!(include_str!("noise.wgsl"), include_str!("step.wgsl"));
/// The drive.
const DRIVE: &str = include_str!("drive.wgsl");

/// Bytes of a group of four sites: both parts.
pub(super) const GROUP_BYTES: u64 = 32;
/// Bytes of the sustained levels of a group.
const LEVEL_BYTES: u64 = 16;
/// Words of the generator's table.
const TABLE: usize = 256;

/// One copy of the sheet: of every band the state and the place of the next.
pub(super) type Copies = Vec<[Buffer; 2]>;

/// Buffers and pipelines of an array.
pub(super) struct Device {
    pub(super) shape: SheetShape,
    pub(super) driven: Copies,
    pub(super) twin: Option<Copies>,
    /// The phasic drive, then the levels.
    pub(super) drives: Buffer,
    /// The generator's table, then the columns' bands.
    pub(super) constants: Buffer,
    pub(super) cascading: ComputePipeline,
    pub(super) fastest: ComputePipeline,
    pub(super) push: ComputePipeline,
    pub(super) fade: ComputePipeline,
    /// Of every band four: by its own state's place, then by that of the next faster band.
    pub(super) planes: Vec<BindGroup>,
    step_layout: BindGroupLayout,
    drive_layout: BindGroupLayout,
}

impl Device {
    /// Everything but the state, which is zero.
    pub(super) fn new(gpu: &Gpu, shape: SheetShape, twin: bool) -> Result<Self> {
        gpu.make("the sheet", |device| {
            let storage = BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
            let buffer = |bytes: u64| buffer(device, bytes, storage);
            let plane = groups(shape) as u64 * GROUP_BYTES;
            let copies = || -> Copies { (0..shape.bands).map(|_| [buffer(plane), buffer(plane)]).collect() };
            let (driven, twins) = (copies(), twin.then(copies));
            let read = BufferBindingType::Storage { read_only: true };
            let write = BufferBindingType::Storage { read_only: false };
            let step_layout = layout(device, &[BufferBindingType::Uniform, read, read]);
            let drive_layout = layout(device, &[BufferBindingType::Uniform, write, read]);
            let plane_layout = layout(device, &[read, write, write, read, write, write]);
            // What a step does not have is bound to something small.
            let spare = [buffer(GROUP_BYTES), buffer(GROUP_BYTES), buffer(GROUP_BYTES), buffer(GROUP_BYTES)];
            let planes = (0..4 * shape.bands)
                .map(|index| {
                    let (band, own, next) = (index / 4, index / 2 % 2, index % 2);
                    let of = |copies: Option<&Copies>, spare: &[Buffer]| match copies {
                        None => [spare[0].clone(), spare[1].clone(), spare[2].clone()],
                        Some(copies) => [
                            copies[band][own].clone(),
                            copies[band][1 - own].clone(),
                            copies.get(band + 1).map_or(&spare[2], |faster| &faster[next]).clone(),
                        ],
                    };
                    let [old, stepped, faster] = of(Some(&driven), &[&spare[..2], &spare[2..3]].concat());
                    let last = [&spare[..2], &spare[3..]].concat();
                    let [twin_old, twin_stepped, twin_faster] = of(twins.as_ref(), &last);
                    bound(
                        device,
                        &plane_layout,
                        &[&old, &stepped, &faster, &twin_old, &twin_stepped, &twin_faster],
                    )
                })
                .collect();
            let step = Shader::new(device, STEP, &[&step_layout, &plane_layout]);
            let drive = Shader::new(device, DRIVE, &[&drive_layout]);
            let flags = |faster| [("with_twin", f64::from(u8::from(twin))), ("with_faster", faster)];
            Self {
                shape,
                driven,
                twin: twins,
                drives: buffer(groups(shape) as u64 * (GROUP_BYTES + LEVEL_BYTES)),
                constants: buffer((TABLE + shape.width.next_multiple_of(4)) as u64 * 4),
                cascading: step.entry(device, "step", &flags(1.0)),
                fastest: step.entry(device, "step", &flags(0.0)),
                push: drive.entry(device, "push", &[]),
                fade: drive.entry(device, "fade", &[]),
                planes,
                step_layout,
                drive_layout,
            }
        })
    }

    /// Where the levels begin in the drive's buffer.
    pub(super) fn levels_begin(&self) -> u64 {
        groups(self.shape) as u64 * GROUP_BYTES
    }

    /// Binds the records of steps.
    pub(super) fn bind_steps(&self, gpu: &Gpu, records: &Buffer) -> BindGroup {
        bound(&gpu.device, &self.step_layout, &[records, &self.constants, &self.drives])
    }

    /// Binds the records of the drive's passes, and the pushes.
    pub(super) fn bind_drive(&self, gpu: &Gpu, records: &Buffer, pushes: &Buffer) -> BindGroup {
        bound(&gpu.device, &self.drive_layout, &[records, &self.drives, pushes])
    }
}

/// A buffer of zeros.
pub(super) fn buffer(device: &wgpu::Device, bytes: u64, usage: BufferUsages) -> Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes,
        usage,
        mapped_at_creation: false,
    })
}

/// What a round makes of each byte in the first row of a column: the table that the shader looks words up in.
///
/// The other three bytes of the round's column are those that are substituted by 0.
pub(super) fn table() -> [u32; TABLE] {
    const NOTHING: u32 = 0x52;
    let others = u32::from_le_bytes([NOTHING as u8; 4]);
    std::array::from_fn(|byte| {
        ars::aes_round([others ^ NOTHING ^ byte as u32, others, others, others], [0; 4])[0]
    })
}

/// A layout of buffers for shaders; uniform ones are moved from record to record.
pub(super) fn layout(device: &wgpu::Device, kinds: &[BufferBindingType]) -> BindGroupLayout {
    let entries: Vec<_> = kinds
        .iter()
        .zip(0..)
        .map(|(kind, binding)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: BindingType::Buffer {
                ty: *kind,
                has_dynamic_offset: *kind == BufferBindingType::Uniform,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries })
}

/// Buffers bound by a layout; of one that holds records, one at a time.
pub(super) fn bound(device: &wgpu::Device, layout: &BindGroupLayout, buffers: &[&Buffer]) -> BindGroup {
    let entries: Vec<_> = buffers
        .iter()
        .zip(0..)
        .map(|(buffer, binding)| {
            let record = buffer.usage().contains(BufferUsages::UNIFORM);
            let size = record.then(|| wgpu::BufferSize::new(BYTES as u64)).flatten();
            let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset: 0, size });
            wgpu::BindGroupEntry { binding, resource }
        })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
}

/// A shader's text, with what it is bound to.
pub(super) struct Shader {
    module: wgpu::ShaderModule,
    layout: wgpu::PipelineLayout,
}

impl Shader {
    pub(super) fn new(device: &wgpu::Device, text: &str, layouts: &[&BindGroupLayout]) -> Self {
        let layouts: Vec<_> = layouts.iter().map(|layout| Some(*layout)).collect();
        Self {
            module: device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: None,
                source: wgpu::ShaderSource::Wgsl(text.into()),
            }),
            layout: device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts: &layouts,
                immediate_size: 0,
            }),
        }
    }

    /// The pipeline of an entry point.
    pub(super) fn entry(
        &self,
        device: &wgpu::Device,
        name: &str,
        constants: &[(&str, f64)],
    ) -> ComputePipeline {
        device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: Some(&self.layout),
            module: &self.module,
            entry_point: Some(name),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                // Every place of the table is written before it is read.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        })
    }
}
