//! What the terminal view draws: health, field in half-blocks, spectrum, traces.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};

use crate::kernel::palette::Palette;
use crate::signal::{FieldFrame, FieldImage, ObjectsFigures, Recognition, SensesFigures, Status, TraceChunk};
use crate::view::About;

/// Seconds of each trace that are kept.
const KEPT_SECONDS: u32 = 4;
/// Traces that are shown, evenly chosen among all.
const TRACES: usize = 6;
/// Points of a trace that are drawn.
const POINTS: usize = 400;
const TONIC: Color = Color::Rgb(127, 184, 230);
const QUIET: Color = Color::Rgb(163, 171, 184);
const BAD: Color = Color::Rgb(255, 157, 146);
/// An amplitude of the tonic rhythm, 64 of 255, is shown as vivid as on the page: four ninths.
const VIVID: f32 = 0.6;

/// What is known of the run, ready to be drawn.
pub(super) struct Picture {
    title: String,
    band_hz: Vec<f32>,
    names: Vec<String>,
    pub(super) field: FieldFrame,
    pub(super) status: Status,
    traces: Vec<VecDeque<f32>>,
    rate_hz: u32,
    palette: Palette,
}

impl Picture {
    /// Nothing yet of a run.
    pub(super) fn new(about: &About) -> Self {
        Self {
            title: about.title.clone(),
            band_hz: about.band_hz.clone(),
            names: about.arrays.iter().map(|(name, _)| name.clone()).collect(),
            field: FieldFrame::default(),
            status: Status::default(),
            traces: Vec::new(),
            rate_hz: 1,
            palette: Palette::new(),
        }
    }

    /// Adds a stretch of traces.
    pub(super) fn add(&mut self, chunk: &TraceChunk) {
        self.rate_hz = chunk.rate_hz.max(1);
        let kept = (KEPT_SECONDS * self.rate_hz) as usize;
        self.traces.resize_with(chunk.microvolts.len(), VecDeque::new);
        for (trace, values) in self.traces.iter_mut().zip(&chunk.microvolts) {
            trace.extend(values);
            trace.drain(..trace.len().saturating_sub(kept));
        }
    }

