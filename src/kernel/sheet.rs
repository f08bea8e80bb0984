//! A step of a whole sheet and its twin, its rows shared by a team; runs on the real-time thread.

use super::lattice::{BandBook, BandStep, Row, RowDrive, Sheet, draw_noise, energies_of_row, step_row};
use super::noise::NoiseKey;
use super::team::{Shares, Team, share};

/// What one member of the team works with.
#[derive(Clone, Debug)]
pub struct Bench {
    noise: Row,
    out: Row,
}

impl Bench {
    /// A bench for sheets of `bands` bands and `width` columns.
    #[must_use]
    pub fn new(bands: usize, width: usize) -> Self {
        Self { noise: Row::new(bands, width), out: Row::new(bands, width) }
    }
}

/// A sheet as it is and the planes that it is stepped into, of the same length.
pub struct Buffers<'a> {
    /// Before the step.
    pub sheet: Sheet<'a>,
    /// Real parts after the step.
    pub next_re: &'a mut [f32],
    /// Imaginary parts after the step.
    pub next_im: &'a mut [f32],
}

/// What a step needs besides the state.
pub struct Workroom<'a> {
    /// One for each member of the team.
    pub benches: &'a mut [Bench],
    /// The bands of row 0, then of row 1 and so on; they keep the driven sheet's energies from step to step.
    pub books: &'a mut [BandBook],
}

/// Buffers whose rows are shared out.
struct SharedBuffers<'a> {
    sheet: Sheet<'a>,
    bands: usize,
    re: Shares<'a, f32>,
    im: Shares<'a, f32>,
}

impl<'a> SharedBuffers<'a> {
    fn new(buffers: Buffers<'a>, bands: usize) -> Self {
        let Buffers { sheet, next_re, next_im } = buffers;
        Self { sheet, bands, re: Shares::new(next_re), im: Shares::new(next_im) }
    }

    /// Keeps row `y` of every band.
    ///
    /// # Safety
    /// No other member keeps this row.
    unsafe fn keep(&self, y: usize, row: &Row) {
        let width = self.sheet.width;
        for band in 0..self.bands {
            let first = (band * self.sheet.height + y) * width;
            let from = band * width..(band + 1) * width;
            // SAFETY: the rows of the members are disjoint by the caller's promise.
            unsafe {
                self.re.part(first, width).copy_from_slice(&row.re[from.clone()]);
                self.im.part(first, width).copy_from_slice(&row.im[from]);
            }
        }
    }
}

/// Steps a sheet, and its twin with the same noise and no drive.
///
/// `drive` gives a row's drive.
///
/// # Panics
/// Where there are fewer benches than members, or a buffer is too short.
pub fn step_sheet<'d>(
    team: &mut Team,
    key: NoiseKey,
    steps: &[BandStep],
    driven: Buffers<'_>,
    twin: Option<Buffers<'_>>,
    drive: impl Fn(usize) -> Option<RowDrive<'d>> + Sync,
    workroom: &mut Workroom<'_>,
) {
    let bands = steps.len();
    let driven = SharedBuffers::new(driven, bands);
    let twin = twin.map(|buffers| SharedBuffers::new(buffers, bands));
    let members = team.members();
    let benches = Shares::new(&mut *workroom.benches);
    let books = Shares::new(&mut *workroom.books);
    team.run(&|member| {
        // SAFETY: each member takes its own bench.
        let bench = unsafe { &mut benches.part(member, 1)[0] };
        for y in share(driven.sheet.height, member, members) {
            draw_noise(key, y, &mut bench.noise);
            // SAFETY: `share` gives every row to one member only, here and below.
            let book = unsafe { books.part(y * bands, bands) };
            for entry in book.iter_mut() {
                entry.changes = Default::default();
            }
            let row = drive(y);
            step_row(steps, &driven.sheet, y, row.as_ref(), &bench.noise, &mut bench.out, Some(book));
            // SAFETY: as above.
            unsafe { driven.keep(y, &bench.out) };
            if let Some(twin) = &twin {
                step_row(steps, &twin.sheet, y, None, &bench.noise, &mut bench.out, None);
                // SAFETY: as above.
                unsafe { twin.keep(y, &bench.out) };
            }
        }
    });
}

/// The books of a sheet before its first step: its energies, and no changes.
#[must_use]
pub fn open_books(sheet: &Sheet<'_>, bands: usize) -> Vec<BandBook> {
    (0..sheet.height).flat_map(|y| energies_of_row(sheet, bands, y)).collect()
}
