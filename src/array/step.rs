//! The array's state and its step; real-time code.

use ndarray::{ArrayView3, ShapeBuilder};

use super::drive::Drive;
use super::energy::{Cause, EnergyBook, EnergyFigures};
use super::parameters::ArrayParameters;
use super::tonic::Tonic;
use crate::error::{Error, Result};
use crate::kernel::lanes::Instructions;
use crate::kernel::lattice::{BandStep, CAUSES, Factors};
use crate::kernel::noise::{NoiseKey, RoundKeys, fill_row};
use crate::kernel::planes::{Extent, Planes};
use crate::kernel::reduce::{Watched, WindowSums, Windows};
use crate::kernel::sheet::{SheetStep, Watch, Workroom, step_sheet};
use crate::kernel::team::Team;
use crate::random::split;
use crate::signal::{ArrayId, Burst, FieldView, SheetShape};
use crate::time::Tick;
use crate::units::Hertz;

/// What happens in a tick, in order: the middle ones for every band that is due, the fastest first. Bursts and levels are heard before it; read-outs look after it.
pub const SCHEDULE: [&str; 8] =
    ["hear", "diffusion", "drive", "saturation", "damping", "noise", "cascade", "read out"];

/// The largest sheet in sites: `4096 x 4096`.
const MOST_SITES: usize = 4_096 * 4_096;
/// The tick of the draw that fills the sheet at the start: no run reaches it.
const FIRST_DRAW: u64 = u64::MAX;

/// A sheet of noisy oscillators, its twin without input, and its energy book.
pub struct Array {
    pub(super) id: ArrayId,
    pub(super) shape: SheetShape,
    pub(super) parameters: ArrayParameters,
    pub(super) tonic: Tonic,
    pub(super) seed: [u32; 2],
    // State.
    pub(super) driven: Planes,
    pub(super) twin: Option<Planes>,
    pub(super) drive: Drive,
    book: EnergyBook,
    // Derived and scratch.
    keys: RoundKeys,
    pub(super) factors: Vec<Factors>,
    /// Ticks of one step of each band.
    ticks_per_step: Vec<u64>,
    instructions: Instructions,
    carriers: Vec<[f32; 2]>,
    due: Vec<bool>,
    changed: Vec<bool>,
    workroom: Workroom,
    windows: Option<Windows>,
    /// What the windows hold of the driven sheet, and of the twin.
    sums: [Option<WindowSums>; 2],
}

impl Array {
    /// An array of `height x width` sites in its tonic state, for teams of up to `members` threads.
    ///
    /// # Errors
    /// Where a parameter or the size is out of bounds.
    pub fn new(
        id: ArrayId,
        height: usize,
        width: usize,
        parameters: &ArrayParameters,
        seed: u64,
        members: usize,
    ) -> Result<Self> {
        parameters.check()?;
        if height == 0 || width == 0 || height.saturating_mul(width) > MOST_SITES {
            let error = Error::configuration("array size", "the sheet's size is out of bounds");
            return Err(error.value(format!("{height} x {width}")).bound("1 x 1 to 4096 x 4096"));
        }
        let shape = SheetShape { height, width, bands: parameters.bands };
        let tonic = Tonic::solve(parameters, height, width);
        let factors = band_steps(parameters, &tonic).iter().map(Factors::new).collect();
        let start = tonic_state(id, shape, &tonic, parameters.tonic, split(seed));
        Ok(Self {
            id,
            shape,
            seed: split(seed),
            drive: Drive::new(shape, parameters),
            book: EnergyBook::open(&start),
            keys: RoundKeys::new(split(seed)),
            factors,
            ticks_per_step: (0..shape.bands).map(|band| parameters.ticks_per_step(band)).collect(),
            instructions: Instructions::best(),
            carriers: vec![[1.0, 0.0]; shape.bands],
            due: vec![false; shape.bands],
            changed: vec![true; shape.bands],
            workroom: Workroom::new(&start, members),
            windows: None,
            sums: [None, None],
            twin: parameters.twin.then(|| start.copied(1)),
            driven: start,
            parameters: parameters.clone(),
            tonic,
        })
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
        &self.tonic.variances
    }

    /// Says to which rate each column's sustained drive belongs; it drives the nearest band.
    pub fn tune_columns(&mut self, rate_of_column: impl Fn(usize) -> Hertz) {
        self.drive.tune(|column| self.parameters.nearest_band(rate_of_column(column)));
    }

    /// Takes a burst: from the next step on it drives the fastest band of its site. A burst that is not
    /// finite or lies beyond the sheet is refused and counted.
    pub fn strike(&mut self, burst: &Burst) {
        self.drive.strike(burst);
    }