    /// Draws all of it.
    pub(super) fn draw(&self, frame: &mut Frame) {
        let [top, middle, bottom] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(6), Constraint::Length(3)])
                .areas(frame.area());
        // A cell is twice as high as wide: a square field takes twice as many columns as rows.
        let wide = (2 * middle.height).min(middle.width * 3 / 5);
        let [left, right] = Layout::horizontal([Constraint::Length(wide), Constraint::Min(20)]).areas(middle);
        let [upper, lower] = Layout::vertical([Constraint::Percentage(45), Constraint::Min(4)]).areas(right);
        frame.render_widget(self.head(), top);
        self.draw_field(frame, left);
        self.draw_spectrum(frame, upper);
        self.draw_traces(frame, lower);
        frame.render_widget(self.health(), bottom);
    }

    fn head(&self) -> Line<'_> {
        let state = if self.status.hand.paused { "  paused" } else { "" };
        let muted = if self.status.hand.muted == Some(true) { "  speaker muted" } else { "" };
        Line::from(vec![
            Span::styled("NAPOT ", Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(&self.title),
            Span::styled(format!("  {:.1} s{state}{muted}", self.status.seconds), QUIET),
        ])
    }

    fn draw_field(&self, frame: &mut Frame, area: Rect) {
        let hz = self.band_hz.get(self.field.band).copied().unwrap_or_default();
        let name = self.names.first().map_or("", String::as_str);
        let less = if self.field.difference { ", less its twin" } else { "" };
        let block = Block::bordered().border_style(QUIET).title(format!(" {name}: {hz} Hz{less} "));
        let inside = block.inner(area);
        frame.render_widget(block, area);
        let Some(image) = self.field.images.first().filter(|image| image.width > 0) else { return };
        let rows = 2 * usize::from(inside.height);
        for y in 0..inside.height {
            for x in 0..inside.width {
                let at =
                    |row: usize| self.colour(image, row, rows, usize::from(x), usize::from(inside.width));
                let (above, below) = (at(2 * usize::from(y)), at(2 * usize::from(y) + 1));
                if let Some(cell) = frame.buffer_mut().cell_mut((inside.x + x, inside.y + y)) {
                    cell.set_char('▀').set_fg(above).set_bg(below);
                }
            }
        }
    }

    /// The colour of a half-block: of the site in its middle.
    fn colour(&self, image: &FieldImage, row: usize, rows: usize, column: usize, columns: usize) -> Color {
        let y = (2 * row + 1) * image.height / (2 * rows);
        let x = (2 * column + 1) * image.width / (2 * columns);
        let at = 2 * (y.min(image.height - 1) * image.width + x.min(image.width - 1));
        let (phase, amplitude) = (image.phase_amplitude[at], image.phase_amplitude[at + 1]);
        let vivid = 255.0 * libm::powf(f32::from(amplitude) / 255.0, VIVID);
        let [red, green, blue] = self.palette.colour(phase, vivid as u8);
        Color::Rgb(red, green, blue)
    }

    fn draw_spectrum(&self, frame: &mut Frame, area: Rect) {
        let status = &self.status;
        let points: Vec<(f64, f64)> = logarithms(&status.spectrum_hz, &status.spectrum_power);
        let fit: Vec<(f64, f64)> = logarithms(&status.spectrum_hz, &status.spectrum_fit);
        let exponent = status.exponent.map_or_else(|| "–".to_owned(), |exponent| format!("{exponent:.2}"));
        let known = (status.spectrum_seconds > 0.0).then_some(status.spectrum_seconds);
        let of = known.map_or_else(String::new, |seconds| format!(" of the last {seconds:.0} s"));
        let block = Block::bordered().border_style(QUIET).title(format!(" 1/f exponent {exponent}{of} "));
        let ends = |pick: fn(f64, f64) -> f64, start: f64| points.iter().map(|(_, y)| *y).fold(start, pick);
        let (low, high) = (ends(f64::min, 9.0).floor(), ends(f64::max, -9.0).ceil());
        if points.is_empty() || low >= high {
            frame.render_widget(Paragraph::new("gathering the first spectrum").block(block), area);
            return;
        }
        let line = |points, colour| {
            Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(colour).data(points)
        };
        let (first, last) = (points[0].0, points[points.len() - 1].0);
        let chart = Chart::new(vec![line(&points, TONIC), line(&fit, QUIET)])
            .block(block)
            .x_axis(Axis::default().style(QUIET).bounds([first, last]).labels([hertz(first), hertz(last)]))
            .y_axis(
                Axis::default()
                    .style(QUIET)
                    .bounds([low, high])
                    .labels([format!("1e{low} µV²/Hz"), format!("1e{high}")]),
            );
        frame.render_widget(chart, area);
    }

    fn draw_traces(&self, frame: &mut Frame, area: Rect) {
        let block = Block::bordered().border_style(QUIET).title(" electrodes, 4 s ");
        let count = self.traces.len().min(TRACES);
        if count == 0 {
            frame.render_widget(Paragraph::new("waiting for the electrodes").block(block), area);
            return;
        }
        let chosen = (0..count).map(|k| &self.traces[k * self.traces.len() / count]);
        let scale = chosen.clone().flatten().fold(1.0f32, |most, value| most.max(value.abs()));
        let lines: Vec<Vec<(f64, f64)>> = chosen
            .enumerate()
            .map(|(k, trace)| {
                let stride = (trace.len() / POINTS).max(1);
                let value = |(i, v): (usize, &f32)| {
                    let seconds = (i as f64 - trace.len() as f64) / f64::from(self.rate_hz);
                    (seconds, (count - k) as f64 + 0.5 * f64::from(*v / scale))
                };
                trace.iter().enumerate().step_by(stride).map(value).collect()
            })
            .collect();
        let data = |points| {
            Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(TONIC).data(points)
        };
        let chart = Chart::new(lines.iter().map(|line| data(line)).collect())
            .block(block)
            .x_axis(Axis::default().bounds([-f64::from(KEPT_SECONDS), 0.0]))
            .y_axis(Axis::default().bounds([0.4, count as f64 + 0.6]));
        frame.render_widget(chart, area);
    }

    fn health(&self) -> Paragraph<'_> {
        let status = &self.status;
        let ms = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.2}"));
        let misses = if status.deadline_misses > 0 { Style::new().fg(BAD) } else { Style::new() };
        let lost: u64 = status.sources.iter().map(|(.., dropped)| dropped).sum();
        let given: u64 = status.sources.iter().map(|(_, produced, ..)| produced).sum();
        let figures = Line::from(vec![
            Span::raw(format!("tick {}/{} ms  ", ms(status.tick_ms[0]), ms(status.tick_ms[1]))),
            Span::styled(format!("misses {}  ", status.deadline_misses), misses),
            Span::raw(format!("lost {lost} of {given}  ")),
            Span::raw(status.cpu.map_or_else(String::new, |cores| format!("CPU {cores:.2} cores  "))),
            Span::raw(format!(
                "bursts {:.0}/s  bits {:.0}/s",
                status.bursts_per_second, status.bits_per_second
            )),
        ]);
        let devices = status.devices.iter().map(|device| {
            let drift = device.drift_ppm.map_or_else(String::new, |ppm| format!(" {ppm:+.0} ppm"));
            Span::raw(format!("{}: {}{drift}  ", device.kind.name(), device.name))
        });
        let told = [status.notice.as_str(), status.hand.refused.as_str()];
        let told = told.into_iter().find(|text| !text.is_empty()).unwrap_or("");
        let mut second: Vec<Span> = devices.collect();
        let last = status.recognition.as_ref().and_then(|recognition| recognition.last.as_ref());
        second.extend(last.map(|last| Span::raw(format!("{}  ", seen(last)))));
        second.extend(status.senses.as_ref().and_then(belonging).map(|told| Span::raw(format!("{told}  "))));
        second.extend(status.objects.as_ref().filter(|objects| objects.updates > 0).map(standing));
        second.push(Span::styled(told, BAD));
        let mute = if status.hand.muted.is_some() { "m mutes  " } else { "" };
        let rest = ". steps  ↑↓ speed  ←→ 1-9 band  d less twin  r keeps the last seconds";
        let keys = format!("q ends  space pauses  {mute}{rest}");
        Paragraph::new(vec![figures, Line::from(second), Line::styled(keys, QUIET)])
    }
}

