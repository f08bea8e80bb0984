//! Virtual electrodes: Gaussian-weighted sums over a sheet, in microvolts (real-time: nothing is allocated).
//!
//! ```text
//! v_e = s_e * sum_b Re[ e^{i w_b t} sum_x w_e(x) u_b(x) ],    w_e(x) ~ exp(-|x - x_e|^2 / (2 sigma^2)),  sum_x w_e(x) = 1
//! s_e = A / sqrt( sum_b E_b / 2 * sum_x w_e(x)^2 )
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | sigma | 4 | sites | spread of an electrode; along rows and along columns its weights end at 3 sigma |
//! | A | 10 | uV | rms of a tonic field at each electrode |
//! | `E_b` | - | - | tonic variance of band `b`; half of it lies in the real part |
//!
//! The array takes the sums over sites as it steps, see [`crate::kernel::reduce`]: a sheet is too large to be fetched once
//! more for them.
//!
//! The scale `s_e` takes sites and bands as independent. The array's diffusion makes neighbours alike, so a
//! measured rms lies above `A`, by the root of the lattice spectrum at wave number 0 over its mean.
//!
//! Places: the international 10-20 system (Jasper 1958; names of the American Clinical Neurophysiology Society,
//! guideline 2) on a sphere, projected azimuthally equidistant on the unit disc, which is laid over the sheet.

use crate::error::{Error, Result};
use crate::kernel::decimate::Decimator;
use crate::kernel::lanes::Instructions;
use crate::kernel::reduce::{Watched, Window, WindowSums, Windows};
use crate::signal::{ElectrodePlace, FieldView, SheetShape};
use crate::time::TICKS_PER_SECOND;

/// The 10-20 places: name, right of the midline, in front of the vertex, on the unit disc whose rim is the
/// head's equator. The last two complete the set of 21.
const TEN_TWENTY: [(&str, f32, f32); 21] = [
    ("Fp1", -0.247, 0.761),
    ("Fp2", 0.247, 0.761),
    ("F7", -0.647, 0.470),
    ("F3", -0.316, 0.471),
    ("Fz", 0.0, 0.4),
    ("F4", 0.316, 0.471),
    ("F8", 0.647, 0.470),
    ("T7", -0.8, 0.0),
    ("C3", -0.4, 0.0),
    ("Cz", 0.0, 0.0),
    ("C4", 0.4, 0.0),
    ("T8", 0.8, 0.0),
    ("P7", -0.647, -0.470),
    ("P3", -0.316, -0.471),
    ("Pz", 0.0, -0.4),
    ("P4", 0.316, -0.471),
    ("P8", 0.647, -0.470),
    ("O1", -0.247, -0.761),
    ("O2", 0.247, -0.761),
    ("Fpz", 0.0, 0.8),
    ("Oz", 0.0, -0.8),
];

/// How far the weights reach along each side, in sigma: what lies beyond holds half a percent of the sum.
const REACH: f32 = 3.0;

/// The settings of the electrodes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ElectrodeParameters {
    /// Samples per second: 250, 500 or 1000.
    pub rate_hz: u32,
    /// Spread of an electrode's Gaussian in sites, 0.25 to 64.
    pub sigma_sites: f32,
    /// Root mean square of the tonic field at an electrode in microvolts, 0.1 to 1000.
    pub microvolts_rms: f32,
}

impl Default for ElectrodeParameters {
    fn default() -> Self {
        Self { rate_hz: 1_000, sigma_sites: 4.0, microvolts_rms: 10.0 }
    }
}

impl ElectrodeParameters {
    /// Checks the bounds.
    ///
    /// # Errors
    /// Where a value is out of its bounds, naming the key, the value and the bound.
    pub fn check(&self) -> Result<()> {
        if ![250, 500, 1_000].contains(&self.rate_hz) {
            return Err(Error::configuration("electrodes.rate_hz", "the rate is not one of those offered")
                .value(self.rate_hz)
                .bound("250, 500 or 1000")
                .help("They divide the engine's 1000 ticks per second without a resampler."));
        }
        if !(0.25..=64.0).contains(&self.sigma_sites) {
            return Err(Error::configuration("electrodes.sigma_sites", "the spread is out of range")
                .value(self.sigma_sites)
                .bound("0.25 to 64"));
        }
        if !(0.1..=1_000.0).contains(&self.microvolts_rms) {
            return Err(Error::configuration("electrodes.microvolts_rms", "the scale is out of range")
                .value(self.microvolts_rms)
                .bound("0.1 to 1000"));
        }
        Ok(())
    }
}

