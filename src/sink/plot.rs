//! Plots as PNG files: the spectra with the fitted line, bursts and bits over time, bits held over time.

use std::path::Path;

use plotters::chart::{ChartBuilder, ChartContext, MeshStyle, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::combinators::IntoLogRange;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::element::{PathElement, Polygon};
use plotters::prelude::{BitMapBackend, DashedLineSeries, DrawingArea, LineSeries, RGBColor};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, ShapeStyle};

use super::canvas::{Canvas, PlotError, colour, not_drawn, text_style};
use crate::error::{Error, Result};
use crate::readout::aperiodic::AperiodicFit;

pub(super) const WIDTH: usize = 1_100;
pub(super) const HEIGHT: usize = 720;
/// Points that a curve over time shows at most; more are averaged in even groups.
const MOST_POINTS: usize = 2_000;

pub(super) type Drawn = std::result::Result<(), PlotError>;

/// What `spectrum.png` shows.
#[derive(Clone, Debug)]
pub struct SpectrumPlot<'a> {
    /// Frequencies in Hz, ascending; 0 is left out.
    pub frequencies: &'a [f64],
    /// Mean density of the driven electrodes in uV^2/Hz at these.
    pub power: &'a [f64],
    /// The same of the twin's, drawn behind; `None` without a twin.
    pub tonic: Option<&'a [f64]>,
    /// The line fitted to the tonic density.
    pub fit: Option<&'a AperiodicFit>,
    /// The 95 % interval of its exponent.
    pub interval: Option<[f64; 2]>,
}

/// Writes the spectrum in double-logarithmic axes with its line, exponent and interval.
///
/// # Errors
/// Where fewer than two points can be shown, or the file cannot be written.
pub fn spectrum(path: impl AsRef<Path>, plot: &SpectrumPlot) -> Result<()> {
    let path = path.as_ref();
    let curve = |power: &[f64]| -> Vec<(f64, f64)> {
        let points = plot.frequencies.iter().copied().zip(power.iter().copied());
        let shown = points.filter(|(hz, power)| *hz > 0.0 && *power > 0.0 && power.is_finite());
        averaged(&shown.collect::<Vec<_>>())
    };
    let mean = curve(plot.power);
    if mean.len() < 2 {
        return Err(Error::output(path, "too few points of the spectrum can be shown")
            .value(mean.len())
            .bound("at least 2"));
    }
    let tonic = plot.tonic.map(curve).unwrap_or_default();
    let line: Vec<(f64, f64)> = plot.fit.map(fitted_line).unwrap_or_default();
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    draw_spectrum(&mut canvas, plot, &mean, &tonic, &line).map_err(|error| not_drawn(path, &error))?;
    canvas.save(path)
}

/// The means of neighbours that lie within the same 24th of an octave, so that the curve stays a line where the
/// bins lie dense.
fn averaged(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let cell = |point: &(f64, f64)| (24.0 * libm::log2(point.0)).floor();
    points.chunk_by(|a, b| cell(a).total_cmp(&cell(b)).is_eq()).map(mean_of).collect()
}

/// The mean of points; at least one is given.
fn mean_of(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    (points.iter().map(|p| p.0).sum::<f64>() / count, points.iter().map(|p| p.1).sum::<f64>() / count)
}

/// The aperiodic part over its range, at 100 points.
fn fitted_line(fit: &AperiodicFit) -> Vec<(f64, f64)> {
    let [from, to] = fit.range_hz;
    let at = |i: i32| {
        let hz = from * libm::pow(to / from, f64::from(i) / 99.0);
        (hz, fit.power_at(hz))
    };
    (0..100).map(at).filter(|(_, power)| power.is_finite() && *power > 0.0).collect()
}

