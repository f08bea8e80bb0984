//! Both parts of every band of a sheet, laid out for the processor's caches.

use super::aligned::Aligned;

/// Values in a line of the cache.
const LINE: usize = 16;
/// Lines after which addresses look alike to the processor's first cache and to its check of loads against stores.
const ALIKE: usize = 64;
/// How many lines further along those a plane begins than the one before it: what a row's step touches at once then
/// has places of its own. The twin begins half as far along.
const SHIFT: usize = 10;

/// The shape of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Bands, slowest first.
    pub bands: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Extent {
    /// Sites on the sheet.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.height * self.width
    }

    /// Values from the beginning of a plane to that of the next.
    fn stride(&self) -> usize {
        let lines = self.sites().div_ceil(LINE);
        (lines + (ALIKE + SHIFT - lines % ALIKE) % ALIKE) * LINE
    }

    /// Bytes that the planes of one copy take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        2 * self.bands * self.stride() * size_of::<f32>()
    }
}

/// The planes of one copy of a sheet: of every band the real parts, then the imaginary parts, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    extent: Extent,
    lead: usize,
    values: Aligned,
}

impl Planes {
    /// Zeros; `copy` is 0 for the driven sheet, 1 for its twin.
    #[must_use]
    pub fn zeros(extent: Extent, copy: usize) -> Self {
        let lead = copy * SHIFT / 2 * LINE;
        Self { extent, lead, values: Aligned::zeros(lead + 2 * extent.bands * extent.stride()) }
    }

    /// The same values as another copy of the sheet.
    #[must_use]
    pub fn copied(&self, copy: usize) -> Self {
        let mut planes = Self::zeros(self.extent, copy);
        let to = planes.lead;
        planes.values[to..].copy_from_slice(&self.values[self.lead..]);
        planes
    }

    /// The sheet's shape.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Where a plane begins: part 0 is real, 1 imaginary.
    pub(super) fn start(&self, band: usize, part: usize) -> usize {
        self.lead + (2 * band + part) * self.extent.stride()
    }

    /// One part of a band, row by row.
    ///
    /// # Panics
    /// Where there is no such band or part.
    #[must_use]
    pub fn part(&self, band: usize, part: usize) -> &[f32] {
        &self.values[self.start(band, part)..][..self.extent.sites()]
    }

    /// One part of a band, to be changed.
    ///
    /// # Panics
    /// As for [`Self::part`].
    pub fn part_mut(&mut self, band: usize, part: usize) -> &mut [f32] {
        let start = self.start(band, part);
        &mut self.values[start..][..self.extent.sites()]
    }

    /// One part of all bands, and how far one band's values lie from the next's.
    #[must_use]
    pub fn strided(&self, part: usize) -> (&[f32], usize) {
        (&self.values[self.start(0, part)..], 2 * self.extent.stride())
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_do_not_overlap_and_do_not_look_alike_to_the_cache() {
        for (height, width) in [(1, 1), (128, 32), (128, 128), (37, 100)] {
            let extent = Extent { bands: 3, height, width };
            let copies = [Planes::zeros(extent, 0), Planes::zeros(extent, 1)];
            let mut places = Vec::new();
            for (copy, planes) in copies.iter().enumerate() {
                for (band, part) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)] {
                    let start = planes.start(band, part);
                    assert_eq!(start % LINE, 0);
                    assert!(band + part == 0 || start >= planes.start(0, 0) + extent.sites());
                    if band < 2 {
                        places.push((start / LINE % ALIKE, copy, band, part));
                    }
                }
            }
            places.sort_unstable();
            assert!(places.windows(2).all(|pair| pair[1].0 > pair[0].0 + 3), "{places:?}");
        }
    }

    #[test]
    fn a_copy_has_the_same_values_in_other_places() {
        let mut planes = Planes::zeros(Extent { bands: 2, height: 3, width: 5 }, 0);
        planes.part_mut(1, 1).fill(2.0);
        planes.part_mut(0, 0)[14] = 1.0;
        let copy = planes.copied(1);
        assert!((0..2).all(|band| (0..2).all(|part| copy.part(band, part) == planes.part(band, part))));
        let (values, stride) = copy.strided(1);
        assert_eq!(values[stride + 14], 2.0);
    }
}
