//! Pictures: a single one, or those of a folder in the natural order of their names (`img2` before `img10`).
//!
//! Transparent pixels are laid on black. 16-bit samples are rounded to 8. Of an animated PNG the first picture
//! is taken. What Exif says of how a JPEG or PNG file is turned is applied; of what is lost people are told once.

mod tags;

use std::cmp::Ordering;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use image::ImageDecoder;
use image::codecs::{bmp::BmpDecoder, pnm::PnmDecoder};

use super::input::{MAX_PACKET, check_size};
use super::jpeg::{self, Picture, Tags};
use super::sniff::{self, Format};
use super::{Rate, VideoOptions, info};
use crate::error::{Error, Result};
use crate::signal::{Frame, Stamp};
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::Timestamp;
use tags::Lost;
pub use tags::Turn;

/// Most pictures of a folder: 11 hours at 25 a second.
const MAX_PICTURES: usize = 1_000_000;

/// One picture: one frame at time zero, which whoever looks at it holds.
pub(super) struct Single {
    info: SourceInfo,
    frame: Option<Frame>,
}

impl Single {
    /// Decodes the picture at `path`.
    ///
    /// # Errors
    /// Where it is damaged, too large or cannot be read.
    pub fn open(path: &Path, format: Format, options: &VideoOptions) -> Result<Self> {
        let still = read(path, format)?;
        if !options.again {
            still.lost.tell(path, "");
        }
        let picture = still.upright();
        let info = info(path, format!("{} {}x{}", format.name(), picture.width, picture.height));
        Ok(Self { info, frame: Some(frame(picture, 0, Timestamp::ZERO)) })
    }
}

impl Source for Single {
    type Item = Frame;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        Ok(self.frame.take())
    }
}

/// The pictures of a folder; one that is damaged is counted and leaves a gap in numbers and time.
pub(super) struct Folder {
    info: SourceInfo,
    path: PathBuf,
    names: std::vec::IntoIter<PathBuf>,
    rate: Rate,
    /// What was told to be lost: once of all its pictures.
    told: Lost,
    sequence: u64,
    damaged: u64,
    first_damage: Option<Error>,
    ended: bool,
}

impl Folder {
    /// Opens the pictures of the folder at `path`.
    ///
    /// # Errors
    /// As [`pictures_of`].
    pub fn open(path: &Path, options: &VideoOptions) -> Result<Self> {
        let (names, rate) = (pictures_of(path)?, options.rate);
        let format = format!("{} pictures, {rate}", names.len());
        Ok(Self {
            info: info(path, format),
            path: path.to_owned(),
            names: names.into_iter(),
            rate,
            told: if options.again { Lost::ALL } else { Lost::default() },
            sequence: 0,
            damaged: 0,
            first_damage: None,
            ended: false,
        })
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        for name in self.names.by_ref() {
            let sequence = self.sequence;
            self.sequence += 1;
            let format = format_of(&name).ok_or_else(|| Error::input(&name, "it is no longer a picture"));
            match format.and_then(|format| read(&name, format)) {
                Ok(still) => {
                    still.lost.but(self.told).tell(&name, " (told of the first such picture of the folder)");
                    self.told = self.told.and(still.lost);
                    return Ok(Some(frame(still.upright(), sequence, self.rate.time(sequence))));
                }
                Err(error) => {
                    self.damaged += 1;
                    self.first_damage.get_or_insert(error);
                }
            }
        }
        match self.first_damage.take() {
            Some(first) if self.damaged == self.sequence => {
                Err(Error::input(&self.path, "not one picture of the folder is whole").value(first))
            }
            _ => Ok(None),
        }
    }
}

impl Source for Folder {
    type Item = Frame;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        if self.ended {
            return Ok(None);
        }
        let read = self.next();
        self.ended = !matches!(read, Ok(Some(_)));
        read
    }

    fn faults(&self) -> Faults {
        Faults { damaged: self.damaged, ..Faults::default() }
    }
}

