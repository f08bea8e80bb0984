//! The contact sheet `field.png`: the field over time, a row per moment, a column per band.
//!
//! Phase is hue at constant luminance, amplitude is chroma, so the sheet shows what the page shows.

use std::path::Path;

use plotters::prelude::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Canvas, colour, not_drawn, text_style};
use crate::error::Result;
use crate::kernel::palette::Palette;
use crate::signal::{FieldImage, InputPicture};
use crate::time::Timestamp;

/// Rows that are kept at most.
pub const MOST_ROWS: usize = 12;
/// Height of a cell in pixels; a larger picture is averaged down to it by sampling.
const CELL: usize = 128;
/// The least width of a column, so that its label fits.
const LEAST_WIDTH: usize = 56;
/// The most width of a column: the input may be a wide picture.
const MOST_WIDTH: usize = 256;
const GAP: usize = 8;
const GROUP_GAP: usize = 26;
const LEFT: usize = 92;
const TOP: usize = 104;
const BOTTOM: usize = 66;
const MARGIN: usize = 28;

/// A column of the sheet: a band of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands over its neighbours too, such as `vision`.
    pub group: String,
    /// What stands over it alone, such as `0.75 Hz`.
    pub label: String,
}

/// Gathers moments of the field and writes them as one picture.
#[derive(Clone, Debug)]
pub struct ContactSheet {
    title: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// Every `stride`th offered row is kept.
    stride: u64,
    offered: u64,
}

#[derive(Clone, Debug)]
struct Row {
    time: Timestamp,
    input: Option<InputPicture>,
    images: Vec<FieldImage>,
}

impl ContactSheet {
    /// An empty sheet with a title and one column per band.
    #[must_use]
    pub fn new(title: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { title: title.into(), columns, rows: Vec::new(), stride: 1, offered: 0 }
    }

    /// Whether the next row that is offered will be kept; where not, its pictures need not be made.
    #[must_use]
    pub fn wants_next(&self) -> bool {
        let full = self.rows.len() == MOST_ROWS;
        self.offered.is_multiple_of(if full { 2 * self.stride } else { self.stride })
    }

    /// Offers the field at `time`: a picture per column, and what was seen, if anything was.
    ///
    /// Offered at even times, however many, 6 to 12 rows at even times remain: when the sheet is full, every second
    /// row goes and half as many are taken from then on.
    pub fn add_row(&mut self, time: Timestamp, input: Option<&InputPicture>, images: &[FieldImage]) {
        let wanted = self.wants_next();
        let offered = self.offered;
        self.offered += 1;
        if self.rows.len() == MOST_ROWS && offered.is_multiple_of(self.stride) {
            let mut index = 0;
            self.rows.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride *= 2;
        }
        if wanted {
            let input = input.filter(|picture| is_whole_input(picture)).cloned();
            self.rows.push(Row { time, input, images: images.to_vec() });
        }
    }

    /// Rows that the sheet holds now.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Writes the sheet as a PNG file.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let layout = Layout::of(self);
        let palette = Palette::new();
        let mut canvas = Canvas::new(layout.width, layout.height);
        for (index, row) in self.rows.iter().enumerate() {
            let y = row_y(index);
            if let Some((x, width)) = layout.input
                && let Some(input) = &row.input
            {
                blit(&mut canvas, (x, y), fitted(input.width, input.height, width), |u, v| {
                    let at = 3 * (sample(v, input.height) * input.width + sample(u, input.width));
                    [input.rgb[at], input.rgb[at + 1], input.rgb[at + 2]]
                });
            }
            for (image, &(x, width)) in row.images.iter().zip(&layout.columns) {
                if image.phase_amplitude.len() == 2 * image.width * image.height && image.width > 0 {
                    blit(&mut canvas, (x, y), fitted(image.width, image.height, width), |u, v| {
                        let at = 2 * (sample(v, image.height) * image.width + sample(u, image.width));
                        palette.colour(image.phase_amplitude[at], chroma(image.phase_amplitude[at + 1]))
                    });
                }
            }
        }
        layout.draw_legend(&mut canvas, &palette);
        self.draw_text(&mut canvas, &layout).map_err(|error| not_drawn(path, &error))?;
        canvas.save(path)
    }

    fn draw_text(
        &self,
        canvas: &mut Canvas,
        layout: &Layout,
    ) -> std::result::Result<(), super::canvas::PlotError> {
        let mut texts: Vec<Text> = vec![
            Text::new(MARGIN, 38, &self.title, 22, colour::TEXT, HPos::Left).bold(),
            Text::new(LEFT, layout.height - 18, "phase, one turn", 12, colour::QUIET, HPos::Left),
            Text::new(
                LEFT + 220,
                layout.height - 18,
                "amplitude, 0 to 4 x tonic rms",
                12,
                colour::QUIET,
                HPos::Left,
            ),
        ];
        if let Some((x, _)) = layout.input {
            texts.push(Text::new(x, 72, "input", 14, colour::TEXT, HPos::Left).bold());
        }
        let mut group = "";
        for (column, (x, width)) in self.columns.iter().zip(&layout.columns) {
            if column.group != group {
                group = &column.group;
                texts.push(Text::new(*x, 72, group, 14, colour::TEXT, HPos::Left).bold());
            }
            texts.push(Text::new(x + width / 2, 94, &column.label, 12, colour::QUIET, HPos::Center));
        }
        for (index, row) in self.rows.iter().enumerate() {
            let label = format!("{:.2} s", row.time.seconds_for_print());
            let y = row_y(index) + CELL / 2 + 5;
            texts.push(Text::new(LEFT - 14, y, &label, 13, colour::QUIET, HPos::Right));
        }
        canvas.draw(|area| {
            for text in &texts {
                let style = text_style(text.size, text.bold, text.colour, (text.align, VPos::Bottom));
                area.draw_text(&text.words, &style, text.at)?;
            }
            area.present()
        })
    }
}