fn draw_spectrum(
    canvas: &mut Canvas,
    plot: &SpectrumPlot,
    mean: &[(f64, f64)],
    tonic: &[(f64, f64)],
    line: &[(f64, f64)],
) -> Drawn {
    let (from, to) = (mean[0].0, mean[mean.len() - 1].0);
    let powers = || mean.iter().chain(tonic).chain(line).map(|(_, power)| *power);
    let (least, most) = (powers().fold(f64::INFINITY, f64::min), powers().fold(0.0, f64::max));
    canvas.draw(|area| {
        let mut chart = ChartBuilder::on(&area)
            .caption("Power spectrum of the electrodes", caption())
            .margin(28)
            .x_label_area_size(54)
            .y_label_area_size(92)
            .build_cartesian_2d((from..to).log_scale(), (least / 2.0..most * 2.0).log_scale())?;
        chart
            .configure_mesh()
            .bold_line_style(colour::GRID)
            .light_line_style(colour::GRID.mix(0.35))
            .axis_style(colour::FRAME)
            .label_style(text_style(15, false, colour::QUIET, (HPos::Center, VPos::Center)))
            .axis_desc_style(text_style(16, false, colour::TEXT, (HPos::Center, VPos::Center)))
            .x_desc("frequency (Hz)")
            .y_desc("power density (\u{b5}V\u{b2}/Hz)")
            .x_label_formatter(&|hz| short(*hz))
            .y_label_formatter(&|power| short(*power))
            .draw()?;
        if !tonic.is_empty() {
            chart
                .draw_series(LineSeries::new(tonic.iter().copied(), stroke(colour::QUIET, 2)))?
                .label("tonic: the twin's electrodes, mean")
                .legend(|(x, y)| PathElement::new([(x, y), (x + 26, y)], stroke(colour::QUIET, 2)));
        }
        chart
            .draw_series(LineSeries::new(mean.iter().copied(), stroke(colour::DATA, 2)))?
            .label("driven electrodes, mean")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 26, y)], stroke(colour::DATA, 2)));
        if let Some(fit) = plot.fit.filter(|_| !line.is_empty()) {
            chart
                .draw_series(DashedLineSeries::new(line.iter().copied(), 9, 6, stroke(colour::FIT, 3)))?
                .label(describe(fit, plot.interval))
                .legend(|(x, y)| PathElement::new([(x, y), (x + 26, y)], stroke(colour::FIT, 3)));
        }
        legend(&mut chart, SeriesLabelPosition::LowerLeft)?;
        area.present()
    })
}

/// The legend of a fit: exponent with its interval, which need not lie evenly about it, knee, range, largest residual.
fn describe(fit: &AperiodicFit, interval: Option<[f64; 2]>) -> String {
    let interval = interval.map_or_else(String::new, |[low, high]| format!(" (95 %: {low:.3} to {high:.3})"));
    let knee = fit.knee_hz().map(|hz| format!(", knee {hz:.1} Hz")).unwrap_or_default();
    let [from, to] = fit.range_hz;
    format!(
        "tonic fit: exponent {:.3}{interval}{knee}, {} to {} Hz, residual \u{2264} {:.2} dB",
        fit.exponent,
        short(from),
        short(to),
        fit.max_residual_db
    )
}

/// Writes bursts per second and bits per second over time, one above the other.
///
/// The slices are of equal length: seconds ascend.
///
/// # Errors
/// Where there are fewer than two points, or the file cannot be written.
pub fn bursts(
    path: impl AsRef<Path>,
    seconds: &[f64],
    bursts_per_second: &[f64],
    bits_per_second: &[f64],
) -> Result<()> {
    let panels = [
        Panel::new("Bursts", "bursts per second", colour::DATA, seconds, bursts_per_second),
        Panel::new("Their information", "bits per second", colour::FIT, seconds, bits_per_second),
    ];
    over_time(path.as_ref(), &panels)
}

/// Writes the bits about the input that the field holds over time.
///
/// The slices are of equal length: seconds ascend.
///
/// # Errors
/// Where there are fewer than two points, or the file cannot be written.
pub fn information(path: impl AsRef<Path>, seconds: &[f64], bits_held: &[f64]) -> Result<()> {
    let title = "Information that the field holds about its input";
    over_time(path.as_ref(), &[Panel::new(title, "bits", colour::DATA, seconds, bits_held)])
}

/// Writes how much of the data was left, step by step from the first, on a scale of powers of ten.
///
/// # Errors
/// Where there are fewer than two steps, nothing is left of any, or the file cannot be written.
pub fn convergence(path: impl AsRef<Path>, left: &[f64]) -> Result<()> {
    let path = path.as_ref();
    let points: Vec<(f64, f64)> =
        (1..).map(f64::from).zip(left.iter().copied()).filter(|(_, left)| *left > 0.0).collect();
    if points.len() < 2 {
        return Err(Error::output(path, "too few steps can be shown")
            .value(points.len())
            .bound("at least 2"));
    }
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    canvas.draw(|area| draw_convergence(&area, &points)).map_err(|error| not_drawn(path, &error))?;
    canvas.save(path)
}

fn draw_convergence(area: &DrawingArea<BitMapBackend, Shift>, points: &[(f64, f64)]) -> Drawn {
    let ends = |(least, most): (f64, f64), (_, x): &(f64, f64)| (least.min(*x), most.max(*x));
    let (least, most) = points.iter().fold((f64::INFINITY, 0.0), ends);
    let steps = points[0].0..points[points.len() - 1].0;
    let mut chart = ChartBuilder::on(area)
        .caption("What the wholes leave of the data", caption())
        .margin(24)
        .x_label_area_size(50)
        .y_label_area_size(110)
        .build_cartesian_2d(steps, (0.8 * least..1.25 * most).log_scale())?;
    lines(&mut chart)
        .x_desc("step")
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_desc("root mean square, in units of the data")
        .y_label_formatter(&|left| format!("{left:.1e}"))
        .draw()?;
    chart.draw_series(LineSeries::new(points.iter().copied(), stroke(colour::DATA, 2)))?;
    area.present()?;
    Ok(())
}