/// What appeared last was taken for, in a few words.
fn seen(last: &Recognition) -> String {
    let sure = last.confidence.map_or_else(String::new, |sure| format!(" {:.0} %", 100.0 * sure));
    let hue = last.hue_degrees.map_or_else(String::new, |hue| format!(", hue {:.0}°", hue.round() % 360.0));
    match &last.nearest {
        Some(name) if last.recognised => format!("seen at {:.1} s: {name}{sure}{hue}", last.seconds),
        Some(name) if !last.foreign => format!("seen at {:.1} s: perhaps {name}{sure}{hue}", last.seconds),
        _ => format!("seen at {:.1} s: nothing that is known{hue}", last.seconds),
    }
}

/// Whether sound and picture belong together, in a few words; nothing where nothing was looked at.
fn belonging(senses: &SensesFigures) -> Option<String> {
    let Some(evidence) = senses.lately.filter(|_| senses.lack.is_none()) else {
        return senses.lack.map(|_| "sound and picture: nothing to tell".to_owned());
    };
    let words = if evidence > 0.0 { "belong" } else { "don't belong" };
    let late = senses.asynchrony.filter(|found| found.confidence >= 0.5);
    let late = late.map_or_else(String::new, |found| format!(", sound {:+.0} ms", found.late_ms));
    Some(format!("sound and picture {words} {evidence:+.1}{late}"))
}

/// What stands out from what is seen, in a few words.
fn standing(objects: &ObjectsFigures) -> Span<'static> {
    Span::raw(match objects.objects.len() {
        0 => "nothing stands out  ".to_owned(),
        1 => "1 object  ".to_owned(),
        count => format!("{count} objects  "),
    })
}

/// The base-10 logarithms of points, those of which exist.
fn logarithms(x: &[f32], y: &[f32]) -> Vec<(f64, f64)> {
    let points = x.iter().zip(y).filter(|(x, y)| **x > 0.0 && **y > 0.0);
    points.map(|(x, y)| (libm::log10(f64::from(*x)), libm::log10(f64::from(*y)))).collect()
}

