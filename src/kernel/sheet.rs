//! A step of a whole sheet and its twin, its rows shared by a team; runs on the real-time thread.
//!
//! Bands are stepped in place, a block of rows at a time and, within it, from the fastest to the slowest. What a
//! block's neighbours were before the step is kept in a line per band: so the sheet is read and written once.

use super::aligned::Aligned;
use super::lanes::{Instructions, LANES};
use super::lattice::{BandBook, CAUSES, Factors, Rows, RowsStep, Sums, book_step, plane_energy, step_rows};
use super::noise::{NoiseKey, RoundKeys};
use super::planes::{Extent, Planes};
use super::reduce::{BLOCK, WindowSums, Windows};
use super::team::{Shares, Team, share};
use std::ops::Range;

/// The most bands of a sheet.
pub const MOST_BANDS: usize = 32;
/// Copies of the sheet that a line is kept for: driven and twin.
const COPIES: usize = 2;

/// What drives a block of rows of one band: amplitudes in units of the tonic rms, one per site.
#[derive(Clone, Copy, Debug)]
pub struct RowsDrive<'a> {
    /// A complex amplitude, where the band has one.
    pub phasic: Option<[&'a [f32]; 2]>,
    /// A level of at least 0 for each site, and the columns that take theirs.
    pub sustained: Option<(&'a [f32], &'a [Range<usize>])>,
}

/// What a step is made of besides the state.
#[derive(Clone, Copy, Debug)]
pub struct SheetStep<'a> {
    /// Which instructions run it.
    pub with: Instructions,
    /// The numbers of every band.
    pub factors: &'a [Factors],
    /// Whether each band steps now.
    pub due: &'a [bool],
    /// The noise's key of band 0; band `b` adds `b` to its lane.
    pub key: NoiseKey,
    /// The same for the generator.
    pub keys: &'a RoundKeys,
}

/// What one member of the team works with: for each band and copy a line of both parts.
#[derive(Clone, Debug)]
struct Bench {
    width: usize,
    north: Aligned,
    south: Aligned,
    /// What a block is driven by where levels are in it: real parts, and the imaginary parts of levels, which are all 0.
    drive: [Aligned; 2],
    noise: [Aligned; 2],
}

impl Bench {
    fn line(&self, band: usize, copy: usize) -> usize {
        (band * COPIES + copy) * 2 * self.width
    }
}

/// Windows on a sheet whose sums follow its state: those of a block are taken when a band of it is done, while its rows
/// are at hand.
#[derive(Debug)]
pub struct Watch<'a> {
    /// Where the windows lie.
    pub windows: &'a Windows,
    /// The sums of the driven sheet.
    pub driven: &'a mut WindowSums,
    /// Those of the twin.
    pub twin: Option<&'a mut WindowSums>,
}

/// Scratch and books of a sheet.
#[derive(Clone, Debug)]
pub struct Workroom {
    extent: Extent,
    benches: Vec<Bench>,
    /// Every band of block 0, then of block 1 and so on; they keep the driven sheet's energies from step to step.
    books: Vec<BandBook>,
}

impl Workroom {
    /// A workroom for `planes` before their first step, for teams of up to `members`.
    #[must_use]
    pub fn new(planes: &Planes, members: usize) -> Self {
        let extent = planes.extent();
        let Extent { bands, height, width } = extent;
        let row = |length: usize| [Aligned::zeros(length), Aligned::zeros(length)];
        let lines = Aligned::zeros(bands * COPIES * 2 * width);
        let bench = Bench {
            width,
            north: lines.clone(),
            south: lines,
            drive: row(width * BLOCK.min(height)),
            noise: row(width.next_multiple_of(LANES)),
        };
        let books = vec![BandBook::default(); blocks(extent) * bands];
        let mut workroom = Self { extent, benches: vec![bench; members.max(1)], books };
        workroom.reopen(planes);
        workroom
    }