/// A text and its place: the second coordinate is its lower edge.
struct Text {
    at: (i32, i32),
    words: String,
    size: u32,
    bold: bool,
    colour: RGBColor,
    align: HPos,
}

impl Text {
    fn new(x: usize, y: usize, text: &str, size: u32, colour: RGBColor, align: HPos) -> Self {
        // A sheet has at most a few thousand pixels to a side.
        let pixel = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        Self { at: (pixel(x), pixel(y)), words: text.to_owned(), size, bold: false, colour, align }
    }

    fn bold(mut self) -> Self {
        self.bold = true;
        self
    }
}

/// Where everything lies, in pixels.
struct Layout {
    width: usize,
    height: usize,
    /// Left edge and width of the column of input pictures.
    input: Option<(usize, usize)>,
    columns: Vec<(usize, usize)>,
}

impl Layout {
    fn of(sheet: &ContactSheet) -> Self {
        let mut x = LEFT;
        let seen = sheet.rows.iter().filter_map(|row| row.input.as_ref());
        let input_width = seen.map(|input| fitted(input.width, input.height, MOST_WIDTH).0).max();
        let input = input_width.map(|width| {
            let at = x;
            x += width.max(LEAST_WIDTH) + GROUP_GAP;
            (at, width.max(LEAST_WIDTH))
        });
        let mut columns = Vec::new();
        for (index, column) in sheet.columns.iter().enumerate() {
            if index > 0 {
                let same = sheet.columns[index - 1].group == column.group;
                x += if same { GAP } else { GROUP_GAP };
            }
            let images = sheet.rows.iter().filter_map(|row| row.images.get(index));
            let width = images.map(|image| fitted(image.width, image.height, MOST_WIDTH).0).max();
            let width = width.unwrap_or(0).max(LEAST_WIDTH);
            columns.push((x, width));
            x += width;
        }
        let height = TOP + sheet.rows.len() * (CELL + GAP) + BOTTOM;
        Self { width: (x + MARGIN).max(620), height, input, columns }
    }

    /// A bar of all phases and a bar of all amplitudes.
    fn draw_legend(&self, canvas: &mut Canvas, palette: &Palette) {
        let y = self.height - BOTTOM + 12;
        for i in 0..192 {
            let phase = palette.colour((i * 256 / 192) as u8, 255);
            let amplitude = palette.colour(0, chroma((i * 256 / 192) as u8));
            for dy in 0..12 {
                canvas.put(LEFT + i, y + dy, phase);
                canvas.put(LEFT + 220 + i, y + dy, amplitude);
            }
        }
    }
}

/// The upper edge of a row.
fn row_y(index: usize) -> usize {
    TOP + index * (CELL + GAP)
}

fn is_whole_input(picture: &InputPicture) -> bool {
    picture.width > 0 && picture.height > 0 && picture.rgb.len() == 3 * picture.width * picture.height
}

/// The chroma of an amplitude: the tonic rms (64) is coloured to two thirds, and no amplitude saturates.
fn chroma(amplitude: u8) -> u8 {
    (255.0 * (1.0 - libm::expf(-f32::from(amplitude) / 58.0))).round() as u8
}

