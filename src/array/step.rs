//! The array's state and its step; real-time code.

use ndarray::ArrayView3;

use super::drive::Drive;
use super::energy::{Cause, EnergyBook, EnergyFigures};
use super::parameters::{ArrayParameters, STEP_SECONDS};
use super::tonic::Tonic;
use crate::error::{Error, Result};
use crate::kernel::lattice::{BandBook, BandStep, CAUSES, Row, Sheet, draw_noise};
use crate::kernel::noise::NoiseKey;
use crate::kernel::sheet::{Bench, Buffers, Workroom, open_books, step_sheet};
use crate::kernel::team::Team;
use crate::random::split;
use crate::signal::{ArrayId, Burst, FieldView, SheetShape};
use crate::time::Tick;
use crate::units::Hertz;

/// What happens in a tick, in order. Bursts and levels are heard before it; read-outs look after it.
pub const SCHEDULE: [&str; 8] =
    ["hear", "diffusion", "drive", "cascade", "saturation", "rotation and damping", "noise", "read out"];

/// The largest sheet in sites: `4096 x 4096`.
const MOST_SITES: usize = 4_096 * 4_096;
/// The tick of the draw that fills the sheet at the start: no run reaches it.
const FIRST_DRAW: u64 = u64::MAX;

/// Real and imaginary parts of shape (band, row, column).
#[derive(Clone, Debug, PartialEq)]
struct Planes {
    re: Vec<f32>,
    im: Vec<f32>,
}

impl Planes {
    fn zeros(shape: SheetShape) -> Self {
        let length = shape.bands * shape.sites();
        Self { re: vec![0.0; length], im: vec![0.0; length] }
    }

    fn view(&self, shape: SheetShape) -> FieldView<'_> {
        let dim = (shape.bands, shape.height, shape.width);
        let of = |part| ArrayView3::from_shape(dim, part).expect("planes have the sheet's shape");
        FieldView { re: of(&self.re), im: of(&self.im) }
    }
}

/// A copy of the sheet and the buffer that the next step is written to.
struct Copy {
    now: Planes,
    next: Planes,
}

impl Copy {
    fn buffers(&mut self, shape: SheetShape) -> Buffers<'_> {
        let sheet = Sheet { height: shape.height, width: shape.width, re: &self.now.re, im: &self.now.im };
        Buffers { sheet, next_re: &mut self.next.re, next_im: &mut self.next.im }
    }
}

/// A sheet of noisy oscillators, its twin without input, and its energy book.
pub struct Array {
    id: ArrayId,
    shape: SheetShape,
    parameters: ArrayParameters,
    tonic: Tonic,
    seed: [u32; 2],
    // State.
    driven: Copy,
    twin: Option<Copy>,
    drive: Drive,
    book: EnergyBook,
    // Derived and scratch.
    steps: Vec<BandStep>,
    benches: Vec<Bench>,
    row_books: Vec<BandBook>,
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
        let steps = band_steps(parameters, &tonic);
        let start = tonic_state(id, shape, &tonic, parameters.tonic, split(seed));
        let book = EnergyBook::open(&start.re, &start.im, width, shape.bands);
        let copy = |now: &Planes| Copy { now: now.clone(), next: Planes::zeros(shape) };
        Ok(Self {
            id,
            shape,
            seed: split(seed),
            driven: copy(&start),
            twin: parameters.twin.then(|| copy(&start)),
            drive: Drive::new(
                shape,
                parameters.burst_gain,
                libm::exp(-1_000.0 * STEP_SECONDS / parameters.burst_ms),
            ),
            book,
            steps,
            benches: vec![Bench::new(shape.bands, width); members.max(1)],
            row_books: open_books(&Sheet { height, width, re: &start.re, im: &start.im }, shape.bands),
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
        for column in 0..self.shape.width {
            let band = self.parameters.nearest_band(rate_of_column(column));
            self.drive.set_column_band(column, band as u8);
        }
    }

    /// Takes a burst: from the next step on it drives the fastest band of its site. A burst that is not
    /// finite or lies beyond the sheet is refused and counted.
    pub fn strike(&mut self, burst: &Burst) {
        self.drive.strike(burst);
    }

    /// Adds a phasic drive of complex amplitude `re + i im`, in units of the tonic rms, at a site.
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

    /// Steps through `tick`. The result does not depend on the team's size.
    ///
    /// # Panics
    /// Where the team has more members than the array was made for.
    pub fn step(&mut self, tick: Tick, team: &mut Team) {
        self.turn_carriers(tick);
        let key = NoiseKey { seed: self.seed, tick: split(tick.0), lane: u32::from(self.id.0) << 16 };
        let drive = &self.drive;
        step_sheet(
            team,
            key,
            &self.steps,
            self.driven.buffers(self.shape),
            self.twin.as_mut().map(|copy| copy.buffers(self.shape)),
            |y| drive.row(y),
            &mut Workroom { benches: &mut self.benches, books: &mut self.row_books },
        );
        for copy in std::iter::once(&mut self.driven).chain(&mut self.twin) {
            std::mem::swap(&mut copy.now, &mut copy.next);
        }
        self.close_books();
        self.drive.fade();
    }

    /// The driven sheet.
    #[must_use]
    pub fn field(&self) -> FieldView<'_> {
        self.driven.now.view(self.shape)
    }

