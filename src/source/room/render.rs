//! The painter: one ray through each pixel's centre, four more where an edge runs, tone curve, sRGB bytes.

use rapier3d::prelude::Vector;

use super::camera::{CameraPose, Intrinsics};
use super::light::Lit;
use super::run::{HALF, RUN, Run, Seen, Side, View, paint_hit, paint_side};
use super::scenery::Surface;
use super::shade::Stage;
use super::truth::Truth;
use super::wide::Triple;

/// Entries of the table from linear light to bytes; fine enough that no byte is skipped near black.
const TABLE: usize = 8192;
/// Places of the four further rays in a pixel whose edge is smoothed (rotated grid).
const OFFSETS: [[f32; 2]; 4] = [[0.125, 0.625], [0.375, 0.125], [0.625, 0.875], [0.875, 0.375]];
/// Ordered dither (Bayer 1973), in 16ths.
const DITHER: [u8; 16] = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];

/// Makes pictures of one size; keeps its buffers between them.
pub(super) struct Painter {
    width: usize,
    height: usize,
    lens: Intrinsics,
    /// sRGB times 256, so that the dither can choose between neighbouring bytes.
    table: Vec<u16>,
    keys: Vec<u16>,
    band: Band,
}

impl Painter {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let encode = |i: usize| {
            let x = i as f32 / (TABLE - 1) as f32;
            // IEC 61966-2-1.
            let y = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * libm::powf(x, 1.0 / 2.4) - 0.055 };
            (y * 255.0 * 256.0) as u16
        };
        Self {
            width,
            height,
            lens: Intrinsics::of(width, height),
            table: (0..TABLE).map(encode).collect(),
            keys: vec![0; width * height],
            band: Band::default(),
        }
    }

    pub(super) fn lens(&self) -> Intrinsics {
        self.lens
    }

    /// Paints the stage as `pose` sees it and writes depth and labels into `truth`.
    pub(super) fn paint(&mut self, stage: &Stage, pose: &CameraPose, truth: &mut Truth) -> Vec<u8> {
        let mut rgb = vec![0; 3 * self.width * self.height];
        let view = View::new(pose, self.lens);
        for y in (0..self.height).step_by(2) {
            self.paint_band(stage, &view, y, &mut rgb, truth);
        }
        for y in 0..self.height {
            self.smooth_row(stage, &view, y, &mut rgb);
        }
        rgb
    }

    /// Paints rows `y` and `y + 1`. The light on the room changes slowly, so it is found for every second
    /// pixel of every second row and averaged for those between, wherever all show the same surface.
    fn paint_band(&mut self, stage: &Stage, view: &View, y: usize, rgb: &mut [u8], truth: &mut Truth) {
        let mut band = std::mem::take(&mut self.band);
        if y == 0 {
            self.cast_row(stage, view, 0, &mut band.rows[0]);
            Self::light_row(stage, view, &band.rows[0], &mut band.lights[0]);
        } else {
            band.rows.swap(0, 2);
            band.lights.swap(0, 1);
        }
        self.cast_row(stage, view, y + 1, &mut band.rows[1]);
        self.cast_row(stage, view, y + 2, &mut band.rows[2]);
        Self::light_row(stage, view, &band.rows[2], &mut band.lights[1]);
        for row in 0..(self.height - y).min(2) {
            for first in (0..self.width).step_by(RUN) {
                self.paint_run(stage, view, &band, [first, y + row], rgb, truth);
            }
        }
        self.band = band;
    }

    /// Paints the run that begins at column `first` of row `y`.
    fn paint_run(
        &mut self,
        stage: &Stage,
        view: &View,
        band: &Band,
        [first, y]: [usize; 2],
        rgb: &mut [u8],
        truth: &mut Truth,
    ) {
        let row = y % 2;
        let run = &band.rows[row][first / RUN];
        let lanes = (self.width - first).min(RUN);
        for lane in 0..lanes {
            let hit = run.hit(lane);
            let at = y * self.width + first + lane;
            self.keys[at] = hit.key();
            truth.depth[at] = hit.t * run.rays.scale.0[lane];
            truth.labels[at] = hit.label();
        }
        let t = run.distances();
        let mut painted = [false; RUN];
        for next in 0..lanes {
            if painted[next] {
                continue;
            }
            let hit = run.hit(next);
            let Some(surface) = hit.side() else {
                let colour = paint_hit(stage, view, &run.rays.at(next), &hit, band.lit(row, first + next));
                self.write(rgb, first + next, y, entries(colour));
                continue;
            };
            // All pixels of this side together.
            let alike = |lane: &usize| run.hit(*lane).side() == Some(surface);
            let lights = band.lights(row, first / RUN, surface).unwrap_or_else(|| {
                let mut lights = [Lit::default(); RUN];
                for lane in (0..lanes).filter(alike) {
                    let known = band.lit(row, first + lane);
                    lights[lane] = known.unwrap_or_else(|| light_on(stage, view, run, lane));
                }
                lights
            });
            let mirrored = match surface {
                Surface::Floor => stage.mirrored_in_varnish(view, &run.rays, &t),
                _ => Triple::splat(Vector::ZERO),
            };
            let side = Side { stage, view, rays: &run.rays, surface, t, lights, mirrored };
            let colours = paint_side(&side, (TABLE - 1) as f32);
            for lane in (0..lanes).filter(alike) {
                self.write(rgb, first + lane, y, [0, 1, 2].map(|i: usize| colours[i].at(lane)));
                painted[lane] = true;
            }
        }
    }

    /// What the pixels of row `y` show, and the pixels beyond it to the end of a run and one more.
    fn cast_row(&self, stage: &Stage, view: &View, y: usize, runs: &mut Vec<Run>) {
        runs.clear();
        let columns = 2 * self.width.div_ceil(2) + 1;
        let row = y as f32 + 0.5;
        runs.extend((0..columns).step_by(RUN).map(|first| Run::cast(stage, view, first, row)));
    }

    /// The light on every second pixel of a row, where it shows the room.
    fn light_row(stage: &Stage, view: &View, runs: &[Run], lights: &mut Vec<Lit>) {
        lights.clear();
        for run in runs {
            if let Seen::Side(surface, t) = run.seen {
                let lit = stage.lit_side(view, &run.rays, surface, t);
                lights.extend((0..HALF).map(|lane| lit.at(lane)));
            } else {
                lights.extend((0..RUN).step_by(2).map(|lane| light_on(stage, view, run, lane)));
            }
        }
    }

    /// Smooths the pixels of a row that have a neighbour which shows something else.
    fn smooth_row(&self, stage: &Stage, view: &View, y: usize, rgb: &mut [u8]) {
        let row = |y: usize| &self.keys[y * self.width..(y + 1) * self.width];
        let (here, above, below) = (row(y), row(y.saturating_sub(1)), row((y + 1).min(self.height - 1)));
        let mut left = here[0];
        for (x, ((&key, &up), &down)) in here.iter().zip(above).zip(below).enumerate() {
            let right = here.get(x + 1).copied().unwrap_or(key);
            if [left, right, up, down] != [key; 4] {
                self.smooth_edge(stage, view, x, y, rgb);
            }
            left = key;
        }
    }

    /// Repaints a pixel from four rays; rays that meet the same thing share its colour.
    fn smooth_edge(&self, stage: &Stage, view: &View, x: usize, y: usize, rgb: &mut [u8]) {
        let rays = OFFSETS.map(|[dx, dy]| view.ray(x as f32 + dx, y as f32 + dy));
        let hits = [0, 1, 2, 3].map(|i: usize| {
            let direction = rays[i].direction;
            stage.cast(view.origin, direction, stage.around(view.origin, direction, 0.0))
        });
        let key = self.keys[y * self.width + x];
        if hits.iter().all(|hit| hit.key() == key) {
            return;
        }
        let mut sum = Vector::ZERO;
        for (i, hit) in hits.iter().enumerate() {
            if hits[..i].iter().all(|earlier| earlier.key() != hit.key()) {
                let share = hits.iter().filter(|other| other.key() == hit.key()).count();
                sum += paint_hit(stage, view, &rays[i], hit, None) * (0.25 * share as f32);
            }
        }
        self.write(rgb, x, y, entries(sum));
    }

    /// Writes the bytes of a pixel from its entries in the table.
    #[inline]
    fn write(&self, rgb: &mut [u8], x: usize, y: usize, [red, green, blue]: [usize; 3]) {
        let at = 3 * (y * self.width + x);
        let dither = u16::from(DITHER[(y % 4) * 4 + x % 4]) * 16;
        let byte = |entry: usize| ((self.table[entry] + dither) >> 8).min(255) as u8;
        rgb[at..at + 3].copy_from_slice(&[byte(red), byte(green), byte(blue)]);
    }
}