    /// Opens the books for the state that `planes` hold now.
    ///
    /// # Panics
    /// Where the planes are those of another sheet.
    pub fn reopen(&mut self, planes: &Planes) {
        assert!(self.extent == planes.extent(), "planes of this sheet");
        let Extent { bands, height, width } = self.extent;
        for (index, book) in self.books.iter_mut().enumerate() {
            let (block, band) = (index / bands, index % bands);
            let rows = block * BLOCK..height.min((block + 1) * BLOCK);
            let [re, im] = [0, 1].map(|part| &planes.part(band, part)[rows.start * width..rows.end * width]);
            *book = BandBook { energy: plane_energy(re, im, width), ..BandBook::default() };
        }
    }

    /// The changes of a band's energy in the last step, by cause.
    #[must_use]
    pub fn changes(&self, band: usize) -> [f64; CAUSES] {
        let mut sum = [0.0; CAUSES];
        for book in self.books.iter().skip(band).step_by(self.extent.bands) {
            for (sum, change) in sum.iter_mut().zip(book.changes) {
                *sum += change;
            }
        }
        sum
    }

    /// Keeps the rows above and below each member's share as they are before the step.
    fn keep_edges(&mut self, step: &SheetStep<'_>, copies: [Option<&Planes>; COPIES], members: usize) {
        let Extent { height, width, .. } = self.extent;
        for (member, bench) in self.benches.iter_mut().enumerate().take(members) {
            let rows = rows_of(self.extent, member, members);
            if rows.is_empty() {
                continue;
            }
            let (above, below) = ((rows.start + height - 1) % height, rows.end % height);
            for band in (0..self.extent.bands).filter(|band| step.due[*band]) {
                for (copy, planes) in copies.iter().enumerate() {
                    let Some(planes) = planes else { continue };
                    let line = bench.line(band, copy);
                    for part in 0..2 {
                        let to = line + part * width..line + (part + 1) * width;
                        let from = |y: usize| &planes.part(band, part)[y * width..][..width];
                        bench.north[to.clone()].copy_from_slice(from(above));
                        bench.south[to].copy_from_slice(from(below));
                    }
                }
            }
        }
    }
}

/// Blocks of rows of a sheet.
fn blocks(extent: Extent) -> usize {
    extent.height.div_ceil(BLOCK)
}

/// The rows that belong to a member: whole blocks.
fn rows_of(extent: Extent, member: usize, members: usize) -> Range<usize> {
    let blocks = share(blocks(extent), member, members);
    blocks.start * BLOCK..extent.height.min(blocks.end * BLOCK)
}

/// Planes whose rows are shared out.
struct SharedPlanes<'a> {
    extent: Extent,
    /// Where the planes begin.
    starts: [usize; 2 * MOST_BANDS],
    values: Shares<'a, f32>,
}

impl<'a> SharedPlanes<'a> {
    fn new(planes: &'a mut Planes) -> Self {
        let extent = planes.extent();
        let mut starts = [0; 2 * MOST_BANDS];
        for (plane, start) in starts.iter_mut().enumerate().take(2 * extent.bands) {
            *start = planes.start(plane / 2, plane % 2);
        }
        Self { extent, starts, values: Shares::new(planes.values_mut()) }
    }

    /// Both parts of some rows of a band.
    ///
    /// # Safety
    /// As for [`Shares::part`].
    #[allow(clippy::mut_from_ref)] // as for `Shares::part`
    unsafe fn rows(&self, band: usize, rows: Range<usize>) -> [&mut [f32]; 2] {
        let (first, count) = (rows.start * self.extent.width, rows.len() * self.extent.width);
        let [re, im] = [self.starts[2 * band] + first, self.starts[2 * band + 1] + first];
        // SAFETY: by the caller's promise.
        unsafe { [self.values.part(re, count), self.values.part(im, count)] }
    }
}

