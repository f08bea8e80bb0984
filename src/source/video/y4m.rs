//! YUV4MPEG2 (`.y4m`): raw 8-bit pictures behind text headers (the format of `yuv4mpeg(5)` of mjpegtools).
//!
//! Read: `W`, `H`, `F`, `C420*`, `C422`, `C444`, `Cmono`, and ffmpeg's `XCOLORRANGE`. A file without
//! `C` is 4:2:0; one without a rate (`F0:0`) runs at the rate of [`super::VideoOptions`].

use std::io::Read;

use super::input::{Input, MAX_SIDE, check_size, cut_short, no_pictures};
use super::yuv::{ColourTag, Layout, Matrix, to_rgb};
use super::{Rate, info};
use crate::error::{Error, Result};
use crate::signal::{Frame, Stamp};
use crate::stream::{Source, SourceInfo};

/// The first bytes of every such file.
pub(super) const MAGIC: &[u8] = b"YUV4MPEG2";
/// Longest header line that is read: a few dozen bytes are usual.
const MAX_LINE: usize = 1_024;

/// A Y4M file that is being read.
pub(super) struct Y4m<R> {
    info: SourceInfo,
    input: Input<R>,
    header: Header,
    data: Vec<u8>,
    frame: u64,
    ended: bool,
}

struct Header {
    width: usize,
    height: usize,
    rate: Rate,
    layout: Layout,
    matrix: Matrix,
}

impl<R: Read> Y4m<R> {
    /// Reads the header of `input`.
    ///
    /// # Errors
    /// Where the header is damaged, or asks for what is not read.
    pub fn open(mut input: Input<R>, default_rate: Rate) -> Result<Self> {
        let Some(line) = line(&mut input)? else {
            return Err(input.error("the file ends within its header"));
        };
        let header = parse(&input, &line, default_rate)?;
        let format = format!("Y4M {}x{}, {}", header.width, header.height, header.rate);
        Ok(Self { info: info(input.path(), format), input, header, data: Vec::new(), frame: 0, ended: false })
    }

    fn read(&mut self) -> Result<Option<Frame>> {
        let Header { width, height, rate, layout, matrix } = self.header;
        let time = rate.time(self.frame);
        let start = self.input.position();
        let Some(line) = line(&mut self.input)? else {
            if self.input.position() != start {
                return Err(cut_short(self.input.path(), self.frame, time));
            }
            return if self.frame == 0 { Err(no_pictures(self.input.path())) } else { Ok(None) };
        };
        if !line.starts_with(b"FRAME") || line.get(5).is_some_and(|&byte| byte != b' ') {
            return Err(Error::input(self.input.path(), "a frame does not start with `FRAME`")
                .at(format!("byte {start}, frame {}", self.frame))
                .value(printable(&line)));
        }
        self.data.clear();
        let bytes = layout.bytes(width, height);
        if !self.input.append(bytes as u64, &mut self.data)? {
            return Err(cut_short(self.input.path(), self.frame, time));
        }
        let rgb = to_rgb(&self.data, layout, matrix, width, height);
        let sequence = self.frame;
        self.frame += 1;
        Ok(Some(Frame { stamp: Stamp::recorded(time), sequence, width, height, rgb }))
    }
}

impl<R: Read + Send> Source for Y4m<R> {
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
}

/// The next line without its end; `None` where the input ends within it.
fn line<R: Read>(input: &mut Input<R>) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    while let Some([byte]) = input.array::<1>()? {
        if byte == b'\n' {
            return Ok(Some(line));
        }
        line.push(byte);
        if line.len() > MAX_LINE {
            return Err(input
                .error("a header line does not end")
                .value(format!("over {MAX_LINE} bytes"))
                .bound(format!("at most {MAX_LINE} bytes")));
        }
    }
    Ok(None)
}

fn parse<R: Read>(input: &Input<R>, line: &[u8], default_rate: Rate) -> Result<Header> {
    let fault = |problem: &str, value: &[u8]| {
        Error::input(input.path(), problem).at("byte 0, the header").value(printable(value))
    };
    let (mut width, mut height, mut rate) = (None, None, None);
    let (mut layout, mut tag) = (Layout::Yuv420, ColourTag::default());
    for field in line[MAGIC.len()..].split(|&byte| byte == b' ').filter(|field| !field.is_empty()) {
        let value = &field[1..];
        match field[0] {
            b'W' => {
                width =
                    Some(side(value).ok_or_else(|| fault("the width is not a size", value).bound(SIDES))?);
            }
            b'H' => {
                height =
                    Some(side(value).ok_or_else(|| fault("the height is not a size", value).bound(SIDES))?);
            }
            b'F' => {
                rate =
                    Some(ratio(value).ok_or_else(|| fault("the rate is not a ratio", value).bound("N:D"))?);
            }
            b'C' => {
                layout = colour(value).ok_or_else(|| {
                    fault("the colour format is not read", value).bound("8 bit: 420*, 422, 444, mono")
                })?;
            }
            b'X' if value == b"COLORRANGE=FULL" => tag.full_range = Some(true),
            _ => {}
        }
    }
    let width = width.ok_or_else(|| fault("the header names no width", line))?;
    let height = height.ok_or_else(|| fault("the header names no height", line))?;
    check_size(input.path(), "byte 0, the header", width, height)?;
    let rate = match rate {
        None | Some((0, _) | (_, 0)) => default_rate,
        Some((frames, seconds)) => Rate::new(frames, seconds)
            .ok_or_else(|| fault("the rate is out of range", line).bound(Rate::BOUND))?,
    };
    Ok(Header { width, height, rate, layout, matrix: Matrix::choose(tag, height) })
}

const SIDES: &str = "1 to 16384";

fn side(value: &[u8]) -> Option<usize> {
    number(value).map(|side| usize::try_from(side).unwrap_or(MAX_SIDE + 1))
}

fn number(value: &[u8]) -> Option<u32> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn ratio(value: &[u8]) -> Option<(u32, u32)> {
    let colon = value.iter().position(|&byte| byte == b':')?;
    Some((number(&value[..colon])?, number(&value[colon + 1..])?))
}

/// Chroma siting (`420jpeg`, `420mpeg2`, `420paldv`) moves colour by less than a pixel and is not regarded.
fn colour(value: &[u8]) -> Option<Layout> {
    match value {
        b"420" | b"420jpeg" | b"420mpeg2" | b"420paldv" => Some(Layout::Yuv420),
        b"422" => Some(Layout::Yuv422),
        b"444" => Some(Layout::Yuv444),
        b"mono" => Some(Layout::Mono),
        _ => None,
    }
}

fn printable(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(40)];
    format!("`{}`", shown.escape_ascii())
}
