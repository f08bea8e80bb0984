//! What arrays measured of one picture together, as learned steps ask for it, and how pictures look, as arrays that bind ask for it.

use crate::binding::consensus::Prior;
use crate::binding::part::Part;
use crate::error::Result;
use crate::memory::backwards::{Evidence, Renderer};
use crate::memory::picture::{Picture, Plane};
use crate::memory::views::Measured;

/// How pictures look, by a renderer, slice by slice.
pub(super) struct Looks<'a> {
    pub renderer: &'a dyn Renderer,
    pub slices: usize,
}

impl Prior for Looks<'_> {
    fn clean(&self, picture: &mut [f32], (height, width): (usize, usize), sigma: f32) -> Result<()> {
        let height = height / self.slices;
        for slice in picture.chunks_exact_mut(height * width) {
            let seen = Picture { planes: vec![Plane { height, width, values: slice.to_vec() }] };
            let found = self.renderer.render(&Evidence::Noisy { picture: &seen, sigma })?;
            slice.copy_from_slice(&found.planes[0].values);
        }
        Ok(())
    }
}

/// Arrays that see one picture.
pub(super) struct Together<'a> {
    parts: Vec<&'a Part>,
    size: (usize, usize),
    share: Vec<f32>,
    threads: usize,
}

impl<'a> Together<'a> {
    /// Those arrays, at least one, of a picture or of a volume of that many slices.
    pub fn new(parts: Vec<&'a Part>, slices: usize, threads: usize) -> Self {
        let (rows, width) = parts[0].size();
        let mut sight = vec![0.0f32; rows * width];
        for part in &parts {
            sight.iter_mut().zip(part.sight()).for_each(|(sum, sight)| *sum += sight);
        }
        let share = sight.iter().map(|sight| if *sight > 0.0 { 1.0 / sight } else { 0.0 }).collect();
        Self { parts, size: (rows / slices, width), share, threads }
    }
}

impl Measured for Together<'_> {
    fn size(&self) -> (usize, usize) {
        self.size
    }

    fn pull(&self, picture: &[f32], out: &mut [f32]) {
        let (mut scratch, mut pull) = (Vec::new(), vec![0.0; out.len()]);
        out.fill(0.0);
        for part in &self.parts {
            part.pull(picture, &mut scratch, &mut pull, self.threads);
            out.iter_mut().zip(&pull).for_each(|(sum, pull)| *sum += pull);
        }
    }

    fn share(&self) -> &[f32] {
        &self.share
    }
}