/// Which electrodes lie on a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MontageKind {
    /// The 19 of the 10-20 system, `Fp1` to `O2`: nose towards row 0.
    TenTwenty19,
    /// The same with `Fpz` and `Oz`.
    TenTwenty21,
    /// `H1` to `Hn` along the longer side of a hearing sheet, lowest frequency first; `A1` and `A2` are the earlobes of the 10-20 system.
    Tonotopic(u8),
    /// `S1` to `Sn` along the longer side of a sheet of scalar channels.
    Scalar(u8),
}

impl MontageKind {
    /// Names and places, each place as (row, column) in fractions of the sheet, 0 to 1.
    fn places(self, shape: SheetShape) -> Vec<(String, f32, f32)> {
        let line = |letter: char, count: u8| {
            let place = |i: u8| {
                let along = (f32::from(i) + 0.5) / f32::from(count);
                let (row, column) = if shape.height >= shape.width { (along, 0.5) } else { (0.5, along) };
                (format!("{letter}{}", i + 1), row, column)
            };
            (0..count).map(place).collect()
        };
        let head = |count: usize| {
            let place = |&(name, right, front): &(&str, f32, f32)| {
                (name.to_owned(), (1.0 - front) / 2.0, f32::midpoint(1.0, right))
            };
            TEN_TWENTY[..count].iter().map(place).collect()
        };
        match self {
            Self::TenTwenty19 => head(19),
            Self::TenTwenty21 => head(21),
            Self::Tonotopic(count) => line('H', count),
            Self::Scalar(count) => line('S', count),
        }
    }
}

/// Electrodes laid on one sheet.
#[derive(Clone, Debug)]
pub struct Montage {
    /// The electrodes' names, in the order of the values that are read.
    pub names: Vec<String>,
    /// The places, (row, column) in sites.
    pub places: Vec<(f32, f32)>,
    shape: SheetShape,
    /// Where each electrode looks.
    windows: Windows,
    instructions: Instructions,
}

impl Montage {
    /// Lays the electrodes of `kind` on a sheet of `shape` whose bands have the tonic variances `band_variances`.
    ///
    /// # Errors
    /// Where a parameter is out of bounds, or the variances are not one positive number per band.
    pub fn on_sheet(
        kind: MontageKind,
        shape: SheetShape,
        parameters: &ElectrodeParameters,
        band_variances: &[f32],
    ) -> Result<Self> {
        parameters.check()?;
        let variance: f32 = band_variances.iter().sum();
        let positive = band_variances.iter().all(|variance| variance.is_finite() && *variance > 0.0);
        if band_variances.len() != shape.bands || shape.sites() == 0 || !positive {
            return Err(Error::configuration("electrodes", "each band needs a positive tonic variance")
                .value(format!("{band_variances:?}"))
                .bound(format!("{} numbers above 0", shape.bands)));
        }
        let (mut names, mut places, mut windows) = (Vec::new(), Vec::new(), Vec::new());
        for (name, row, column) in kind.places(shape) {
            let place = (row * (shape.height - 1) as f32, column * (shape.width - 1) as f32);
            names.push(name);
            places.push(place);
            windows.push(window(shape, place, parameters.sigma_sites, parameters.microvolts_rms, variance));
        }
        let windows = Windows::new(shape.height, shape.width, &windows);
        Ok(Self { names, places, shape, windows, instructions: Instructions::best() })
    }

    /// The sheet that this montage lies on.
    #[must_use]
    pub fn shape(&self) -> SheetShape {
        self.shape
    }