/// The pictures of the folder at `path`, in the natural order of their names: what holds a picture, or is named like one.
/// Where it is opened, each is the frame of its place.
///
/// # Errors
/// Where the folder cannot be read; a folder without pictures is a wrong call.
pub fn pictures_of(path: &Path) -> Result<Vec<PathBuf>> {
    let failed = |cause: std::io::Error| Error::input(path, "the folder cannot be read").value(cause);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.path();
        if name.is_file() && format_of(&name).is_some() {
            names.push(name);
        }
        if names.len() > MAX_PICTURES {
            return Err(Error::input(path, "the folder has too many pictures")
                .value(format!("over {MAX_PICTURES}"))
                .bound(format!("at most {MAX_PICTURES}")));
        }
    }
    if names.is_empty() {
        return Err(Error::call(path.display().to_string(), "the folder has no pictures")
            .value("0 files")
            .bound("at least 1 PNG, JPEG, BMP or PNM file"));
    }
    names.sort_by(|one, other| natural_order(one, other));
    Ok(names)
}

fn frame(picture: Picture, sequence: u64, time: Timestamp) -> Frame {
    let Picture { width, height, rgb } = picture;
    Frame { stamp: Stamp::recorded(time), sequence, width, height, rgb }
}

/// The picture format of the file at `path`: by content, or by name where the content tells nothing.
fn format_of(path: &Path) -> Option<Format> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(16).read_to_end(&mut start));
    read.ok().and_then(|_| sniff::picture(&start)).or_else(|| Format::by_name(path))
}

/// A picture as its file keeps it, and what that tells beside.
struct Still {
    kept: Picture,
    turn: Turn,
    lost: Lost,
}

impl Still {
    /// The picture upright.
    fn upright(self) -> Picture {
        if self.turn == Turn::default() {
            return self.kept;
        }
        let Picture { width, height, rgb } = self.kept;
        let ((height, width), pixels) = self.turn.turned((height, width), rgb.as_chunks::<3>().0);
        Picture { width, height, rgb: pixels.into_flattened() }
    }
}

fn opened(path: &Path) -> Result<File> {
    File::open(path).map_err(|cause| Error::input(path, "it cannot be opened").value(cause))
}

/// Decodes the picture at `path`.
fn read(path: &Path, format: Format) -> Result<Still> {
    let file = opened(path)?;
    match format {
        Format::Jpeg => {
            let data = jpeg_bytes(path, file)?;
            let kept = jpeg::decode(&data).map_err(|refusal| refusal.into_error(path, ""))?;
            let Tags { exif, profile } = jpeg::tags(&data);
            let profile = profile.is_some_and(|profile| !tags::is_srgb(&profile));
            Ok(Still { kept, turn: Turn::of(exif.as_deref()), lost: Lost { profile, ..Lost::default() } })
        }
        Format::Png => png_still(path, BufReader::new(file)),
        Format::Bmp => {
            let decoder = BmpDecoder::new(BufReader::new(file)).map_err(|cause| damaged(path, &cause))?;
            through_image(path, decoder)
        }
        Format::Pnm => {
            let decoder = PnmDecoder::new(BufReader::new(file)).map_err(|cause| damaged(path, &cause))?;
            through_image(path, decoder)
        }
    }
}

fn jpeg_bytes(path: &Path, file: File) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    let limit = MAX_PACKET + 1;
    file.take(limit).read_to_end(&mut data).map_err(|cause| damaged(path, &cause))?;
    if data.len() as u64 == limit {
        return Err(Error::input(path, "the JPEG file is too long")
            .value(format!("over {MAX_PACKET} bytes"))
            .bound(format!("at most {MAX_PACKET} bytes")));
    }
    Ok(data)
}

/// The steps by which a JPEG file's luma was rounded, of a range of 255, in the file's order, `None` of other files; and how
/// the picture was turned when it was read, for steps are of blocks as the file keeps them.
///
/// # Errors
/// Where the file is damaged, or its first component is not luma in the picture's size.
pub fn jpeg_steps(path: &Path) -> Result<(Option<[u16; 64]>, Turn)> {
    match format_of(path) {
        Some(Format::Jpeg) => {}
        Some(Format::Png) => return Ok((None, png_still(path, BufReader::new(opened(path)?))?.turn)),
        _ => return Ok((None, Turn::default())),
    }
    let data = jpeg_bytes(path, opened(path)?)?;
    let steps = jpeg::luma_steps(&data).map_err(|refusal| refusal.into_error(path, ""))?;
    let none = || {
        Error::input(path, "the JPEG file keeps no luma in the picture's size")
            .at("its frame header")
            .bound("grey, or luma and two of chroma")
    };
    let steps = steps.ok_or_else(none)?;
    Ok((Some(steps), Turn::of(jpeg::tags(&data).exif.as_deref())))
}

