//! The pictures of a session as PNG, and as a film with its sound.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::wav;
use crate::error::{Error, Kind, Result};
use crate::session::Session;
use crate::signal::{PictureItem, SessionItem};
use crate::sink::part::{PartFile, part_of};
use crate::time::Timestamp;

/// Pictures per second of a film: each shows the newest one of its time.
const FILM_RATE: u32 = 30;

fn none(session: &Session) -> Error {
    let error = Error::input(session.path(), "the session holds no pictures");
    error.help("Pictures are kept where an eye sees: a run with video, or the room.")
}

fn pictures(session: &Session) -> Result<impl Iterator<Item = Result<PictureItem>>> {
    Ok(session.items()?.filter_map(|item| match item {
        Ok(SessionItem::Picture(picture)) => Some(Ok(picture)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    }))
}

/// Writes each picture into the folder `dir`, and `times.csv` beside them.
pub(super) fn png(session: &Session, dir: &Path) -> Result<()> {
    if session.counts().pictures == 0 {
        return Err(none(session));
    }
    fs::create_dir_all(dir).map_err(|cause| Error::output(dir, "the folder can't be made").value(cause))?;
    let mut times = PartFile::create(dir.join("times.csv"))?;
    times.line("file,seconds")?;
    for (number, picture) in (1..).zip(pictures(session)?) {
        let picture = picture?;
        let name = format!("{number:06}.png");
        write_png(&dir.join(&name), session, &picture)?;
        times.line(&format!("{name},{}", picture.time.exactly()))?;
    }
    times.finish()
}

fn write_png(path: &Path, session: &Session, picture: &PictureItem) -> Result<()> {
    let decoded = picture.decode().map_err(|cause| {
        let error = Error::input(session.path(), "a picture can't be decoded").value(cause);
        error.at(format!("second {}", picture.time.exactly()))
    })?;
    let failed =
        |cause: &dyn std::fmt::Display| Error::output(path, "the picture can't be written").value(cause);
    let file = File::create(path).map_err(|cause| failed(&cause))?;
    let mut encoder = png::Encoder::new(BufWriter::new(file), decoded.width as u32, decoded.height as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().map_err(|cause| failed(&cause))?;
    writer.write_image_data(&decoded.rgb).map_err(|cause| failed(&cause))?;
    writer.finish().map_err(|cause| failed(&cause))
}

/// Writes a film.
pub(super) fn mp4(session: &Session, path: &Path) -> Result<()> {
    if session.counts().pictures == 0 {
        return Err(none(session));
    }
    let part = part_of(path);
    let sound = part.with_added_extension("wav");
    let heard = session.facts().arrays.iter().any(|array| array.name == "hearing");
    if heard {
        wav(session, &sound)?;
    }
    let made = film(session, &part, heard.then_some(&sound));
    if heard {
        // Only a help for the film: what is left of it is no result.
        let _ = fs::remove_file(&sound);
    }
    made?;
    fs::rename(&part, path).map_err(|cause| Error::output(path, "the file can't take its name").value(cause))
}

fn ffmpeg(part: &Path, sound: Option<&PathBuf>) -> Result<Child> {
    let rate = FILM_RATE.to_string();
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]);
    command.args(["-f", "mjpeg", "-framerate", &rate, "-i", "pipe:0"]);
    if let Some(sound) = sound {
        command.arg("-i").arg(sound).args(["-c:a", "aac", "-b:a", "192k"]);
    }
    // Codecs of films want even sides.
    command.args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    command.args(["-f", "mp4", "-movflags", "+faststart"]).arg(part);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(|cause| {
        let error = Error::new(
            Kind::Device,
            "ffmpeg",
            "a film needs the `ffmpeg` program, which could not be started",
        );
        error.value(cause).help("Install it (Debian: `apt-get install ffmpeg`) and try again.")
    })
}

fn film(session: &Session, part: &Path, sound: Option<&PathBuf>) -> Result<()> {
    let mut child = ffmpeg(part, sound)?;
    let piped = child.stdin.take().map_or(Ok(()), |stdin| pipe(session, stdin));
    let failed =
        |cause: &dyn std::fmt::Display| Error::output(part, "the film can't be written").value(cause);
    let output = child.wait_with_output().map_err(|cause| failed(&cause))?;
    if output.status.success() {
        return piped;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(&said.lines().next().unwrap_or("ffmpeg gave no reason")))
}

/// Gives the child the newest picture of each of the film's times.
fn pipe(session: &Session, mut to: impl Write) -> Result<()> {
    let [first, end] = session.ticks().map(crate::time::Tick::start);
    let mut all = pictures(session)?.peekable();
    let mut shown = None;
    for number in 0.. {
        let now = Timestamp(first.0 + Timestamp::from_count(number, FILM_RATE).0);
        if now >= end {
            break;
        }
        while all.peek().is_some_and(|next| next.as_ref().map_or(true, |next| next.time <= now)) {
            shown = all.next().transpose()?;
        }
        // Before the first picture there is that one.
        if shown.is_none()
            && let Some(Ok(next)) = all.peek()
        {
            shown = Some(next.clone());
        }
        let Some(picture) = &shown else { break };
        // A child that has ended says why itself.
        if to.write_all(&picture.jpeg).is_err() {
            break;
        }
    }
    Ok(())
}