    /// Where the electrodes look: for an array to watch.
    #[must_use]
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// Reads every electrode in microvolts into `out`, in the order of `names`, from an array that watches `windows`.
    ///
    /// # Panics
    /// Where it watches others, or `out` does not hold one value per electrode.
    pub fn read(&self, watched: &Watched<'_>, out: &mut [f32]) {
        watched.read(self.instructions, &self.windows, out);
    }

    /// The same from a field that nobody watches; the values are those that its array would give, to the bit. It allocates.
    ///
    /// # Panics
    /// Where `field` has another shape, or `out` does not hold one value per electrode.
    pub fn read_field(&self, field: &FieldView, out: &mut [f32]) {
        assert!(field.shape() == self.shape, "the montage was laid on another sheet");
        let bands = self.shape.bands;
        let mut sums = WindowSums::new(&self.windows, bands);
        for band in 0..bands {
            sums.take(self.instructions, &self.windows, band, field.band(band));
        }
        let carriers: Vec<[f32; 2]> = (0..bands).map(|band| field.carrier(band)).collect();
        self.read(&Watched { sums: &sums, carriers: &carriers }, out);
    }
}

/// One electrode's window, scaled so that independent sites of this variance give `rms` microvolts.
fn window(shape: SheetShape, (row, column): (f32, f32), sigma: f32, rms: f32, variance: f32) -> Window {
    let (row, rows) = bell(row, sigma, shape.height);
    let (column, columns) = bell(column, sigma, shape.width);
    let mut window = Window { row, rows, column, columns };
    let squares: f32 = window.weights().map(|weight| weight * weight).sum();
    let scale = rms / (variance / 2.0 * squares).sqrt();
    for weight in &mut window.rows {
        *weight *= scale;
    }
    window
}

/// A Gaussian along one side of the sheet: where it begins, and its values from there on.
fn bell(centre: f32, sigma: f32, size: usize) -> (usize, Vec<f32>) {
    let reach = REACH * sigma;
    let first = (centre - reach).ceil().max(0.0) as usize;
    let last = ((centre + reach).floor().max(0.0) as usize).min(size - 1);
    // A spread narrower than the lattice may fall between sites: take the nearest then.
    let nearest = (centre.round().max(0.0) as usize).min(size - 1);
    let (first, last) = if first <= last { (first, last) } else { (nearest, nearest) };
    let value = |site: usize| {
        let distance = (site as f32 - centre) / sigma;
        libm::expf(-0.5 * distance * distance)
    };
    (first, (first..=last).map(value).collect())
}

/// What electrodes at this rate went through, in the words of a recording's header.
#[must_use]
pub fn prefilter(rate_hz: u32) -> &'static str {
    if u64::from(rate_hz) == TICKS_PER_SECOND { "none" } else { "linear-phase low-pass" }
}

/// The low-pass that makes samples at this rate, one of [`ElectrodeParameters::rate_hz`], of `channels` values a tick.
///
/// It gives a sample [`Decimator::delay`] ticks, a whole number of samples, after the tick that the sample is of.
#[must_use]
pub fn low_pass(rate_hz: u32, channels: usize) -> Decimator {
    Decimator::new((TICKS_PER_SECOND / u64::from(rate_hz.max(1))) as usize, channels)
}

/// The electrodes of several sheets, read each tick.
#[derive(Clone, Debug)]
pub struct Electrodes {
    /// The names of all, sheet after sheet.
    pub names: Vec<String>,
    montages: Vec<Montage>,
}

impl Electrodes {
    /// Reads `montages`.
    ///
    /// # Errors
    /// Where a parameter is out of bounds.
    pub fn new(montages: Vec<Montage>, parameters: &ElectrodeParameters) -> Result<Self> {
        parameters.check()?;
        let names = montages.iter().flat_map(|montage| montage.names.clone()).collect();
        Ok(Self { names, montages })
    }

    /// Where they lie, in the order of `names`.
    #[must_use]
    pub fn places(&self) -> Vec<ElectrodePlace> {
        let along = |at: f32, size: usize| if size > 1 { at / (size - 1) as f32 } else { 0.5 };
        let of = |(array, montage): (usize, &Montage)| {
            let (shape, places) = (montage.shape, montage.places.clone());
            let named = montage.names.clone().into_iter().zip(places);
            named.map(move |(name, (row, column))| ElectrodePlace {
                name,
                array,
                row: along(row, shape.height),
                column: along(column, shape.width),
            })
        };
        self.montages.iter().enumerate().flat_map(of).collect()
    }