/// The lines and labels of a chart of curves: even lines across, none upright.
pub(super) fn lines<'a, 'b, 'c, X, Y>(
    chart: &'b mut ChartContext<'a, BitMapBackend<'c>, Cartesian2d<X, Y>>,
) -> MeshStyle<'a, 'b, X, Y, BitMapBackend<'c>>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh()
        .bold_line_style(colour::GRID)
        .light_line_style(colour::GROUND)
        .axis_style(colour::FRAME)
        .label_style(text_style(15, false, colour::QUIET, (HPos::Center, VPos::Center)))
        .axis_desc_style(text_style(16, false, colour::TEXT, (HPos::Center, VPos::Center)));
    mesh
}

/// The names of a chart's curves.
pub(super) fn legend<'a, 'c: 'a, X, Y>(
    chart: &mut ChartContext<'a, BitMapBackend<'c>, Cartesian2d<X, Y>>,
    position: SeriesLabelPosition,
) -> Drawn
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_series_labels()
        .position(position)
        .margin(18)
        .legend_area_size(36)
        .background_style(colour::GROUND.mix(0.85))
        .border_style(colour::GRID)
        .label_font(text_style(16, false, colour::TEXT, (HPos::Left, VPos::Top)))
        .draw()
}

/// One curve over time in a panel of its own.
struct Panel<'a> {
    title: &'a str,
    unit: &'a str,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
}

impl<'a> Panel<'a> {
    fn new(title: &'a str, unit: &'a str, colour: RGBColor, seconds: &[f64], values: &[f64]) -> Self {
        let points = seconds.iter().copied().zip(values.iter().copied());
        let points: Vec<(f64, f64)> =
            points.filter(|(t, value)| t.is_finite() && value.is_finite()).collect();
        Self { title, unit, colour, points: thinned(&points) }
    }

    fn draw(&self, area: &DrawingArea<BitMapBackend, Shift>) -> Drawn {
        let (from, to) = (self.points[0].0, self.points[self.points.len() - 1].0);
        let most = self.points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        let top = if most > 0.0 { 1.08 * most } else { 1.0 };
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, caption())
            .margin(24)
            .x_label_area_size(50)
            .y_label_area_size(92)
            .build_cartesian_2d(from..to.max(from + 1e-3), 0.0..top)?;
        lines(&mut chart)
            .y_labels(6)
            .x_desc("time (s)")
            .y_desc(self.unit)
            .x_label_formatter(&|seconds| short(*seconds))
            .y_label_formatter(&|value| short(*value))
            .draw()?;
        let mut outline = self.points.clone();
        outline.extend([(to, 0.0), (from, 0.0)]);
        chart.draw_series([Polygon::new(outline, self.colour.mix(0.14))])?;
        chart.draw_series(LineSeries::new(self.points.iter().copied(), stroke(self.colour, 2)))?;
        Ok(())
    }
}

fn over_time(path: &Path, panels: &[Panel]) -> Result<()> {
    if let Some(panel) = panels.iter().find(|panel| panel.points.len() < 2) {
        return Err(Error::output(path, "too few points over time can be shown")
            .at(panel.title)
            .value(panel.points.len())
            .bound("at least 2"));
    }
    let mut canvas = Canvas::new(WIDTH, 340 * panels.len() + 40);
    canvas
        .draw(|area| {
            let parts = area.split_evenly((panels.len(), 1));
            for (panel, part) in panels.iter().zip(&parts) {
                panel.draw(part)?;
            }
            area.present()
        })
        .map_err(|error| not_drawn(path, &error))?;
    canvas.save(path)
}

/// At most [`MOST_POINTS`] points: the means of even groups.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let group = points.len().div_ceil(MOST_POINTS).max(1);
    points.chunks(group).map(mean_of).collect()
}

pub(super) fn caption() -> plotters::style::TextStyle<'static> {
    text_style(21, true, colour::TEXT, (HPos::Left, VPos::Top))
}

pub(super) fn stroke(colour: RGBColor, width: u32) -> ShapeStyle {
    colour.stroke_width(width)
}

