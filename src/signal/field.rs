//! A view of an array's state, for read-outs.

use ndarray::{ArrayView3, Axis};

/// The shape of an array's sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SheetShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Bands, slowest first.
    pub bands: usize,
}

impl SheetShape {
    /// Sites on the sheet.
    #[must_use]
    pub fn sites(self) -> usize {
        self.height * self.width
    }
}

/// The complex state `u` of an array in the frames that turn with its bands, in units of its tonic standard
/// deviation's scale (band `b` has tonic variance `E_b`), each part of shape (band, row, column), the
/// rows of a band following each other in memory. The field itself is `z_b = carrier_b u_b`.
#[derive(Clone, Copy, Debug)]
pub struct FieldView<'a> {
    /// Real part.
    pub re: ArrayView3<'a, f32>,
    /// Imaginary part.
    pub im: ArrayView3<'a, f32>,
    /// `e^{iωt}` of every band: real and imaginary part; empty for a field that does not turn.
    pub carriers: &'a [[f32; 2]],
}

impl<'a> FieldView<'a> {
    /// A field that does not turn: its carriers are 1.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // views are what a view is made of
    pub fn still(re: ArrayView3<'a, f32>, im: ArrayView3<'a, f32>) -> Self {
        Self { re, im, carriers: &[] }
    }

    /// `e^{iωt}` of a band, real and imaginary part.
    #[must_use]
    pub fn carrier(&self, band: usize) -> [f32; 2] {
        self.carriers.get(band).copied().unwrap_or([1.0, 0.0])
    }

    /// The sheet's shape.
    #[must_use]
    pub fn shape(&self) -> SheetShape {
        let (bands, height, width) = self.re.dim();
        SheetShape { height, width, bands }
    }

    /// The real and imaginary parts of a band, each `height * width` values row by row.
    ///
    /// # Panics
    /// Where `band` is not on the sheet, or its rows do not follow each other in memory.
    #[must_use]
    pub fn band(&self, band: usize) -> (&'a [f32], &'a [f32]) {
        let of = |part: ArrayView3<'a, f32>| {
            part.index_axis_move(Axis(0), band).to_slice().expect("the rows of a band follow each other")
        };
        (of(self.re), of(self.im))
    }
}
