//! The trained renderer: what is left of a picture in, the network's answer out, tile by tile.
//!
//! A tile is run with as much around it as its pixels see, so the answer is that of the whole picture, whatever the tiles
//! and whoever runs them. An enlargement is bicubic in every plane; what the network adds is luma, the same in red, green
//! and blue, as the literature has it.

use super::super::backwards::{Evidence, Renderer};
use super::super::picture::{Picture, Plane, mirrored};
use super::lessons::{MOST_NOISE, folded, unfolded};
use super::model::{Job, Model, NOISE_SIDE, SCALES};
use super::network::Ready;
use crate::error::{Error, Result};
use crate::kernel::convolve::Sheets;

/// Sites of a tile in a row and in a column, without what lies around.
const TILE: usize = 128;
/// Rounds in which a hole is cleaned, and the σ of the last as a part of the first's.
const ROUNDS: usize = 8;
const LAST: f32 = 0.2;
/// A pixel of this precision or more is known, and stays.
const HELD: f32 = 1e5;

/// Renders by a trained model.
#[derive(Clone, Copy, Debug)]
pub struct Trained<'a> {
    /// The model.
    pub model: &'a Model,
    /// Threads that share the tiles, at least 1; the answer does not depend on them.
    pub threads: usize,
    /// Whether a picture is looked at all eight ways round, and the answers' mean taken: better, and 8 times as long.
    pub turned: bool,
}

impl Renderer for Trained<'_> {
    fn render(&self, evidence: &Evidence<'_>) -> Result<Picture> {
        match *evidence {
            Evidence::Noisy { picture, sigma } => {
                let planes =
                    (0..).zip(&picture.planes).map(|(at, plane)| self.cleaned_around(at, plane, sigma));
                Ok(Picture { planes: planes.collect() })
            }
            Evidence::Blurred { seen, scale, .. } if SCALES.contains(&scale) => {
                Ok(self.enlarged(seen, scale))
            }
            Evidence::Blurred { scale, .. } => {
                let error = Error::call("--scale", "the trained renderer does not enlarge so").value(scale);
                Err(error.bound("2, 3 or 4"))
            }
            Evidence::Parts { picture, precisions } => {
                let planes =
                    (0..).zip(&picture.planes).map(|(at, plane)| self.settled(at, plane, precisions));
                Ok(Picture { planes: planes.collect() })
            }
            Evidence::Grey { .. } => {
                let error = Error::call("--with", "the trained renderer knows no colour");
                Err(error.help("Give a memory: `--memory FILE`."))
            }
        }
    }
}

impl Trained<'_> {
    /// Plane number `at` of a picture without its noise: chroma lies around 0, luminance around the middle.
    fn cleaned_around(&self, at: usize, plane: &Plane, sigma: f32) -> Plane {
        let middle = if at == 0 { 0.0 } else { 0.5 };
        self.cleaned(&plane.map(|x| x + middle), sigma).map(|x| x - middle)
    }

    /// A hole is a picture under noise, less of it each time, where what is known is put back in between.
    fn settled(&self, at: usize, plane: &Plane, precisions: &Plane) -> Plane {
        let open = precisions.map(|w| f32::from(u8::from(w < HELD)));
        let least = precisions.values.iter().copied().fold(HELD, f32::min);
        let most = (1.0 / least.max(f32::MIN_POSITIVE).sqrt()).min(MOST_NOISE);
        let mut settled = plane.clone();
        for round in 0..ROUNDS {
            let sigma = most * libm::powf(LAST, round as f32 / (ROUNDS - 1) as f32);
            let clean = self.cleaned_around(at, &settled, sigma);
            let change = clean.with(&settled, |clean, seen| clean - seen).with(&open, |x, open| x * open);
            settled = settled.with(&change, |x, change| x + change);
        }
        settled
    }

    fn cleaned(&self, plane: &Plane, sigma: f32) -> Plane {
        // Stronger noise than it met: the same picture at less contrast.
        let shrink = (MOST_NOISE / sigma.max(f32::MIN_POSITIVE)).min(1.0);
        let even = |n: usize| n.next_multiple_of(NOISE_SIDE);
        let (height, width) = (even(plane.height), even(plane.width));
        let seen = Plane::of(height, width, |y, x| {
            let (y, x) = (mirrored(y, 0, plane.height), mirrored(x, 0, plane.width));
            (plane.values[y * plane.width + x] - 0.5) * shrink + 0.5
        });
        let noise = self.looked(&seen, Job::Clean, Some(sigma * shrink));
        Plane::of(plane.height, plane.width, |y, x| {
            plane.values[y * plane.width + x] + noise.values[y * width + x] / shrink
        })
    }

    fn enlarged(&self, seen: &Picture, scale: usize) -> Picture {
        let mut grown = seen.resized(seen.height() * scale, seen.width() * scale);
        let missing = self.looked(&seen.luma(), Job::Grow(scale), None);
        grown.planes[0] = grown.planes[0].with(&missing, |x, missing| x + missing);
        grown
    }

    /// The network's answer to a plane, looked at one way or all eight ways round.
    fn looked(&self, plane: &Plane, job: Job, level: Option<f32>) -> Plane {
        let (at, task) = job.place();
        let network = &self.model.networks()[at];
        let (ready, reach) = (network.ready(task), network.form().reach());
        let one = |plane: &Plane| {
            let (before, after) = match job {
                Job::Grow(scale) => (1, scale),
                Job::Clean => (NOISE_SIDE, NOISE_SIDE),
            };
            unfolded(&tiled(&ready, &folded(plane, before, level), reach, self.threads), after)
        };
        if !self.turned {
            return one(plane);
        }
        let mut sum: Option<Plane> = None;
        for way in 0..8 {
            let answer = turned_back(&one(&turned(plane, way)), way);
            sum = Some(match sum {
                Some(sum) => sum.with(&answer, |x, y| x + y),
                None => answer,
            });
        }
        sum.map_or_else(|| plane.clone(), |sum| sum.map(|x| x / 8.0))
    }
}

