//! GIF animations (GIF89a): each frame drawn on the canvas as browsers do, with its own delay.
//!
//! A frame is shown for its delay; a delay of 0 or 1 hundredths of a second counts as 10, as in browsers. Where
//! nothing has been drawn the canvas is black. The animation runs once, whatever its loop count.

use std::io::Read;

use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, DisposalMethod, MemoryLimit};

use super::input::{Input, check_size, cut_short, no_pictures};
use super::{MAX_PIXELS, info};
use crate::error::{Error, Result};
use crate::signal::{Frame, Stamp};
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::Timestamp;

/// Most pixels: the canvas is held up to three times (now, before, and given away).
const MAX_GIF_PIXELS: usize = MAX_PIXELS / 2;
/// Delays up to this, in hundredths of a second, count as [`USUAL_DELAY`].
const NO_DELAY: u16 = 1;
/// Hundredths of a second for frames without a delay.
const USUAL_DELAY: u16 = 10;

/// An animation that is being read.
pub(super) struct Gif<R: Read> {
    info: SourceInfo,
    path: std::path::PathBuf,
    decoder: Decoder<Input<R>>,
    canvas: Canvas,
    indices: Vec<u8>,
    /// Time of the next frame in hundredths of a second.
    time: u64,
    sequence: u64,
    damaged: u64,
    ended: bool,
}

impl<R: Read> Gif<R> {
    /// Reads the header of `input`.
    ///
    /// # Errors
    /// Where the header is damaged or absurd.
    pub fn open(input: Input<R>) -> Result<Self> {
        let path = input.path().to_owned();
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        options.set_memory_limit(MemoryLimit::Bytes(LIMIT));
        let decoder = options.read_info(input).map_err(|cause| {
            Error::input(&path, "the GIF header cannot be read").at("byte 0").value(cause)
        })?;
        let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
        check(&path, "byte 6, the screen's size", width, height)?;
        Ok(Self {
            info: info(&path, format!("GIF {width}x{height}")),
            path,
            decoder,
            canvas: Canvas::new(width, height),
            indices: Vec::new(),
            time: 0,
            sequence: 0,
            damaged: 0,
            ended: false,
        })
    }

    fn read(&mut self) -> Result<Option<Frame>> {
        loop {
            let more = self.decoder.next_frame_info().map(|frame| frame.map(Region::of));
            let Some(region) = more.map_err(|cause| self.fault(&cause))? else {
                return if self.sequence > self.damaged { Ok(None) } else { Err(no_pictures(&self.path)) };
            };
            check(&self.path, &format!("frame {}", self.sequence), region.width, region.height)?;
            self.indices.resize(region.width * region.height, 0);
            self.decoder.read_into_buffer(&mut self.indices).map_err(|cause| self.fault(&cause))?;
            let palette = self.decoder.palette().map_err(|cause| self.fault(&cause))?;
            let stamp = Stamp::recorded(Timestamp::from_count(self.time, 100));
            let sequence = self.sequence;
            self.time += u64::from(if region.delay <= NO_DELAY { USUAL_DELAY } else { region.delay });
            self.sequence += 1;
            let Some(rgb) = self.canvas.show(&region, &self.indices, palette) else {
                self.damaged += 1;
                continue;
            };
            let (width, height) = (self.canvas.width, self.canvas.height);
            return Ok(Some(Frame { stamp, sequence, width, height, rgb }));
        }
    }

    fn fault(&self, cause: &DecodingError) -> Error {
        let time = Timestamp::from_count(self.time, 100);
        if matches!(cause, DecodingError::UnexpectedEof) {
            return cut_short(&self.path, self.sequence, time);
        }
        Error::input(&self.path, "the GIF is damaged")
            .at(format!("frame {}, {time}", self.sequence))
            .value(cause)
    }
}

impl<R: Read + Send> Source for Gif<R> {
    type Item = Frame;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        if self.ended {
            return Ok(None);
        }
        let read = self.read();
        self.ended = !matches!(read, Ok(Some(_)));
        read
    }

    fn faults(&self) -> Faults {
        Faults { damaged: self.damaged, ..Faults::default() }
    }
}

const LIMIT: std::num::NonZeroU64 = std::num::NonZeroU64::new(MAX_GIF_PIXELS as u64).expect("it is not zero");

fn check(path: &std::path::Path, place: &str, width: usize, height: usize) -> Result<()> {
    check_size(path, place, width, height)?;
    if width * height <= MAX_GIF_PIXELS {
        return Ok(());
    }
    Err(Error::input(path, "the GIF's size is out of range")
        .at(place)
        .value(format!("{width} x {height}"))
        .bound(format!("at most {MAX_GIF_PIXELS} pixels")))
}

/// Where a frame lies on the canvas, and how it comes and goes.
struct Region {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    transparent: Option<u8>,
    disposal: DisposalMethod,
    delay: u16,
}

impl Region {
    fn of(frame: &gif::Frame<'_>) -> Self {
        Self {
            left: frame.left.into(),
            top: frame.top.into(),
            width: frame.width.into(),
            height: frame.height.into(),
            transparent: frame.transparent,
            disposal: frame.dispose,
            delay: frame.delay,
        }
    }
}

struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![0; 3 * width * height] }
    }

    /// Draws `indices` on the canvas, gives the picture, and disposes of the frame; parts outside the canvas
    /// are not seen. `None`, with nothing drawn, where an index names no colour.
    fn show(&mut self, region: &Region, indices: &[u8], palette: &[u8]) -> Option<Vec<u8>> {
        let colours = palette.as_chunks::<3>().0;
        if indices
            .iter()
            .any(|&index| usize::from(index) >= colours.len() && Some(index) != region.transparent)
        {
            return None;
        }
        let before = matches!(region.disposal, DisposalMethod::Previous).then(|| self.rgb.clone());
        self.rows(region, |row, pixels| {
            for (pixel, &index) in pixels.iter_mut().zip(&indices[row * region.width..]) {
                if Some(index) != region.transparent {
                    *pixel = colours[usize::from(index)];
                }
            }
        });
        match before {
            Some(before) => return Some(std::mem::replace(&mut self.rgb, before)),
            None if matches!(region.disposal, DisposalMethod::Background) => {
                let shown = self.rgb.clone();
                self.rows(region, |_, pixels| pixels.fill([0; 3]));
                return Some(shown);
            }
            None => {}
        }
        Some(self.rgb.clone())
    }

    /// Gives `each` every row of `region` that lies on the canvas, with its number in the region.
    fn rows(&mut self, region: &Region, mut each: impl FnMut(usize, &mut [[u8; 3]])) {
        let right = (region.left + region.width).min(self.width);
        let pixels = self.rgb.as_chunks_mut::<3>().0;
        for row in 0..region.height.min(self.height.saturating_sub(region.top)) {
            let from = (region.top + row) * self.width;
            if region.left < right {
                each(row, &mut pixels[from + region.left..from + right]);
            }
        }
    }
}