    /// Adds a phasic drive of complex amplitude `re + i im`, in units of the tonic rms, at a site. It gives the fastest band the
    /// same in all, whichever tick it comes in, also where that band steps once in some ticks.
    ///
    /// # Panics
    /// Where the site lies beyond the sheet.
    pub fn push_site(&mut self, site: usize, re: f32, im: f32) {
        self.drive.add(site, re, im);
    }

    /// Sets the sustained drive, one level of at least 0 per site in units of the tonic rms.
    pub fn sustain(&mut self, levels: &[f32]) {
        self.drive.sustain(levels);
    }

    /// Bursts and levels refused since the start.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.drive.refused()
    }

    /// Runs the kernels by these instructions from now on; the bits stay what they are.
    pub fn set_instructions(&mut self, instructions: Instructions) {
        self.instructions = instructions;
    }

    /// Which instructions run the kernels.
    #[must_use]
    pub fn instructions(&self) -> Instructions {
        self.instructions
    }

    /// Steps through `tick`. The result does not depend on the team's size.
    ///
    /// # Panics
    /// Where the team has more members than the array was made for.
    pub fn step(&mut self, tick: Tick, team: &mut Team) {
        self.look_at_the_clock(tick);
        let step = SheetStep {
            with: self.instructions,
            factors: &self.factors,
            due: &self.due,
            key: NoiseKey { seed: self.seed, tick: split(tick.0), lane: u32::from(self.id.0) << 16 },
            keys: &self.keys,
        };
        let drive = &self.drive;
        let rows = |band, rows| drive.rows(band, rows);
        let [of_driven, of_twin] = &mut self.sums;
        let watch = self.windows.as_ref().zip(of_driven.as_mut()).map(|(windows, driven)| Watch {
            windows,
            driven,
            twin: of_twin.as_mut(),
        });
        step_sheet(team, &step, &mut self.driven, self.twin.as_mut(), rows, watch, &mut self.workroom);
        for (band, _) in self.changed.iter().enumerate().filter(|(_, changed)| **changed) {
            self.book.add(band, &self.workroom.changes(band));
        }
        // Only with the band that it drives: if every tick let it fade, a push would count by the tick that it came in.
        if self.due[self.shape.bands - 1] {
            self.drive.fade();
        }
    }

    /// Opens the books anew, after the state was replaced: what changed before is not in them.
    pub(super) fn reopen(&mut self) {
        self.book = EnergyBook::open(&self.driven);
        self.workroom.reopen(&self.driven);
        self.take_sums();
    }

    /// Has the sums of `windows` follow the state from now on.
    ///
    /// # Panics
    /// Where they lie on another sheet.
    pub fn watch(&mut self, windows: Windows) {
        assert!(windows.fit(self.shape.height, self.shape.width), "windows on this sheet");
        let sums = WindowSums::new(&windows, self.shape.bands);
        self.sums = [Some(sums.clone()), self.twin.is_some().then_some(sums)];
        self.windows = Some(windows);
        self.take_sums();
    }

    /// Takes the sums of all bands: a step takes those of the bands that it changes.
    fn take_sums(&mut self) {
        let Some(windows) = &self.windows else { return };
        let copies = [Some(&self.driven), self.twin.as_ref()];
        for (planes, sums) in copies.into_iter().zip(&mut self.sums) {
            let (Some(planes), Some(sums)) = (planes, sums) else { continue };
            for band in 0..self.shape.bands {
                sums.take(self.instructions, windows, band, (planes.part(band, 0), planes.part(band, 1)));
            }
        }
    }

    /// The windows' sums of the driven sheet; `None` where none are watched.
    #[must_use]
    pub fn watched(&self) -> Option<Watched<'_>> {
        let sums = self.sums[0].as_ref()?;
        Some(Watched { sums, carriers: &self.carriers })
    }

    /// The same of the twin's sheet; `None` without one.
    #[must_use]
    pub fn watched_twin(&self) -> Option<Watched<'_>> {
        let sums = self.sums[1].as_ref()?;
        Some(Watched { sums, carriers: &self.carriers })
    }

    /// The driven sheet.
    #[must_use]
    pub fn field(&self) -> FieldView<'_> {
        self.view(&self.driven)
    }

    /// The twin's sheet, where one runs.
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

    /// The energy book; its energy is that of its last measurement.
    #[must_use]
    pub fn book(&self) -> &EnergyBook {
        &self.book
    }

    /// The energy book, its energy measured now.
    pub fn balance(&mut self) -> (&EnergyBook, EnergyFigures) {
        self.book.measure(&self.driven);
        (&self.book, self.book.figures())
    }

    /// Hands the whole state to `take`, plane by plane: the driven sheet's real parts of every band, then the
    /// imaginary ones; the twin's where one runs; the drive's three planes.
    pub fn for_state(&self, mut take: impl FnMut(&[f32])) {
        for copy in std::iter::once(&self.driven).chain(&self.twin) {
            for (part, band) in (0..2).flat_map(|part| (0..self.shape.bands).map(move |band| (part, band))) {
                take(copy.part(band, part));
            }
        }
        for plane in self.drive.planes() {
            take(plane);
        }
    }

    /// Bytes that an array of this shape takes: its planes, the twin's where one runs, and its drive.
    #[must_use]
    pub fn bytes_of(shape: SheetShape, twin: bool) -> u64 {
        let copies = if twin { 2 } else { 1 };
        let drive = 3 * shape.sites() * size_of::<f32>();
        (copies * shape_of(shape).bytes() + drive) as u64
    }

    /// How many values [`Self::for_state`] hands over.
    #[must_use]
    pub fn state_values(&self) -> usize {
        let copies = if self.twin.is_some() { 2 } else { 1 };
        self.shape.sites() * (2 * self.shape.bands * copies + 3)
    }

    /// Which bands step in this tick, and their carriers.
    fn look_at_the_clock(&mut self, tick: Tick) {
        for (band, ticks) in self.ticks_per_step.iter().enumerate() {
            self.due[band] = is_due(*ticks, tick);
            self.carriers[band] = self.parameters.carrier(band, tick);
        }
        for band in 0..self.due.len() {
            // The cascade reaches the next faster band.
            self.changed[band] = self.due[band] || band > 0 && self.due[band - 1];
        }
        debug_assert_eq!(Cause::ALL.len(), CAUSES);
    }
}

