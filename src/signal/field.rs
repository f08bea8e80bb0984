//! A view of an array's state, for read-outs.

use ndarray::ArrayView3;

/// The shape of an array's sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
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

/// The complex state `z` of an array, in units of its tonic standard deviation's scale
/// (band `b` has tonic variance `E_b`), each part of shape (band, row, column), row-major and contiguous.
#[derive(Clone, Copy, Debug)]
pub struct FieldView<'a> {
    /// Real part.
    pub re: ArrayView3<'a, f32>,
    /// Imaginary part.
    pub im: ArrayView3<'a, f32>,
}

impl<'a> FieldView<'a> {
    /// The sheet's shape.
    #[must_use]
    pub fn shape(&self) -> SheetShape {
        let (bands, height, width) = self.re.dim();
        SheetShape { height, width, bands }
    }

    /// The real and imaginary parts of a band, each `height * width` values row by row.
    ///
    /// # Panics
    /// Where `band` is not on the sheet, or the view is not contiguous.
    #[must_use]
    pub fn band(&self, band: usize) -> (&'a [f32], &'a [f32]) {
        let sites = self.shape().sites();
        let range = band * sites..(band + 1) * sites;
        let re = self.re.to_slice().expect("fields are contiguous");
        let im = self.im.to_slice().expect("fields are contiguous");
        (&re[range.clone()], &im[range])
    }
}