/// A colour's entries in the table.
#[inline]
fn entries(colour: Vector) -> [usize; 3] {
    colour.to_array().map(|value| ((value * (TABLE - 1) as f32 + 0.5) as usize).min(TABLE - 1))
}

/// Two rows of the picture and the one below them.
#[derive(Default)]
struct Band {
    rows: [Vec<Run>; 3],
    /// Light on every second pixel of the first and the third row.
    lights: [Vec<Lit>; 2],
}

impl Band {
    /// The light on the pixels of a run, where the whole neighbourhood shows the same side.
    fn lights(&self, row: usize, run: usize, surface: Surface) -> Option<[Lit; RUN]> {
        let [above, below] = &self.lights;
        let cells = HALF * run..HALF * run + HALF + 1;
        let shows = |row: usize| {
            matches!(self.rows[row][run].seen, Seen::Side(here, _) if here == surface)
                && self.rows[row].get(run + 1).is_some_and(|next| next.hit(0).side() == Some(surface))
        };
        if !shows(0) || row == 1 && !shows(2) {
            return None;
        }
        let mut lights = [Lit::default(); RUN];
        let pairs = above[cells.clone()].windows(2).zip(below[cells].windows(2));
        for (two, (up, down)) in lights.chunks_exact_mut(2).zip(pairs) {
            if row == 0 {
                two.copy_from_slice(&[up[0], Lit::mean([up[0], up[1]])]);
            } else {
                two.copy_from_slice(&[
                    Lit::mean([up[0], down[0]]),
                    Lit::mean([up[0], up[1], down[0], down[1]]),
                ]);
            }
        }
        Some(lights)
    }