/// Whether a band that steps once in `ticks_per_step` ticks does so in this one.
///
/// Bands that step every few ticks take turns, like the marks on a ruler: no tick has more of them than another.
#[must_use]
pub fn is_due(ticks_per_step: u64, tick: Tick) -> bool {
    (tick.0 + 1) % ticks_per_step == ticks_per_step / 2
}

/// The numbers of every band's step, slowest first: what an array of these parameters and this tonic state runs by.
#[must_use]
pub fn band_steps(parameters: &ArrayParameters, tonic: &Tonic) -> Vec<BandStep> {
    (0..parameters.bands)
        .map(|band| {
            let (gamma, h) = (parameters.gamma(band), parameters.step_seconds(band));
            let variance = tonic.variances[band];
            let top = band + 1 == parameters.bands;
            // κ counts in units of what a site loses in all, diffusion included: then it means the same
            // on a sheet as on a single site.
            let site_loss = gamma * tonic.compensation;
            let cascade = parameters.kappa * site_loss * h / libm::sqrt(variance);
            BandStep {
                diffusion: tonic.spread[band] as f32,
                drive: (libm::sqrt(variance) * libm::expm1(gamma * h)) as f32,
                saturation: (2.0 * parameters.saturation * gamma / variance * h) as f32,
                damping: libm::exp(-gamma * h) as f32,
                // Half the variance in each part.
                noise: (parameters.tonic * libm::sqrt(tonic.noise[band] / 2.0)) as f32,
                cascade: if top { 0.0 } else { cascade as f32 },
            }
        })
        .collect()
}

/// Every site of every band from its own normal distribution of variance `E_b`.
fn tonic_state(id: ArrayId, shape: SheetShape, tonic: &Tonic, strength: f64, seed: [u32; 2]) -> Planes {
    let mut planes = Planes::zeros(shape_of(shape), 0);
    let (mut re, mut im) = (vec![0.0; shape.width], vec![0.0; shape.width]);
    for band in 0..shape.bands {
        let size = (strength * libm::sqrt(tonic.variances[band] / 2.0)) as f32;
        let key = NoiseKey { seed, tick: split(FIRST_DRAW), lane: u32::from(id.0) << 16 | band as u32 };
        for y in 0..shape.height {
            fill_row(Instructions::best(), &key, size, y, &mut re, &mut im);
            let row = y * shape.width..(y + 1) * shape.width;
            planes.part_mut(band, 0)[row.clone()].copy_from_slice(&re);
            planes.part_mut(band, 1)[row].copy_from_slice(&im);
        }
    }
    planes
}

fn shape_of(SheetShape { height, width, bands }: SheetShape) -> Extent {
    Extent { bands, height, width }
}