/// A number on an axis, without digits that say nothing.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if size >= 1e6 {
        format!("{}M", trimmed(value / 1e6, 2))
    } else if size >= 1e4 {
        format!("{}k", trimmed(value / 1e3, 1))
    } else if size >= 0.001 || size == 0.0 {
        trimmed(
            value,
            if size >= 100.0 {
                0
            } else if size >= 1.0 {
                2
            } else {
                4
            },
        )
    } else {
        format!("{value:.0e}")
    }
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::readout::aperiodic::{FitSettings, fit};

    /// Where a person wants to look at the pictures.
    fn keep(path: &Path) {
        if let Some(folder) = std::env::var_os("NAPOT_KEEP_PICTURES") {
            std::fs::copy(path, Path::new(&folder).join(path.file_name().unwrap())).unwrap();
        }
    }

    fn pink(stream: &mut Stream) -> (Vec<f64>, Vec<f64>) {
        let frequencies: Vec<f64> = (0..2_049).map(|bin| f64::from(bin) / 4.096).collect();
        let draw = |hz: &f64| 20.0 / (0.7 + hz) * (1.0 + 0.04 * stream.normal()).abs().max(0.05);
        let power = frequencies.iter().map(draw).collect();
        (frequencies, power)
    }

    #[test]
    fn the_spectrum_shows_both_curves_and_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spectrum.png");
        let (frequencies, tonic) = pink(&mut Stream::new(1, 0));
        let power: Vec<f64> = tonic.iter().map(|power| 3.0 * power).collect();
        let line = fit(&frequencies, &tonic, (1.0, 80.0), &FitSettings::default()).unwrap();
        let mut plot = SpectrumPlot {
            frequencies: &frequencies,
            power: &power,
            tonic: Some(&tonic),
            fit: Some(&line),
            interval: Some([line.exponent - 0.012, line.exponent + 0.012]),
        };
        let drawn = |plot: &SpectrumPlot| {
            spectrum(&path, plot).unwrap();
            let picture = image::open(&path).unwrap().to_rgb8();
            [colour::DATA, colour::FIT, colour::QUIET].map(|colour| {
                picture.pixels().filter(|pixel| pixel.0 == [colour.0, colour.1, colour.2]).count()
            })
        };
        let [data, fitted, both] = drawn(&plot);
        keep(&path);
        plot.tonic = None;
        // The numbers on the axes have its colour too.
        let [.., alone] = drawn(&plot);
        assert!(data > 500 && fitted > 500 && both > alone + 500, "{data}, {fitted}, {both}, {alone}");
    }

    #[test]
    fn a_fit_is_told_by_its_own_exponent_wherever_its_interval_lies() {
        let hz: Vec<f64> = (1..400).map(|bin| f64::from(bin) * 0.25).collect();
        let power: Vec<f64> = hz.iter().map(|hz| 3.0 / hz).collect();
        let line = fit(&hz, &power, (1.0, 80.0), &FitSettings::default()).unwrap();
        let told = describe(&line, Some([0.9, 1.3]));
        assert!(told.starts_with("tonic fit: exponent 1.000 (95 %: 0.900 to 1.300)"), "{told}");
        assert!(describe(&line, None).starts_with("tonic fit: exponent 1.000, "));
    }

    #[test]
    fn bursts_and_information_are_drawn_over_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut stream = Stream::new(2, 0);
        let seconds: Vec<f64> = (0..30_000).map(|i| f64::from(i) * 0.01).collect();
        let rate: Vec<f64> =
            seconds.iter().map(|t| 900.0 * (t * 0.1).sin().max(0.0) + 40.0 * stream.uniform()).collect();
        let bits: Vec<f64> = rate.iter().map(|rate| rate * 3.1).collect();
        let path = folder.path().join("bursts.png");
        bursts(&path, &seconds, &rate, &bits).unwrap();
        keep(&path);
        let path = folder.path().join("information.png");
        information(&path, &seconds, &bits).unwrap();
        keep(&path);
        assert!(image::open(&path).unwrap().width() == WIDTH as u32);
    }

    #[test]
    fn silence_is_a_plot_with_a_line_at_zero_and_nothing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("information.png");
        information(&path, &[0.0, 1.0], &[0.0, 0.0]).unwrap();
        let error = information(&path, &[0.0], &[1.0]).unwrap_err().to_string();
        assert!(error.contains("too few points over time can be shown: 1 (allowed: at least 2)"), "{error}");
        let nothing =
            SpectrumPlot { frequencies: &[0.0], power: &[1.0], tonic: None, fit: None, interval: None };
        assert!(spectrum(&path, &nothing).unwrap_err().to_string().contains("at least 2"));
    }

    #[test]
    fn axis_numbers_are_short() {
        let of = [0.001, 0.25, 1.0, 12.5, 100.0, 12_000.0, 2.5e6, 1e-5].map(short);
        assert_eq!(of, ["0.001", "0.25", "1", "12.5", "100", "12k", "2.5M", "1e-5"]);
    }
}