/// The size at which a picture fills a cell's height, or the width that is there; its shape is kept.
fn fitted(width: usize, height: usize, most_width: usize) -> (usize, usize) {
    let (width, height) = (width.max(1), height.max(1));
    let scaled = (width * CELL).div_ceil(height);
    if scaled <= most_width { (scaled, CELL) } else { (most_width, (height * most_width / width).max(1)) }
}

/// The index of `count` samples at the fraction `at` (0 to 1).
fn sample(at: f64, count: usize) -> usize {
    ((at * count as f64) as usize).min(count - 1)
}

/// Fills a rectangle from a function of the fractions (0 to 1) across and down.
fn blit(
    canvas: &mut Canvas,
    (x, y): (usize, usize),
    (width, height): (usize, usize),
    colour_at: impl Fn(f64, f64) -> [u8; 3],
) {
    for dy in 0..height {
        for dx in 0..width {
            let (u, v) = ((dx as f64 + 0.5) / width as f64, (dy as f64 + 0.5) / height as f64);
            canvas.put(x + dx, y + dy, colour_at(u, v));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A travelling spiral, to look at.
    fn image(width: usize, height: usize, turn: f32) -> FieldImage {
        let mut phase_amplitude = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let (dy, dx) = (y as f32 - height as f32 / 2.0, x as f32 - width as f32 / 2.0);
                let radius = dx.hypot(dy);
                let phase = (dy.atan2(dx) / std::f32::consts::TAU + radius * 0.03 + turn).rem_euclid(1.0);
                phase_amplitude.extend([(phase * 255.99) as u8, (radius * 3.0).min(255.0) as u8]);
            }
        }
        FieldImage { width, height, phase_amplitude, ..Default::default() }
    }

    fn sheet(offered: u64) -> ContactSheet {
        let column = |group: &str, label: &str| Column { group: group.into(), label: label.into() };
        let mut columns: Vec<Column> = ["0.75 Hz", "3 Hz", "12 Hz", "48 Hz"]
            .iter()
            .map(|label| column("vision 128 x 128", label))
            .collect();
        columns.push(column("hearing", "3 Hz"));
        columns.push(column("hearing", "48 Hz"));
        let mut sheet = ContactSheet::new("The field over time", columns);
        let rgb = (0..64 * 36 * 3).map(|i| (i % 251) as u8).collect();
        let input = InputPicture { width: 64, height: 36, rgb, ..InputPicture::default() };
        for i in 0..offered {
            let mut images: Vec<FieldImage> =
                (0..4).map(|band| image(128, 128, i as f32 * 0.1 + band as f32 * 0.25)).collect();
            images.extend([image(32, 128, 0.0), image(32, 128, 0.5)]);
            sheet.add_row(Timestamp::from_count(i, 2), Some(&input), &images);
        }
        sheet
    }

    #[test]
    fn a_long_run_keeps_at_most_twelve_rows_at_even_times() {
        for offered in [1, 5, 12, 13, 14, 24, 25, 100] {
            let sheet = sheet(offered);
            assert!(sheet.rows() <= MOST_ROWS && sheet.rows() as u64 >= offered.min(6), "{offered}");
            let times: Vec<i64> = sheet.rows.iter().map(|row| row.time.0).collect();
            assert!(times.windows(3).all(|t| t[2] - t[1] == t[1] - t[0]), "{offered} rows: {times:?}");
            assert_eq!(times[0], 0);
        }
    }

    #[test]
    fn the_sheet_is_a_picture_with_its_cells_and_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("field.png");
        sheet(4).write(&path).unwrap();
        if let Some(keep) = std::env::var_os("NAPOT_KEEP_PICTURES") {
            std::fs::copy(&path, Path::new(&keep).join("field.png")).unwrap();
        }
        let picture = image::open(&path).unwrap().to_rgb8();
        let bright = picture.pixels().filter(|pixel| pixel.0.iter().all(|value| *value > 200)).count();
        assert!(bright > 100, "the title is there: {bright} bright pixels");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_empty_sheet_and_broken_images_are_still_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        ContactSheet::new("Nothing", Vec::new()).write(folder.path().join("a.png")).unwrap();
        let mut sheet = ContactSheet::new("x", vec![Column { group: "g".into(), label: "l".into() }]);
        let short = FieldImage { width: 9, height: 9, phase_amplitude: vec![0; 4], ..Default::default() };
        let input = InputPicture { width: 9, height: 9, rgb: vec![0; 4], ..InputPicture::default() };
        sheet.add_row(Timestamp::ZERO, Some(&input), &[short, FieldImage::default()]);
        sheet.write(folder.path().join("b.png")).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_one_clear_error() {
        let error = sheet(1).write("/nowhere/at/all/field.png").unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/at/all/field.png: the file can't be written"), "{error}");
    }
}
