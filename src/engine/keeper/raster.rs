//! Bursts for people to look at: when, and where on the sheets, in columns of 10 ms.

use crate::engine::tick::{PLACES, TickReport};

/// Ticks of a column.
const TICKS: u32 = 10;

/// The column that grows.
pub(super) struct Raster {
    ticks: u32,
    /// Bursts of each array by place.
    column: Vec<[u32; PLACES]>,
}

impl Raster {
    pub(super) fn new(arrays: usize) -> Self {
        Self { ticks: 0, column: vec![[0; PLACES]; arrays] }
    }

    /// Adds a tick's bursts; hands a full column over to each array's row.
    pub(super) fn add(&mut self, report: &TickReport, rows: &mut [Vec<u32>]) {
        for (sums, counts) in self.column.iter_mut().zip(&report.places) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += u32::from(*count);
            }
        }
        self.ticks += 1;
        if self.ticks < TICKS {
            return;
        }
        for (row, sums) in rows.iter_mut().zip(&mut self.column) {
            row.extend_from_slice(sums);
            *sums = [0; PLACES];
        }
        self.ticks = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_ten_ticks_long_and_tells_places_apart() {
        let mut raster = Raster::new(2);
        let mut rows = vec![Vec::new(); 2];
        let mut report = TickReport::default();
        report.places[1][3] = 2;
        for tick in 1..=25 {
            raster.add(&report, &mut rows);
            assert_eq!(rows[1].len(), tick / 10 * PLACES);
        }
        assert_eq!((rows[1][3], rows[1][PLACES + 3]), (20, 20));
        assert_eq!(rows.concat().iter().sum::<u32>(), 40);
    }
}