    /// The twin's sheet, where one runs.
    #[must_use]
    pub fn twin(&self) -> Option<FieldView<'_>> {
        self.twin.as_ref().map(|copy| copy.now.view(self.shape))
    }

    /// The energy book, its energy measured now.
    pub fn balance(&mut self) -> (&EnergyBook, EnergyFigures) {
        self.book.measure(&self.driven.now.re, &self.driven.now.im, self.shape.width);
        (&self.book, self.book.figures())
    }

    /// Hands the whole state to `take`, plane by plane: driven real and imaginary parts, the twin's where one
    /// runs, then the drive's three planes.
    pub fn for_state(&self, mut take: impl FnMut(&[f32])) {
        for copy in std::iter::once(&self.driven).chain(&self.twin) {
            take(&copy.now.re);
            take(&copy.now.im);
        }
        for plane in self.drive.planes() {
            take(plane);
        }
    }

    /// How many values [`Self::for_state`] hands over.
    #[must_use]
    pub fn state_values(&self) -> usize {
        let copies = if self.twin.is_some() { 2 } else { 1 };
        self.shape.sites() * (2 * self.shape.bands * copies + 3)
    }

    /// The carriers `e^{iω_b t}` at the tick, from the tick count itself: no sum of phases drifts.
    fn turn_carriers(&mut self, tick: Tick) {
        for (band, step) in self.steps.iter_mut().enumerate() {
            let cycles = self.parameters.centre(band).0 * (tick.0 as f64) * STEP_SECONDS;
            let (sin, cos) = libm::sincos(core::f64::consts::TAU * (cycles - libm::floor(cycles)));
            let size = self.parameters.gamma(band) * STEP_SECONDS * libm::sqrt(self.tonic.variances[band]);
            step.drive = [(size * cos) as f32, (size * sin) as f32];
        }
    }

    fn close_books(&mut self) {
        let bands = self.shape.bands;
        for band in 0..bands {
            let mut sum = [0.0; CAUSES];
            for row in self.row_books.iter().skip(band).step_by(bands) {
                for (sum, change) in sum.iter_mut().zip(row.changes) {
                    *sum += change;
                }
            }
            self.book.add(band, &sum);
        }
        debug_assert_eq!(Cause::ALL.len(), CAUSES);
    }
}

fn band_steps(parameters: &ArrayParameters, tonic: &Tonic) -> Vec<BandStep> {
    (0..parameters.bands)
        .map(|band| {
            let gamma = parameters.gamma(band);
            let (variance, h) = (tonic.variances[band], STEP_SECONDS);
            let decay = libm::exp(-gamma * h);
            let (sin, cos) = libm::sincos(parameters.centre(band).radians_per_second() * h);
            let top = band + 1 == parameters.bands;
            // κ counts in units of what a site loses in all, diffusion included: then it means the same
            // on a sheet as on a single site.
            let site_loss = gamma * tonic.compensation[band];
            let cascade = parameters.kappa * site_loss * h / libm::sqrt(variance);
            BandStep {
                diffusion: (parameters.diffusion * gamma * h) as f32,
                drive: [0.0; 2],
                cascade: if top { 0.0 } else { cascade as f32 },
                saturation: (2.0 * parameters.saturation * gamma / variance * h) as f32,
                rotation: [(decay * cos) as f32, (decay * sin) as f32],
                // Half the variance in each part; a noise row has E|ξ|² = 2.
                noise: (parameters.tonic * libm::sqrt(tonic.noise[band] / 2.0)) as f32,
            }
        })
        .collect()
}

/// Every site of every band from its own normal distribution of variance `E_b`.
fn tonic_state(id: ArrayId, shape: SheetShape, tonic: &Tonic, strength: f64, seed: [u32; 2]) -> Planes {
    let mut planes = Planes::zeros(shape);
    let mut row = Row::new(shape.bands, shape.width);
    let key = NoiseKey { seed, tick: split(FIRST_DRAW), lane: u32::from(id.0) << 16 };
    for y in 0..shape.height {
        draw_noise(key, y, &mut row);
        for band in 0..shape.bands {
            let size = (strength * libm::sqrt(tonic.variances[band] / 2.0)) as f32;
            let to = (band * shape.height + y) * shape.width;
            for x in 0..shape.width {
                planes.re[to + x] = size * row.re[band * shape.width + x];
                planes.im[to + x] = size * row.im[band * shape.width + x];
            }
        }
    }
    planes
}
