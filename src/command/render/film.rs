//! Films made larger: a folder of pictures, each by itself and by the memory of the last ones.

use std::path::{Path, PathBuf};

use super::{mean, to_rgb};
use crate::command::names::Names;
use crate::command::pictures;
use crate::error::{Error, Result};
use crate::memory::backwards::Renderer;
use crate::memory::film::Film;
use crate::memory::measure::{Likeness, likeness};
use crate::memory::picture::Picture;
use crate::signal::Frame;
use crate::sink::part::PartFile;
use crate::source::content::Content;
use crate::source::video::FrameSource;

/// The pictures of a file or folder.
pub(super) struct Clip {
    path: PathBuf,
    /// What was pulled already.
    first: Option<Frame>,
    rest: FrameSource,
    /// Pictures that were pulled.
    pulled: u64,
}

/// What a film has at a number.
enum Found {
    Picture(Frame),
    /// None of this number, but later ones.
    Gap,
    End,
}

impl Clip {
    /// Opens a film, a folder or a recording; `None` where it is a still picture, or holds no picture at all.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        if !path.is_dir() && Content::of(path)? == Content::Still {
            return Ok(None);
        }
        let Some(mut rest) = pictures::source(path)? else { return Ok(None) };
        let Some(first) = rest.pull()? else { return Ok(None) };
        Ok(Some(Self { path: path.to_owned(), first: Some(first), rest, pulled: 1 }))
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        if let Some(frame) = self.first.take() {
            return Ok(Some(frame));
        }
        let found = self.rest.pull()?;
        self.pulled += u64::from(found.is_some());
        Ok(found)
    }

    /// The picture of this number, behind those that were taken.
    fn at(&mut self, sequence: u64) -> Result<Found> {
        while let Some(frame) = self.next()? {
            if frame.sequence == sequence {
                return Ok(Found::Picture(frame));
            }
            if frame.sequence > sequence {
                self.first = Some(frame);
                return Ok(Found::Gap);
            }
        }
        Ok(Found::End)
    }

    /// Pictures up to here, with those that are damaged.
    fn length(&self) -> u64 {
        self.pulled + self.rest.faults().damaged
    }
}

/// How the pictures of a film are made larger.
pub(super) struct How<'a> {
    pub scale: usize,
    pub steps: usize,
    /// The most pixels of a result.
    pub most: usize,
    /// The film as it was.
    pub truth: Option<&'a Path>,
}

/// What was made of a film.
pub(super) struct Made {
    pub size: (usize, usize),
    pub frames: u64,
    /// Pictures of the film that were damaged, and are not among them.
    pub damaged: u64,
    /// Means over the pictures that are not their truth to the bit; `None` without the film as it was.
    pub likeness: Option<Likeness>,
}

/// Enlarges a film into the folder `out`, which gets its name when it is whole: a picture each, and `times.csv`. That
/// the film as it was has another length is told when the result is there.
pub(super) fn enlarge(clip: &mut Clip, how: &How<'_>, renderer: &dyn Renderer, out: &Path) -> Result<Made> {
    let help = "a new name, or a name that ends in `.png` for one picture";
    pictures::new_folder(out, "the folder of the film's pictures exists already", help)?;
    let mut truth = match how.truth {
        Some(path) => {
            let none =
                || Error::input(path, "the film as it was is none").bound("a film or a folder of pictures");
            Some(Clip::open(path)?.ok_or_else(none)?)
        }
        None => None,
    };
    let (made, fault) =
        pictures::whole_folder(out, |part| written(clip, how, renderer, (part, truth.as_mut())))?;
    fault.map_or(Ok(made), Err)
}

fn written(
    clip: &mut Clip,
    how: &How<'_>,
    renderer: &dyn Renderer,
    (folder, mut truth): (&Path, Option<&mut Clip>),
) -> Result<(Made, Option<Error>)> {
    let mut film = Film::new(how.scale, how.steps);
    let mut names = Names::default();
    names.enter(&clip.path)?;
    let mut times = PartFile::create(folder.join("times.csv"))?;
    times.line("file,seconds")?;
    let mut made = Made { size: (0, 0), frames: 0, damaged: 0, likeness: None };
    let mut fault = None;
    let (mut psnr, mut ssim) = (Vec::new(), Vec::new());
    while let Some(frame) = clip.next()? {
        let (height, width) = (frame.height * how.scale, frame.width * how.scale);
        if height.saturating_mul(width) > how.most {
            let error = Error::input(&clip.path, "the result would be too large");
            return Err(error
                .at(format!("picture {}", frame.sequence))
                .value(format!("{width} x {height}"))
                .bound(format!("at most {} pixels", how.most)));
        }
        made.frames += 1;
        made.size = (height, width);
        // In colour even where a picture has none, so that all are of one kind.
        let seen = Picture::from_rgb(frame.height, frame.width, &frame.rgb, false);
        let rgb = to_rgb(&film.next(&seen, renderer)?)?;
        let name = format!("{}.png", names.next(&frame));
        pictures::write(&folder.join(&name), made.size, &rgb)?;
        times.line(&format!("{name},{}", frame.stamp.time.exactly()))?;
        if let Some(truth) = truth.as_mut().filter(|_| fault.is_none()) {
            match truth.at(frame.sequence)? {
                Found::Picture(whole) => {
                    let found = judged(&truth.path, &whole, made.size, &rgb, how.scale)?;
                    psnr.extend(found.psnr_db);
                    ssim.extend(found.ssim);
                }
                Found::End if frame.sequence >= truth.length() => {
                    let error = Error::input(&truth.path, "the film as it was ends before the result");
                    fault = Some(error.at(format!("picture {}", frame.sequence)));
                }
                // It is damaged in the film as it was.
                Found::Gap | Found::End => {}
            }
        }
    }
    times.finish()?;
    made.damaged = clip.rest.faults().damaged;
    if let Some(truth) = truth.as_mut() {
        let length = clip.length();
        if fault.is_none() && !matches!(truth.at(length)?, Found::End) {
            let error = Error::input(&truth.path, "the film as it was goes on after the result");
            fault = Some(error.at(format!("picture {length}")).bound(format!("{length} pictures")));
        }
        let damaged = truth.rest.faults().damaged;
        if damaged > 0 {
            let path = truth.path.display();
            tracing::warn!(
                "{path}: {damaged} pictures are damaged, and the results are held against the others"
            );
        }
    }
    made.likeness = truth.map(|_| Likeness { psnr_db: mean(&psnr), ssim: mean(&ssim) });
    Ok((made, fault))
}

/// Holds a picture of `size` (rows, columns) against that of the film as it was.
fn judged(
    truth: &Path,
    whole: &Frame,
    (height, width): (usize, usize),
    rgb: &[u8],
    shave: usize,
) -> Result<Likeness> {
    if (whole.height, whole.width) != (height, width) {
        let place = format!("picture {}", whole.sequence);
        let error = Error::input(truth, "the truth is of another size than the result").at(place);
        let found = format!("{} x {}", whole.width, whole.height);
        return Err(error.value(found).bound(format!("{width} x {height}")));
    }
    let shave = if height.min(width) > 2 * shave { shave } else { 0 };
    Ok(likeness((height, width), rgb, &whole.rgb, shave))
}