/// Mirrored by the lower two bits of `way`, then turned over the diagonal by the third.
fn turned(plane: &Plane, way: usize) -> Plane {
    let flipped = Plane::of(plane.height, plane.width, |y, x| {
        let y = if way & 1 > 0 { plane.height - 1 - y } else { y };
        let x = if way & 2 > 0 { plane.width - 1 - x } else { x };
        plane.values[y * plane.width + x]
    });
    if way & 4 > 0 { diagonal(&flipped) } else { flipped }
}

fn turned_back(plane: &Plane, way: usize) -> Plane {
    let upright = if way & 4 > 0 { diagonal(plane) } else { plane.clone() };
    turned(&upright, way & 3)
}

fn diagonal(plane: &Plane) -> Plane {
    Plane::of(plane.width, plane.height, |y, x| plane.values[x * plane.width + y])
}

/// Runs a network on sheets of any size, each tile with `reach` sites around it.
fn tiled(ready: &Ready, input: &Sheets, reach: usize, threads: usize) -> Sheets {
    let (height, width) = (input.height(), input.width());
    let tiles: Vec<(usize, usize)> = (0..height)
        .step_by(TILE)
        .flat_map(|top| (0..width).step_by(TILE).map(move |left| (top, left)))
        .collect();
    let run = |(top, left): (usize, usize)| {
        let around =
            |start: usize, end: usize| (start.saturating_sub(reach), (start + TILE + reach).min(end));
        let ((first, last), (from, to)) = (around(top, height), around(left, width));
        let mut piece = Sheets::new(input.channels(), last - first, to - from);
        for (channel, y) in (0..input.channels()).flat_map(|channel| (first..last).map(move |y| (channel, y)))
        {
            piece.row_mut(channel, y - first).copy_from_slice(&input.row(channel, y)[from..to]);
        }
        (ready.run(&piece), (top - first, left - from))
    };
    let threads = threads.clamp(1, tiles.len().max(1));
    let mut answers = vec![None; tiles.len()];
    std::thread::scope(|scope| {
        let each = tiles.len().div_ceil(threads);
        for (tiles, answers) in tiles.chunks(each).zip(answers.chunks_mut(each)) {
            let run = &run;
            scope.spawn(move || {
                for (tile, answer) in tiles.iter().zip(answers) {
                    *answer = Some(run(*tile));
                }
            });
        }
    });
    let channels = answers.iter().flatten().next().map_or(0, |(answer, _)| answer.channels());
    let mut out = Sheets::new(channels, height, width);
    for ((top, left), (answer, (skip, indent))) in tiles.into_iter().zip(answers.into_iter().flatten()) {
        let (rows, columns) = (TILE.min(height - top), TILE.min(width - left));
        for (channel, y) in (0..channels).flat_map(|channel| (0..rows).map(move |y| (channel, y))) {
            let from = &answer.row(channel, skip + y)[indent..][..columns];
            out.row_mut(channel, top + y)[left..][..columns].copy_from_slice(from);
        }
    }
    out
}