fn damaged(path: &Path, cause: &dyn std::fmt::Display) -> Error {
    Error::input(path, "the picture is damaged or cut short").value(cause)
}

/// Reads the pixels of a PNG, as they are kept.
pub(super) fn png(path: &Path, file: impl BufRead + Seek) -> Result<Picture> {
    png_still(path, file).map(|still| still.kept)
}

/// Reads a PNG row by row; only an interlaced one is held whole before it is converted.
fn png_still(path: &Path, file: impl BufRead + Seek) -> Result<Still> {
    let mut decoder = png::Decoder::new_with_limits(file, png::Limits { bytes: 1 << 25 });
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    let fault = |cause: png::DecodingError| damaged(path, &cause);
    let header = decoder.read_header_info().map_err(fault)?;
    let (width, height) = (header.width as usize, header.height as usize);
    let wide = header.bit_depth == png::BitDepth::Sixteen && header.color_type != png::ColorType::Grayscale;
    check_size(path, "byte 16, the header", width, height)?;
    let mut reader = decoder.read_info().map_err(fault)?;
    let samples = reader.output_color_type().0.samples();
    let mut rgb = Vec::with_capacity(3 * width * height);
    let mut clear = false;
    if reader.info().interlaced {
        let mut whole = vec![0; samples * width * height];
        reader.next_frame(&mut whole).map_err(fault)?;
        clear = !opaque(&whole, samples);
        append_rgb(&whole, samples, &mut rgb);
    } else {
        while rgb.len() < 3 * width * height
            && let Some(row) = reader.next_row().map_err(fault)?
        {
            clear |= !opaque(row.data(), samples);
            append_rgb(row.data(), samples, &mut rgb);
        }
    }
    reader.finish().map_err(fault)?;
    let about = reader.info();
    let turn = Turn::of(about.exif_metadata.as_deref());
    let profile = about.icc_profile.as_deref().is_some_and(|profile| !tags::is_srgb(profile));
    Ok(Still { kept: Picture { width, height, rgb }, turn, lost: Lost { clear, wide, profile } })
}

/// Whether 8-bit pixels of 1 to 4 samples have no alpha, or all of it.
fn opaque(pixels: &[u8], samples: usize) -> bool {
    match samples {
        2 => pixels.as_chunks::<2>().0.iter().all(|pixel| pixel[1] == u8::MAX),
        4 => pixels.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == u8::MAX),
        _ => true,
    }
}

/// Appends 8-bit pixels of 1 to 4 samples (grey, grey and alpha, RGB, RGBA).
fn append_rgb(pixels: &[u8], samples: usize, rgb: &mut Vec<u8>) {
    match samples {
        1 => rgb.extend(pixels.iter().flat_map(|&grey| [grey; 3])),
        2 => {
            rgb.extend(
                pixels.as_chunks::<2>().0.iter().flat_map(|&[grey, alpha]| [on_black(grey, alpha); 3]),
            );
        }
        3 => rgb.extend_from_slice(pixels),
        _ => rgb.extend(pixels.as_chunks::<4>().0.iter().flat_map(|&[red, green, blue, alpha]| {
            [on_black(red, alpha), on_black(green, alpha), on_black(blue, alpha)]
        })),
    }
}

fn on_black(value: u8, alpha: u8) -> u8 {
    ((u32::from(value) * u32::from(alpha) + 127) / 255) as u8
}