/// A frequency from its logarithm.
fn hertz(logarithm: f64) -> String {
    format!("{:.1} Hz", libm::exp10(logarithm))
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::signal::{ArrayId, Asynchrony, RecognitionFigures, SeenObject, SheetShape};
    use crate::time::Tick;

    fn drawn(picture: &Picture, width: u16, height: u16) -> (Vec<String>, Terminal<TestBackend>) {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| picture.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        ((0..height).map(row).collect(), terminal)
    }

    fn picture() -> Picture {
        let about = About {
            title: "the room".to_owned(),
            arrays: vec![("vision".to_owned(), SheetShape { height: 4, width: 4, bands: 1 })],
            band_hz: vec![12.0],
            ..About::default()
        };
        let mut picture = Picture::new(&about);
        picture.field = FieldFrame {
            tick: Tick(1),
            band: 0,
            difference: false,
            images: vec![FieldImage {
                array: ArrayId(0),
                width: 4,
                height: 4,
                phase_amplitude: (0..32).map(|at| if at % 2 == 0 { 8 * at } else { 255 }).collect(),
            }],
            ..FieldFrame::default()
        };
        picture
    }

    #[test]
    fn before_anything_came_it_says_what_it_waits_for() {
        let (lines, _) = drawn(&picture(), 100, 24);
        let text = lines.join("\n");
        for part in [
            "NAPOT the room",
            "vision: 12 Hz",
            "gathering the first spectrum",
            "waiting for the electrodes",
            "q ends",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains("mute"), "{text}");
    }

    #[test]
    fn the_field_is_drawn_in_half_blocks_of_one_luminance() {
        let (lines, terminal) = drawn(&picture(), 100, 24);
        assert!(lines[5].contains('▀'), "{}", lines[5]);
        let level = |colour: Color| {
            let Color::Rgb(red, green, blue) = colour else { panic!("{colour:?}") };
            let linear = |byte: u8| {
                let value = f64::from(byte) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
        };
        let cells = terminal.backend().buffer().content().iter().filter(|cell| cell.symbol() == "▀");
        let levels: Vec<f64> = cells.flat_map(|cell| [level(cell.fg), level(cell.bg)]).collect();
        let (low, high) =
            (levels.iter().copied().fold(1.0, f64::min), levels.iter().copied().fold(0.0, f64::max));
        assert!(levels.len() > 100 && high - low < 0.02, "{low} to {high}");
    }

    #[test]
    fn figures_spectrum_and_traces_come_when_they_are_there_and_any_size_is_drawn() {
        let mut picture = picture();
        picture.status.spectrum_hz = (1..100).map(|hz| hz as f32).collect();
        picture.status.spectrum_power = (1..100).map(|hz| 10.0 / hz as f32).collect();
        picture.status.exponent = Some(1.02);
        picture.status.spectrum_seconds = 12.3;
        picture.status.cpu = Some(0.85);
        picture.status.deadline_misses = 3;
        picture.status.hand.muted = Some(true);
        picture.status.hand.refused = "array.kappa: no".to_owned();
        let nearest = Some("red".to_owned());
        let hue_degrees = Some(359.7);
        let last =
            Recognition { seconds: 2.5, nearest, recognised: true, hue_degrees, ..Recognition::default() };
        picture.status.recognition =
            Some(RecognitionFigures { last: Some(last), ..RecognitionFigures::default() });
        picture.status.senses = Some(SensesFigures {
            lately: Some(-1.25),
            asynchrony: Some(Asynchrony { late_ms: -42.0, confidence: 0.9, ..Asynchrony::default() }),
            ..SensesFigures::default()
        });
        let objects = vec![SeenObject::default(); 3];
        picture.status.objects = Some(ObjectsFigures { updates: 1, objects, ..ObjectsFigures::default() });
        let microvolts = vec![(0..500).map(|i| (i % 50) as f32).collect(); 8];
        let names = vec![String::new(); 8];
        picture.add(&TraceChunk { first_tick: 0, rate_hz: 1_000, names, microvolts, bursts: Vec::new() });
        let text = drawn(&picture, 120, 30).0.join("\n");
        for part in [
            "1/f exponent 1.02 of the last 12 s",
            "CPU 0.85 cores",
            "misses 3",
            "s  speaker muted",
            "m mutes",
            "array.kappa: no",
            "1.0 Hz",
            "electrodes, 4 s",
            "2.5 s: red, hue 0°",
            "don't belong -1.2, sound -42 ms",
            "3 objects",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        for (width, height) in [(1, 1), (20, 5), (40, 60), (300, 12)] {
            drawn(&picture, width, height);
        }
    }
}
