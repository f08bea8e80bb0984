//! Films made larger: a folder of pictures, each by itself and by the memory of the last ones.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::pictures;
use crate::error::{Error, Result};
use crate::memory::backwards::Renderer;
use crate::memory::film::Film;
use crate::memory::measure::{Likeness, likeness};
use crate::memory::picture::Picture;
use crate::signal::Frame;
use crate::sink::part::PartFile;
use crate::source::content::Content;
use crate::source::video::{self, FrameSource};

/// The pictures of a file or folder.
pub(super) struct Clip {
    path: PathBuf,
    /// What was pulled already.
    first: std::collections::VecDeque<Frame>,
    rest: FrameSource,
}

impl Clip {
    /// Opens what holds two pictures or more; `None` where it holds fewer, or no pictures at all.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        if !path.is_dir() && !Content::of(path)?.may_show() {
            return Ok(None);
        }
        let Some(mut rest) = video::open(path)? else { return Ok(None) };
        let mut first = std::collections::VecDeque::new();
        while first.len() < 2 {
            match rest.pull()? {
                Some(frame) => first.push_back(frame),
                None => return Ok(None),
            }
        }
        Ok(Some(Self { path: path.to_owned(), first, rest }))
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        match self.first.pop_front() {
            Some(frame) => Ok(Some(frame)),
            None => self.rest.pull(),
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
    /// Means over the pictures; `None` without the film as it was.
    pub likeness: Option<Likeness>,
}

/// Enlarges a film into the folder `out`, which gets its name when it is whole: `000001.png` and so on, and `times.csv`.
pub(super) fn enlarge(clip: &mut Clip, how: &How<'_>, renderer: &dyn Renderer, out: &Path) -> Result<Made> {
    if out.exists() {
        let error = Error::call("--out", "the folder of the film's pictures exists already");
        return Err(error
            .value(out.display())
            .bound("a new name, or a name that ends in `.png` for one picture"));
    }
    let mut truth = match how.truth {
        Some(path) => {
            let none =
                || Error::input(path, "the film as it was has fewer than two pictures").bound("at least 2");
            Some(Clip::open(path)?.ok_or_else(none)?)
        }
        None => None,
    };
    let mut part = out.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let failed = |cause: std::io::Error| Error::output(&part, "the folder can't be made").value(cause);
    if part.exists() {
        // What a call that was ended left.
        fs::remove_dir_all(&part).map_err(failed)?;
    }
    fs::create_dir_all(&part).map_err(failed)?;
    let made = written(clip, how, renderer, (&part, truth.as_mut()));
    match made {
        Ok(made) => {
            fs::rename(&part, out)
                .map_err(|cause| Error::output(out, "the folder can't take its name").value(cause))?;
            Ok(made)
        }
        Err(error) => {
            // The first error is the one to tell.
            let _ = fs::remove_dir_all(&part);
            Err(error)
        }
    }
}

fn written(
    clip: &mut Clip,
    how: &How<'_>,
    renderer: &dyn Renderer,
    (folder, mut truth): (&Path, Option<&mut Clip>),
) -> Result<Made> {
    let mut film = Film::new(how.scale, how.steps);
    let mut times = PartFile::create(folder.join("times.csv"))?;
    times.line("file,seconds")?;
    let mut made = Made { size: (0, 0), frames: 0, likeness: None };
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
        let name = format!("{:06}.png", made.frames);
        pictures::write(&folder.join(&name), made.size, &rgb)?;
        let time = frame.stamp.time.0;
        times.line(&format!("{name},{}.{:09}", time / 1_000_000_000, time % 1_000_000_000))?;
        if let Some(truth) = &mut truth {
            let Likeness { psnr_db, ssim: likes } = judged(truth, &made, &rgb, how.scale)?;
            psnr.extend(psnr_db);
            ssim.extend(likes);
        }
    }
    times.finish()?;
    let mean = |all: &[f64]| (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64);
    made.likeness = truth.map(|_| Likeness { psnr_db: mean(&psnr), ssim: mean(&ssim) });
    Ok(made)
}

/// Holds a picture against the film as it was.
fn judged(truth: &mut Clip, made: &Made, rgb: &[u8], shave: usize) -> Result<Likeness> {
    let (height, width) = made.size;
    let place = format!("picture {}", made.frames - 1);
    let Some(frame) = truth.next()? else {
        return Err(Error::input(&truth.path, "the film as it was ends before the result").at(place));
    };
    if (frame.height, frame.width) != made.size {
        let error = Error::input(&truth.path, "the truth is of another size than the result").at(place);
        let found = format!("{} x {}", frame.width, frame.height);
        return Err(error.value(found).bound(format!("{width} x {height}")));
    }
    let shave = if height.min(width) > 2 * shave { shave } else { 0 };
    Ok(likeness(made.size, rgb, &frame.rgb, shave))
}