fn through_image(path: &Path, decoder: impl ImageDecoder) -> Result<Still> {
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    check_size(path, "the header", width, height)?;
    let colour = decoder.color_type();
    let samples = usize::from(colour.channel_count());
    let wide = usize::from(colour.bytes_per_pixel()) / samples.max(1);
    if wide > 2 {
        return Err(damaged(path, &"its samples are of a kind that is not read"));
    }
    let mut whole = vec![0; samples * wide * width * height];
    decoder.read_image(&mut whole).map_err(|cause| damaged(path, &cause))?;
    if wide == 2 {
        narrow(&mut whole);
    }
    let mut rgb = Vec::with_capacity(3 * width * height);
    append_rgb(&whole, samples, &mut rgb);
    let lost = Lost { clear: !opaque(&whole, samples), wide: wide == 2 && samples > 1, profile: false };
    Ok(Still { kept: Picture { width, height, rgb }, turn: Turn::default(), lost })
}

/// Rounds native-endian 16-bit samples to 8 bits in place.
fn narrow(samples: &mut Vec<u8>) {
    for at in 0..samples.len() / 2 {
        let wide = u16::from_ne_bytes([samples[2 * at], samples[2 * at + 1]]);
        samples[at] = ((u32::from(wide) + 128) / 257) as u8;
    }
    samples.truncate(samples.len() / 2);
}

/// Orders names so that runs of digits compare as numbers.
#[must_use]
pub fn natural_order(one: &Path, other: &Path) -> Ordering {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (first, second) = (name(one), name(other));
    let (mut left, mut right) = (first.as_str(), second.as_str());
    loop {
        let (a, b) = (leading(left), leading(right));
        if a.is_empty() || b.is_empty() {
            // Equal but for leading zeros: the plain order decides, so that it is always the same.
            return a.len().cmp(&b.len()).then_with(|| one.cmp(other));
        }
        let digits = |run: &str| run.starts_with(|letter: char| letter.is_ascii_digit());
        let order = if digits(a) && digits(b) {
            let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        } else {
            a.cmp(b)
        };
        if order.is_ne() {
            return order;
        }
        (left, right) = (&left[a.len()..], &right[b.len()..]);
    }
}

/// The run of digits or of other letters that `name` starts with.
fn leading(name: &str) -> &str {
    let digit = |letter: char| letter.is_ascii_digit();
    let numeric = name.starts_with(digit);
    let end = name.find(|letter| digit(letter) != numeric).unwrap_or(name.len());
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_2_comes_before_picture_10() {
        let mut names: Vec<PathBuf> = ["img10.png", "b.png", "img2.png", "img02.png", "img1.png", "a"]
            .iter()
            .map(PathBuf::from)
            .collect();
        names.sort_by(|one, other| natural_order(one, other));
        let names: Vec<_> = names.iter().map(|name| name.to_str().unwrap()).collect();
        assert_eq!(names, ["a", "b.png", "img1.png", "img02.png", "img2.png", "img10.png"]);
    }

    #[test]
    fn a_png_on_its_side_stands_upright_and_what_is_lost_of_it_is_known() {
        let (red, blue) = ([200, 0, 0, 255], [0, 0, 200, 255]);
        let encoded = |pixels: &[u8], exif: &'static [u8], profile: &'static [u8]| {
            let mut about = png::Info::with_size(2, 1);
            (about.color_type, about.bit_depth) = (png::ColorType::Rgba, png::BitDepth::Eight);
            about.exif_metadata = (!exif.is_empty()).then_some(exif.into());
            about.icc_profile = (!profile.is_empty()).then_some(profile.into());
            let mut file = Vec::new();
            let mut writer = png::Encoder::with_info(&mut file, about).unwrap().write_header().unwrap();
            writer.write_image_data(pixels).unwrap();
            writer.finish().unwrap();
            png_still(Path::new("a.png"), std::io::Cursor::new(file)).unwrap()
        };
        let turned = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let still = encoded(&[red, blue].concat(), turned, b"");
        assert_eq!(still.lost, Lost::default());
        let upright = still.upright();
        assert_eq!((upright.width, upright.height), (1, 2));
        assert_eq!(upright.rgb, [200, 0, 0, 0, 0, 200]);
        let still = encoded(&[red, [0, 0, 200, 254]].concat(), b"", b"no name at all");
        assert_eq!(still.lost, Lost { clear: true, wide: false, profile: true });
        assert_eq!((still.turn, still.kept.width), (Turn::default(), 2));
    }
}
