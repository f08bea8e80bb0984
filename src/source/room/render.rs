//! The painter: one ray through each pixel's centre, four more where an edge runs, tone curve, sRGB bytes.

use rapier3d::prelude::Vector;

use super::camera::{CameraPose, Intrinsics};
use super::shade::{Hit, Lit, Stage};
use super::truth::Truth;
use super::vector::length;

/// Entries of the table from linear light to bytes; fine enough that no byte is skipped near black.
const TABLE: usize = 8192;
/// Places of the four further rays in a pixel whose edge is smoothed (rotated grid).
const OFFSETS: [[f32; 2]; 4] = [[0.125, 0.625], [0.375, 0.125], [0.625, 0.875], [0.875, 0.375]];
/// Pixels of a row whose candidates are found together.
const RUN: usize = 8;
/// Ordered dither (Bayer 1973), in 16ths.
const DITHER: [u8; 16] = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
/// Brightness before the tone curve.
const EXPOSURE: f32 = 0.62;

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

struct View {
    origin: Vector,
    right: Vector,
    down: Vector,
    forward: Vector,
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
        let view = View {
            origin: Vector::from_array(pose.position),
            right: pose.axis(0),
            down: pose.axis(1),
            forward: pose.axis(2),
        };
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
            self.cast_row(stage, view, 0, &mut band.hits[0]);
            Self::light_row(stage, view, &band.hits[0], &mut band.lights[0]);
        } else {
            band.hits.swap(0, 2);
            band.lights.swap(0, 1);
        }
        self.cast_row(stage, view, y + 1, &mut band.hits[1]);
        self.cast_row(stage, view, y + 2, &mut band.hits[2]);
        Self::light_row(stage, view, &band.hits[2], &mut band.lights[1]);
        for row in 0..(self.height - y).min(2) {
            for x in 0..self.width {
                let (ray, hit) = band.hits[row][x];
                let at = (y + row) * self.width + x;
                self.keys[at] = hit.key();
                truth.depth[at] = hit.t * ray.scale;
                truth.labels[at] = hit.label();
                let colour = self.colour(stage, view, &ray, &hit, band.lit(row, x));
                self.write(rgb, x, y + row, colour);
            }
        }
        self.band = band;
    }

    /// What the pixels of row `y` show, and the pixels one beyond it.
    fn cast_row(&self, stage: &Stage, view: &View, y: usize, hits: &mut Vec<(Ray, Hit)>) {
        hits.clear();
        let columns = 2 * self.width.div_ceil(2) + 1;
        let row = y as f32 + 0.5;
        for first in (0..columns).step_by(RUN) {
            let middle = self.ray(view, (first + RUN / 2) as f32, row);
            let slope = 0.5 * RUN as f32 / self.lens.fx;
            let near = stage.around(view.origin, middle.direction, slope);
            for x in first..(first + RUN).min(columns) {
                let ray = self.ray(view, x as f32 + 0.5, row);
                let hit = stage.cast(view.origin, ray.direction, near.clone());
                hits.push((ray, hit));
            }
        }
    }

    /// The light on every second pixel of a row, where it shows the room.
    fn light_row(stage: &Stage, view: &View, hits: &[(Ray, Hit)], lights: &mut Vec<Lit>) {
        lights.clear();
        lights.extend(hits.iter().step_by(2).map(|(ray, hit)| {
            if hit.label() > 0 {
                return Lit::default();
            }
            stage.lit(hit, view.origin + ray.direction * hit.t)
        }));
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
        let rays = OFFSETS.map(|[dx, dy]| self.ray(view, x as f32 + dx, y as f32 + dy));
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
                sum += self.colour(stage, view, &rays[i], hit, None) * (0.25 * share as f32);
            }
        }
        self.write(rgb, x, y, sum);
    }

    #[inline]
    fn ray(&self, view: &View, u: f32, v: f32) -> Ray {
        let lens = &self.lens;
        let ray =
            view.right * ((u - lens.cx) / lens.fx) + view.down * ((v - lens.cy) / lens.fy) + view.forward;
        let scale = 1.0 / length(ray);
        let (dx, dy) = (u / (2.0 * lens.cx) - 0.5, v / (2.0 * lens.cy) - 0.5);
        Ray { direction: ray * scale, scale, vignette: 1.0 - 0.42 * (dx * dx + dy * dy) }
    }

    /// The colour of a hit after the tone curve, linear, 0 to 1.
    #[inline]
    fn colour(&self, stage: &Stage, view: &View, ray: &Ray, hit: &Hit, lit: Option<Lit>) -> Vector {
        let light = stage.light(view.origin, ray.direction, hit, ray.scale / self.lens.fx, lit);
        tone(light * (EXPOSURE * ray.vignette))
    }

    fn write(&self, rgb: &mut [u8], x: usize, y: usize, colour: Vector) {
        let at = 3 * (y * self.width + x);
        let dither = u16::from(DITHER[(y % 4) * 4 + x % 4]) * 16;
        let byte = |value: f32| {
            let index = (value * (TABLE - 1) as f32 + 0.5) as usize;
            ((self.table[index.min(TABLE - 1)] + dither) >> 8).min(255) as u8
        };
        rgb[at..at + 3].copy_from_slice(&[byte(colour.x), byte(colour.y), byte(colour.z)]);
    }
}

/// Two rows of the picture and the one below them.
#[derive(Default)]
struct Band {
    hits: [Vec<(Ray, Hit)>; 3],
    /// Light on every second pixel of the first and the third row.
    lights: [Vec<Lit>; 2],
}

impl Band {
    /// The light on a pixel from its neighbours that know it; `None` where they don't show the same surface.
    #[inline]
    fn lit(&self, row: usize, x: usize) -> Option<Lit> {
        let cell = x / 2;
        let (left, right) = (2 * cell, 2 * cell + 2);
        let key = self.hits[row][x].1.key();
        if self.hits[row][x].1.label() > 0 {
            return None;
        }
        let same = |row: usize, x: usize| self.hits[row][x].1.key() == key;
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

/// A ray from the camera.
#[derive(Clone, Copy, Debug)]
struct Ray {
    direction: Vector,
    /// Depth along the optical axis per distance along the ray.
    scale: f32,
    vignette: f32,
}

/// A film-like curve from light to 0..1 (K. Narkowicz's fit of the ACES reference transform).
#[inline]
fn tone(x: Vector) -> Vector {
    let up = x * (x * 2.51 + Vector::splat(0.03));
    let down = x * (x * 2.43 + Vector::splat(0.59)) + Vector::splat(0.14);
    up / down
}
