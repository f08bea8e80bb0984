//! What arrays measured of one picture together, as learned steps ask for it.

use crate::binding::part::Part;
use crate::memory::views::Measured;

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