/// Steps the bands of a sheet that are due, and its twin with the same noise and no drive.
///
/// `drive` gives what drives some rows of a band: `(band, rows)`. `watch` has the sums of bands that change taken anew.
///
/// # Panics
/// Where the workroom was made for another sheet or a smaller team, or the twin, a band's numbers or the windows do not
/// fit.
pub fn step_sheet<'d>(
    team: &mut Team,
    step: &SheetStep<'_>,
    driven: &mut Planes,
    twin: Option<&mut Planes>,
    drive: impl Fn(usize, Range<usize>) -> Option<RowsDrive<'d>> + Sync,
    watch: Option<Watch<'_>>,
    workroom: &mut Workroom,
) {
    let extent = driven.extent();
    let bands = extent.bands;
    assert!(workroom.extent == extent, "a workroom of this sheet");
    assert!(twin.as_ref().is_none_or(|twin| twin.extent() == extent), "a twin of this sheet");
    assert!(step.factors.len() == bands && step.due.len() == bands, "numbers for every band");
    let members = team.members();
    workroom.keep_edges(step, [Some(driven), twin.as_deref()], members);
    let driven = SharedPlanes::new(driven);
    let twin = twin.map(SharedPlanes::new);
    let benches = Shares::new(&mut workroom.benches);
    let books = Shares::new(&mut workroom.books);
    let watch = watch.map(|watch| SharedWatch::new(watch, extent));
    team.run(&|member| {
        let share = rows_of(extent, member, members);
        // SAFETY: each member takes its own bench, and the books of its own blocks.
        let bench = unsafe { &mut benches.part(member, 1)[0] };
        for first in share.clone().step_by(BLOCK) {
            // SAFETY: as above.
            let books = unsafe { books.part(first / BLOCK * bands, bands) };
            for book in books.iter_mut() {
                book.changes = [0.0; CAUSES];
            }
            let rows = first..share.end.min(first + BLOCK);
            let last = rows.end == share.end;
            for band in (0..bands).rev().filter(|band| step.due[*band]) {
                let drive = drive(band, rows.clone());
                let place = Place { band, rows: rows.clone(), last };
                let mut sums = Sums::ZERO;
                // SAFETY: rows of the sheet, in all bands, belong to one member; what lies beyond its share is
                // read from the bench.
                unsafe { step_block(step, &place, (&driven, twin.as_ref()), drive, bench, &mut sums) };
                let (slow, fast) = books.split_at_mut(band + 1);
                let factors = &step.factors[band];
                book_step(factors, drive.is_some(), &sums, &mut slow[band], fast.first_mut());
                let Some(watch) = &watch else { continue };
                // The cascade has just reached the faster band for the last time, this one unless a slower one is to come.
                let faster = (band + 1 < bands).then_some(band + 1);
                let own = (band == 0 || !step.due[band - 1]).then_some(band);
                for done in faster.into_iter().chain(own) {
                    // SAFETY: as for the step; the sums are those of this member's own block.
                    unsafe { watch.take(step.with, done, rows.clone(), (&driven, twin.as_ref())) };
                }
            }
        }
    });
}

/// Windows whose sums are shared out by blocks.
struct SharedWatch<'a> {
    windows: &'a Windows,
    bands: usize,
    sums: [Option<Shares<'a, f32>>; COPIES],
}

impl<'a> SharedWatch<'a> {
    fn new(watch: Watch<'a>, Extent { bands, height, width }: Extent) -> Self {
        assert!(watch.windows.fit(height, width), "windows on this sheet");
        let copies = [Some(&*watch.driven), watch.twin.as_deref()];
        assert!(
            copies.iter().flatten().all(|sums| sums.are_of(watch.windows, bands)),
            "sums of these windows"
        );
        let sums =
            [Some(watch.driven), watch.twin].map(|sums| sums.map(|sums| Shares::new(sums.values_mut())));
        Self { windows: watch.windows, bands, sums }
    }

    /// Takes the sums of a block of a band.
    ///
    /// # Safety
    /// While it runs, nobody else touches these rows of the band or the block's sums.
    unsafe fn take(
        &self,
        with: Instructions,
        band: usize,
        rows: Range<usize>,
        (driven, twin): (&SharedPlanes<'_>, Option<&SharedPlanes<'_>>),
    ) {
        let block = rows.start / BLOCK;
        let values = self.windows.values_of(block..block + 1, self.bands);
        for (planes, sums) in [Some(driven), twin].into_iter().zip(&self.sums) {
            let (Some(planes), Some(sums)) = (planes, sums) else { continue };
            // SAFETY: by the caller's promise.
            let [re, im] = unsafe { planes.rows(band, rows.clone()) };
            // SAFETY: as above.
            let values = unsafe { sums.part(values.start, values.len()) };
            self.windows.take(with, [re, im], (block, band, self.bands), values);
        }
    }
}

