//! Films made larger: a folder of pictures, each by itself and by the memory of the last ones.

use std::path::{Path, PathBuf};

use super::mean;
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
}

impl Clip {
    /// Opens a film, a folder or a recording; `None` where it is a still picture, or holds no picture at all.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        if !path.is_dir() && Content::of(path)? == Content::Still {
            return Ok(None);
        }
        let Some(mut rest) = pictures::source(path)? else { return Ok(None) };
        let Some(first) = rest.pull()? else { return Ok(None) };
        Ok(Some(Self { path: path.to_owned(), first: Some(first), rest }))
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        match self.first.take() {
            Some(frame) => Ok(Some(frame)),
            None => self.rest.pull(),
        }
    }

    /// The picture of this number, or what comes instead of it.
    fn at(&mut self, sequence: u64) -> Result<Option<Frame>> {
        loop {
            match self.next()? {
                Some(frame) if frame.sequence < sequence => {}
                found => return Ok(found),
            }
        }
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
        let rgb = film.next(&seen, renderer)?.to_rgb();
        let name = format!("{}.png", names.next(&frame));
        pictures::write(&folder.join(&name), made.size, &rgb)?;
        times.line(&format!("{name},{}", frame.stamp.time.exactly()))?;
        if let Some(truth) = truth.as_mut().filter(|_| fault.is_none()) {
            if let Some(Likeness { psnr_db, ssim: likes }) =
                judged(truth, &made, frame.sequence, &rgb, how.scale)?
            {
                psnr.extend(psnr_db);
                ssim.extend(likes);
            } else {
                let error = Error::input(&truth.path, "the film as it was ends before the result");
                fault = Some(error.at(format!("picture {}", frame.sequence)));
            }
        }
    }
    times.finish()?;
    made.damaged = clip.rest.faults().damaged;
    if let Some(truth) = truth.as_mut().filter(|_| fault.is_none())
        && truth.next()?.is_some()
    {
        let error = Error::input(&truth.path, "the film as it was goes on after the result");
        fault = Some(error.at(format!("picture {}", made.frames)).bound(format!("{} pictures", made.frames)));
    }
    made.likeness = truth.map(|_| Likeness { psnr_db: mean(&psnr), ssim: mean(&ssim) });
    Ok((made, fault))
}

/// Holds a picture against the film as it was; `None` where that has ended.
fn judged(
    truth: &mut Clip,
    made: &Made,
    sequence: u64,
    rgb: &[u8],
    shave: usize,
) -> Result<Option<Likeness>> {
    let (height, width) = made.size;
    let place = format!("picture {sequence}");
    let Some(frame) = truth.at(sequence)? else { return Ok(None) };
    if (frame.height, frame.width) != made.size {
        let error = Error::input(&truth.path, "the truth is of another size than the result").at(place);
        let found = format!("{} x {}", frame.width, frame.height);
        return Err(error.value(found).bound(format!("{width} x {height}")));
    }
    let shave = if height.min(width) > 2 * shave { shave } else { 0 };
    Ok(Some(likeness(made.size, rgb, &frame.rgb, shave)))
}