    /// Reads every sheet as it is now into `out` (microvolts, one per name). At whatever rate they are kept, they are read each
    /// tick: [`low_pass`] needs them all.
    ///
    /// # Panics
    /// Where there is not one watching array per montage, or `out` has another length than `names`.
    pub fn read<'a>(&self, watched: impl IntoIterator<Item = Watched<'a>>, out: &mut [f32]) {
        assert!(out.len() == self.names.len(), "one value per electrode");
        let mut watched = watched.into_iter();
        let mut at = 0;
        for montage in &self.montages {
            let count = montage.names.len();
            let watched = watched.next().expect("an array watches for every montage");
            montage.read(&watched, &mut out[at..at + count]);
            at += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use ndarray::Array3;

    const SHEET: SheetShape = SheetShape { height: 64, width: 64, bands: 3 };
    const VARIANCES: [f32; 3] = [1.0, 0.5, 2.0];

    fn montage(kind: MontageKind, shape: SheetShape) -> Montage {
        Montage::on_sheet(kind, shape, &ElectrodeParameters::default(), &VARIANCES).unwrap()
    }

    /// A field of independent sites with the tonic variances.
    fn noise(shape: SheetShape, stream: &mut Stream) -> Array3<f32> {
        Array3::from_shape_fn((shape.bands, shape.height, shape.width), |(band, _, _)| {
            (stream.normal() * f64::from(VARIANCES[band] / 2.0).sqrt()) as f32
        })
    }

    #[test]
    fn a_tonic_field_gives_ten_microvolts_at_every_electrode_the_rim_included() {
        let montage = montage(MontageKind::TenTwenty21, SHEET);
        let mut stream = Stream::new(7, 0);
        let mut power = vec![0.0f64; 21];
        let mut out = vec![0.0; 21];
        for _ in 0..600 {
            let re = noise(SHEET, &mut stream);
            montage.read_field(&FieldView::still(re.view(), re.view()), &mut out);
            for (power, value) in power.iter_mut().zip(&out) {
                *power += f64::from(*value).powi(2) / 600.0;
            }
        }
        for (name, power) in montage.names.iter().zip(&power) {
            assert!((power.sqrt() - 10.0).abs() < 1.0, "{name} has {} uV", power.sqrt());
        }
    }

    #[test]
    fn an_electrode_follows_the_carriers() {
        let montage = montage(MontageKind::TenTwenty19, SHEET);
        let (ones, zeros) = (Array3::from_elem((3, 64, 64), 1.0), Array3::zeros((3, 64, 64)));
        let read = |carriers: &[[f32; 2]]| {
            let mut out = vec![0.0; 19];
            montage.read_field(&FieldView { re: ones.view(), im: zeros.view(), carriers }, &mut out);
            out[0]
        };
        let whole = read(&[[1.0, 0.0]; 3]);
        assert!(whole > 0.0);
        assert!(read(&[[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]).abs() < 1e-4 * whole);
        assert!((read(&[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]) / whole - 2.0 / 3.0).abs() < 1e-5);
    }

    #[test]
    fn weights_are_a_gaussian_that_ends_at_three_sigma_of_rows_and_columns() {
        let shape = SheetShape { height: 65, width: 65, bands: 3 };
        let montage = montage(MontageKind::TenTwenty19, shape);
        let cz = montage.names.iter().position(|name| name == "Cz").unwrap();
        let of = |row: usize, column: usize| {
            let (mut re, im) = (Array3::zeros((3, 65, 65)), Array3::zeros((3, 65, 65)));
            re[[1, row, column]] = 1.0;
            let mut out = vec![0.0; 19];
            montage.read_field(&FieldView::still(re.view(), im.view()), &mut out);
            out[cz]
        };
        let centre = of(32, 32);
        for (row, column) in [(32, 36), (25, 30), (44, 20)] {
            let squared = (row as f32 - 32.0).powi(2) + (column as f32 - 32.0).powi(2);
            let expected = (-squared / 32.0).exp();
            assert!((of(row, column) / centre - expected).abs() < 1e-6, "{row} {column}");
        }
        assert!(of(45, 32).abs() + of(32, 19).abs() < f32::EPSILON * centre);
    }

    #[test]
    fn an_electrode_hears_its_own_place_and_not_the_far_side() {
        let montage = montage(MontageKind::TenTwenty19, SHEET);
        let at = |montage: &Montage, name: &str| montage.names.iter().position(|n| n == name).unwrap();
        let [o2, fp1, t7] = ["O2", "Fp1", "T7"].map(|name| at(&montage, name));
        let mut re = Array3::zeros((3, 64, 64));
        let (row, column) = montage.places[o2];
        re[[1, row as usize, column as usize]] = 1.0;
        let mut out = vec![0.0; 19];
        montage.read_field(&FieldView::still(re.view(), re.view()), &mut out);
        assert!(out[o2] > 0.0);
        assert!(out[fp1].abs() < f32::EPSILON && out[t7].abs() < f32::EPSILON);
        assert!(row > 50.0 && column > 32.0, "O2 lies at the back on the right: {row} {column}");
    }

    #[test]
    fn hearing_electrodes_run_along_the_tonotopic_axis() {
        let shape = SheetShape { height: 128, width: 32, bands: 3 };
        let montage = montage(MontageKind::Tonotopic(8), shape);
        assert_eq!(montage.names, ["H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8"]);
        assert!(montage.places.windows(2).all(|pair| pair[1].0 > pair[0].0));
        let wide = SheetShape { height: 1, width: 6, bands: 3 };
        let scalar = super::Montage::on_sheet(
            MontageKind::Scalar(6),
            wide,
            &ElectrodeParameters { sigma_sites: 0.25, ..Default::default() },
            &VARIANCES,
        )
        .unwrap();
        assert!(scalar.places.windows(2).all(|pair| pair[1].1 > pair[0].1));
    }

    #[test]
    fn tiny_sheets_and_narrow_electrodes_still_read_numbers() {
        for (height, width) in [(1, 1), (1, 5), (3, 2), (33, 31)] {
            let shape = SheetShape { height, width, bands: 3 };
            for sigma_sites in [0.25, 4.0, 64.0] {
                let parameters = ElectrodeParameters { sigma_sites, ..Default::default() };
                let montage =
                    Montage::on_sheet(MontageKind::TenTwenty19, shape, &parameters, &VARIANCES).unwrap();
                let re = Array3::from_elem((3, height, width), 1.0);
                let mut out = vec![f32::NAN; 19];
                montage.read_field(&FieldView::still(re.view(), re.view()), &mut out);
                assert!(out.iter().all(|value| value.is_finite() && *value > 0.0), "{out:?}");
            }
        }
    }

    #[test]
    fn a_low_pass_is_late_by_whole_samples() {
        let delays = [1_000, 500, 250].map(|rate_hz| low_pass(rate_hz, 1).delay());
        assert_eq!(delays, [0, 13 * 2, 13 * 4]);
    }

    #[test]
    fn a_setting_out_of_bounds_is_named_with_its_bound() {
        let wrong = |parameters: ElectrodeParameters| parameters.check().unwrap_err().to_string();
        let text = wrong(ElectrodeParameters { rate_hz: 300, ..Default::default() });
        assert!(text.starts_with("electrodes.rate_hz: ") && text.contains("300 (allowed: 250, 500 or 1000)"));
        let text = wrong(ElectrodeParameters { sigma_sites: f32::NAN, ..Default::default() });
        assert!(text.contains("electrodes.sigma_sites") && text.contains("NaN"));
        assert!(
            wrong(ElectrodeParameters { microvolts_rms: 0.0, ..Default::default() }).contains("0.1 to 1000")
        );
        let short =
            Montage::on_sheet(MontageKind::TenTwenty19, SHEET, &ElectrodeParameters::default(), &[1.0]);
        assert!(short.unwrap_err().to_string().contains("3 numbers above 0"));
    }
}