/// A block of rows of a band, as one member steps it.
struct Place {
    band: usize,
    rows: Range<usize>,
    /// Whether the block is the last of the member's share.
    last: bool,
}

/// Steps a block of one band.
///
/// # Safety
/// As for [`rows_at`].
unsafe fn step_block(
    step: &SheetStep<'_>,
    place: &Place,
    (driven, twin): (&SharedPlanes<'_>, Option<&SharedPlanes<'_>>),
    drive: Option<RowsDrive<'_>>,
    bench: &mut Bench,
    sums: &mut Sums,
) {
    let line = bench.line(place.band, 0)..bench.line(place.band + 1, 0);
    let half = line.len() / COPIES;
    let (north, twin_north) = bench.north[line.clone()].split_at_mut(half);
    let (south, twin_south) = bench.south[line].split_at(half);
    // SAFETY: by the caller's promise.
    let mut driven = unsafe { rows_at(place, driven, north, south) };
    // SAFETY: as above.
    let mut twin = twin.map(|planes| unsafe { rows_at(place, planes, twin_north, twin_south) });
    let key = NoiseKey { lane: step.key.lane + place.band as u32, ..step.key };
    let factors = &step.factors[place.band];
    let rows = RowsStep { factors, key: &key, keys: step.keys, y: place.rows.start };
    let push = drive.map(|drive| compose(drive, bench.width, &mut bench.drive));
    let [re, im] = &mut bench.noise;
    step_rows(step.with, &rows, &mut driven, twin.as_mut(), push, [re, im], sums);
}

/// The rows of one copy that a step at `place` reads and writes, with its lines above and below.
///
/// # Safety
/// While they live no other member touches these rows of any band, nor the next one unless this block is the last.
unsafe fn rows_at<'a>(
    Place { band, rows, last }: &Place,
    planes: &'a SharedPlanes<'_>,
    north: &'a mut [f32],
    south: &'a [f32],
) -> Rows<'a> {
    let width = planes.extent.width;
    let (north_re, north_im) = north.split_at_mut(width);
    let (below_re, below_im) = south.split_at(width);
    let mut here = Rows {
        // SAFETY: these rows of two bands and the next row of one: different places, and by the caller's promise
        // this member's own.
        own: unsafe { planes.rows(*band, rows.clone()) },
        fast: [&mut [], &mut []],
        north: [north_re, north_im],
        south: [below_re, below_im],
    };
    if band + 1 < planes.extent.bands {
        // SAFETY: as above.
        here.fast = unsafe { planes.rows(band + 1, rows.clone()) };
    }
    if !last {
        // SAFETY: as above.
        let [re, im] = unsafe { planes.rows(*band, rows.end..rows.end + 1) };
        here.south = [re, im];
    }
    here
}

/// One complex amplitude per site.
fn compose<'s>(
    RowsDrive { phasic, sustained }: RowsDrive<'s>,
    width: usize,
    [scratch, zeros]: &'s mut [Aligned; 2],
) -> [&'s [f32]; 2] {
    let Some((levels, columns)) = sustained else {
        return phasic.expect("a drive drives");
    };
    let re = &mut scratch[..levels.len()];
    match phasic {
        Some([phasic, _]) => re.copy_from_slice(phasic),
        None => re.fill(0.0),
    }
    for (re, levels) in re.chunks_exact_mut(width).zip(levels.chunks_exact(width)) {
        for run in columns {
            for (re, level) in re[run.clone()].iter_mut().zip(&levels[run.clone()]) {
                *re += level;
            }
        }
    }
    [re, phasic.map_or(&zeros[..levels.len()], |[_, im]| im)]
}
