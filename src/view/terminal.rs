//! The terminal view: a run in a terminal, over ssh where no browser is. It takes the place of the page.

mod draw;

use std::io::{IsTerminal, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use self::draw::Picture;
use super::Feeds;
use crate::error::{Error, Kind, Result};
use crate::signal::Control;

/// Between two drawings: ten a second, which a slow line takes.
const FRAME: Duration = Duration::from_millis(100);
/// Speeds in thousandths that the arrow keys go through.
const SPEEDS: [u32; 6] = [20, 50, 100, 200, 500, 1_000];

/// A terminal that shows a run. Dropping it, or [`Self::stop`], gives the terminal back.
#[derive(Debug)]
pub struct Running {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Gives the terminal back.
    pub fn stop(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        self.end.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the terminal view had failed");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Whether a run can be shown there.
///
/// # Errors
/// Where standard output is no terminal.
pub fn check() -> Result<()> {
    if stdout().is_terminal() {
        return Ok(());
    }
    let error = Error::call("--terminal", "standard output is no terminal");
    Err(error.help("Leave it out for the page, or add --no-view for neither."))
}

/// Shows a run in the terminal of standard output until it is stopped; `q` and Ctrl-C there set `stop`.
///
/// # Errors
/// As [`check`], or where it can't be taken.
pub fn start(mut feeds: Feeds, stop: Arc<AtomicBool>) -> Result<Running> {
    check()?;
    let failed =
        |cause: std::io::Error| Error::new(Kind::Device, "the terminal", "it can't be drawn on").value(cause);
    let end = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&end);
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let thread = std::thread::Builder::new().name("napot-terminal".into()).spawn(move || {
        let mut picture = Picture::new(&feeds.about);
        feeds.watched.store(true, Ordering::Release);
        while !ended.load(Ordering::Acquire) {
            take(&mut feeds, &mut picture);
            if terminal.draw(|frame| picture.draw(frame)).is_err() {
                break;
            }
            if event::poll(FRAME).unwrap_or(false) {
                obey(&feeds, &picture, &stop);
            }
        }
        ratatui::restore();
    });
    match thread {
        Ok(thread) => Ok(Running { end, thread: Some(thread) }),
        Err(cause) => {
            ratatui::restore();
            Err(failed(cause))
        }
    }
}

/// Takes all that has come; what is not shown is only emptied.
fn take(feeds: &mut Feeds, picture: &mut Picture) {
    if feeds.field.update() {
        picture.field.clone_from(feeds.field.output_buffer());
    }
    feeds.input.update();
    if feeds.status.update() {
        picture.status.clone_from(feeds.status.output_buffer());
    }
    for chunk in feeds.traces.try_iter() {
        picture.add(&chunk);
    }
    let mut rest = [[0.0; 2]; 480];
    while feeds.sound.pop_into(&mut rest) > 0 {}
}

/// Does what a key asks.
fn obey(feeds: &Feeds, picture: &Picture, stop: &AtomicBool) {
    let Ok(Event::Key(key)) = event::read() else { return };
    if key.kind != KeyEventKind::Press {
        return;
    }
    let hand = &picture.status.hand;
    let speed = |by: isize| {
        let at = SPEEDS.iter().position(|speed| *speed == hand.speed).unwrap_or(SPEEDS.len() - 1);
        Control::Speed(SPEEDS[at.saturating_add_signed(by).min(SPEEDS.len() - 1)])
    };
    let band = |by: isize| {
        let last = feeds.about.band_hz.len().saturating_sub(1);
        Control::ShowBand(picture.field.band.saturating_add_signed(by).min(last) as u8)
    };
    let control = match key.code {
        KeyCode::Char('q') => {
            stop.store(true, Ordering::Release);
            return;
        }
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
            stop.store(true, Ordering::Release);
            return;
        }
        KeyCode::Char(' ') => Control::Pause(!hand.paused),
        KeyCode::Char('.') => Control::Step,
        KeyCode::Char('r') => Control::KeepLast,
        KeyCode::Char('m') if hand.muted.is_some() => Control::Mute(hand.muted == Some(false)),
        KeyCode::Char('d') if feeds.about.twin => Control::ShowDifference(!picture.field.difference),
        KeyCode::Char(digit @ '1'..='9') => Control::ShowBand(digit as u8 - b'1'),
        KeyCode::Left => band(-1),
        KeyCode::Right => band(1),
        KeyCode::Down => speed(-1),
        KeyCode::Up => speed(1),
        _ => return,
    };
    // A full channel is that of a run which has much to do: the key may be pressed again.
    let _ = feeds.control.try_send(control);
}