/// Two renderers: of noisy and of shrunken pictures the mean of both; a hole the second fills from what the first did; of
/// colour what the first says.
#[derive(Clone, Copy)]
pub struct Both<'a>(pub &'a dyn Renderer, pub &'a dyn Renderer);

impl Renderer for Both<'_> {
    fn render(&self, evidence: &Evidence<'_>) -> Result<Picture> {
        let first = self.0.render(evidence)?;
        Ok(match evidence {
            Evidence::Noisy { .. } | Evidence::Blurred { .. } => {
                first.with(&self.1.render(evidence)?, |x, y| 0.5 * (x + y))
            }
            Evidence::Parts { precisions, .. } => {
                self.1.render(&Evidence::Parts { picture: &first, precisions })?
            }
            Evidence::Grey { .. } => first,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::trained::model::Size;
    use crate::random::Stream;

    fn model() -> Model {
        let mut model = Model::new(Size { channels: 6, blocks: 2 }, 1);
        let mut draws = Stream::new(4, 4);
        for network in model.networks_mut() {
            network.numbers_mut().iter_mut().for_each(|x| *x += 0.05 * draws.normal() as f32);
        }
        model
    }

    fn picture(height: usize, width: usize) -> Picture {
        let plane =
            |k: usize| Plane::of(height, width, |y, x| 0.4 + 0.2 * libm::sinf((y * k + 3 * x) as f32));
        Picture { planes: vec![plane(1), plane(2).map(|x| 0.1 * x), plane(5).map(|x| 0.1 * x)] }
    }

    #[test]
    fn tiles_and_threads_do_not_show() {
        let model = model();
        let input = folded(&picture(300, 140).planes[0], 1, None);
        let ready = model.networks()[0].ready(1);
        let whole = ready.run(&input);
        for threads in [1, 2, 7] {
            assert_eq!(tiled(&ready, &input, model.networks()[0].form().reach(), threads), whole);
        }
    }

    #[test]
    fn eight_ways_round_come_back() {
        let plane = picture(5, 7).planes.remove(0);
        for way in 0..8 {
            assert_eq!(turned_back(&turned(&plane, way), way), plane, "{way}");
        }
    }

    #[test]
    fn what_is_not_trained_is_bicubic_and_leaves_noise_as_it_is() {
        let (model, seen) = (Model::new(Size { channels: 4, blocks: 1 }, 0), picture(9, 7));
        for turned in [false, true] {
            let trained = Trained { model: &model, threads: 2, turned };
            let large = seen.resized(27, 21);
            let blurred = Evidence::Blurred { picture: &large, seen: &seen, scale: 3, level: 1.0 };
            assert_eq!(trained.render(&blurred).unwrap(), large);
            let same = trained.render(&Evidence::Noisy { picture: &seen, sigma: 2.0 }).unwrap();
            for (x, y) in same.planes[1].values.iter().zip(&seen.planes[1].values) {
                assert!((x - y).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_hole_is_filled_and_what_is_known_stays_to_the_bit() {
        let (model, seen) = (model(), picture(12, 10));
        let trained = Trained { model: &model, threads: 1, turned: false };
        let precisions = Plane::of(12, 10, |y, x| if y > 4 && x > 3 { 100.0 } else { 1e6 });
        let found = trained.render(&Evidence::Parts { picture: &seen, precisions: &precisions }).unwrap();
        for ((x, y), w) in found.planes[0].values.iter().zip(&seen.planes[0].values).zip(&precisions.values) {
            assert_eq!(x == y, *w > 1e5);
        }
        // Whoever comes second starts from what the first found.
        let joined =
            Both(&trained, &trained).render(&Evidence::Parts { picture: &seen, precisions: &precisions });
        let again = trained.render(&Evidence::Parts { picture: &found, precisions: &precisions });
        assert_eq!(joined.unwrap(), again.unwrap());
    }

    #[test]
    fn what_it_does_not_know_it_says() {
        let (model, seen) = (model(), picture(8, 8));
        let trained = Trained { model: &model, threads: 1, turned: false };
        let said = |evidence: &Evidence<'_>| trained.render(evidence).unwrap_err().to_string();
        assert!(said(&Evidence::Grey { luminance: &seen.planes[0] }).contains("no colour"));
        let five = Evidence::Blurred { picture: &seen, seen: &seen, scale: 5, level: 1.0 };
        assert!(said(&five).contains("2, 3 or 4"));
    }
}
