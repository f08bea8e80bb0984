//! Plots of named curves as PNG files: how a training goes, how what is read falls with time.

use std::path::Path;

use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::element::{Circle, DashedPathElement};
use plotters::prelude::{BitMapBackend, DashedLineSeries, DrawingArea, LineSeries};
use plotters::style::Color;

use super::canvas::{Canvas, colour, not_drawn};
use super::plot::{Drawn, HEIGHT, WIDTH, caption, legend, lines, short, stroke};
use crate::error::{Error, Result};

/// Points of a curve that are marked at most.
const MARKED: usize = 20;

/// A curve's name and its points.
pub type Curve<'a> = (&'a str, Vec<(f64, f64)>);

/// Writes curves of one figure, each a line with its name in a legend; `axes` say what lies across and what up.
///
/// The points of a curve ascend; a curve without any is left out. Few points are marked, and from the fifth curve on lines are dashed.
///
/// # Errors
/// Where there are fewer than two points in all, or the file cannot be written.
pub fn write(path: impl AsRef<Path>, title: &str, axes: [&str; 2], curves: &[Curve<'_>]) -> Result<()> {
    let path = path.as_ref();
    let points: usize = curves.iter().map(|(_, points)| points.len()).sum();
    if points < 2 {
        return Err(Error::output(path, "too few points can be shown").value(points).bound("at least 2"));
    }
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    canvas.draw(|area| draw(&area, title, axes, curves)).map_err(|error| not_drawn(path, &error))?;
    canvas.save(path)
}

fn draw(
    area: &DrawingArea<BitMapBackend, Shift>,
    title: &str,
    [across, up]: [&str; 2],
    curves: &[Curve<'_>],
) -> Drawn {
    let bounds = |value: fn(&(f64, f64)) -> f64| {
        let values = curves.iter().flat_map(|(_, points)| points).map(value);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)))
    };
    let ((first, last), (least, most)) = (bounds(|point| point.0), bounds(|point| point.1));
    let height = (most - least).max(1e-3);
    // The legend lies above all points, where the axis has no numbers.
    let top = least + height * (1.05 + 0.05 * curves.len() as f64);
    let numbers = |y: &f64| if *y > least + 1.01 * height { String::new() } else { short(*y) };
    let mut chart = ChartBuilder::on(area)
        .caption(title, caption())
        .margin(24)
        .x_label_area_size(50)
        .y_label_area_size(92)
        .build_cartesian_2d(first..last.max(first + 1e-3), least..top)?;
    lines(&mut chart)
        .x_desc(across)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_desc(up)
        .y_label_formatter(&numbers)
        .draw()?;
    let inks = [colour::DATA, colour::FIT, colour::TEXT, colour::QUIET];
    let shown = curves.iter().filter(|(_, points)| !points.is_empty());
    for (at, ((name, points), ink)) in shown.zip(inks.into_iter().cycle()).enumerate() {
        let (style, gap) = (stroke(ink, 2), if at < inks.len() { 0 } else { 6 });
        if points.len() <= MARKED {
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, ink.filled())))?;
        }
        let points = points.iter().copied();
        let line = if gap == 0 {
            chart.draw_series(LineSeries::new(points, style))?
        } else {
            chart.draw_series(DashedLineSeries::new(points, 9, gap, style))?
        };
        let key = move |(x, y): (i32, i32)| DashedPathElement::new([(x, y), (x + 26, y)], 9, gap, style);
        line.label(*name).legend(key);
    }
    legend(&mut chart, SeriesLabelPosition::UpperRight)?;
    area.present()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_that_has_points_is_drawn_and_nothing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.png");
        let points = |at: f64| [0.0, 1.0, 2.0].map(|x| (x, at - 0.2 * x)).to_vec();
        let curves: [Curve; 6] = [
            ("one", points(0.0)),
            ("two", points(1.0)),
            ("three", points(2.0)),
            ("four", points(3.0)),
            ("five", points(4.0)),
            ("none", Vec::new()),
        ];
        let drawn = |curves: &[Curve]| {
            write(&path, "Some curves", ["ms", "share"], curves).unwrap();
            let picture = image::open(&path).unwrap().to_rgb8();
            [colour::DATA, colour::FIT]
                .map(|ink| picture.pixels().filter(|pixel| pixel.0 == [ink.0, ink.1, ink.2]).count())
        };
        let ([data, fit], [alone, _]) = (drawn(&curves), drawn(&curves[..4]));
        // The fifth has the first's colour.
        assert!(fit > 500 && alone > 500 && data > alone + 300, "{fit}, {alone}, {data}");
        let error = write(&path, "None", ["", ""], &curves[5..]).unwrap_err().to_string();
        assert!(error.contains("too few points can be shown: 0 (allowed: at least 2)"), "{error}");
    }
}