    /// The light on a pixel from its neighbours that know it; `None` where they don't show the same surface.
    #[inline]
    fn lit(&self, row: usize, x: usize) -> Option<Lit> {
        let cell = x / 2;
        let (left, right) = (2 * cell, 2 * cell + 2);
        let hit = |row: usize, x: usize| self.rows[row][x / RUN].hit(x % RUN);
        let here = hit(row, x);
        if here.label() > 0 {
            return None;
        }
        let same = |row: usize, x: usize| hit(row, x).key() == here.key();
        let [above, below] = &self.lights;
        match (row, x % 2) {
            (0, 0) => Some(above[cell]),
            (0, _) => (same(0, left) && same(0, right)).then(|| Lit::mean([above[cell], above[cell + 1]])),
            (_, 0) => (same(0, left) && same(2, left)).then(|| Lit::mean([above[cell], below[cell]])),
            _ => (same(0, left) && same(0, right) && same(2, left) && same(2, right))
                .then(|| Lit::mean([above[cell], above[cell + 1], below[cell], below[cell + 1]])),
        }
    }
}

/// The light on a pixel of a run that shows the room; none on solids.
#[inline]
fn light_on(stage: &Stage, view: &View, run: &Run, lane: usize) -> Lit {
    let hit = run.hit(lane);
    if hit.label() > 0 {
        return Lit::default();
    }
    stage.lit(&hit, view.origin + run.rays.direction.at(lane) * hit.t)
}
