//! Where people look at a run: its page, or a terminal.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::super::Common;
use super::{RunArgs, Show};
use crate::config::Config;
use crate::engine::{Engine, Publish, pump};
use crate::error::Result;
use crate::signal::{
    BindingPicture, FieldFrame, InputPicture, MindPicture, ObjectsPicture, SheetShape, Status,
};
use crate::stream::latest::latest;
use crate::stream::ring::ring;
use crate::view;

/// Sound that may wait for the page: a second.
const PAGE_SOUND: usize = 48_000;

/// The page's side of a run.
pub(super) struct Page {
    pub(super) publish: Publish,
    /// What the run is, is not known yet.
    pub(super) feeds: view::Feeds,
}

/// Both ends of what people look at; `has_devices` lets a page ask which others there are.
pub(super) fn page(senses: Option<view::Senses>, common: &pump::Common, has_devices: bool) -> Page {
    let (clock, trace) = (Arc::clone(&common.clock), Arc::clone(&common.trace));
    let sent: view::Sent = Box::new(move |captured| {
        trace.record("picture_captured_to_wire", captured.origin, clock.now() - captured.time);
    });
    let (field_in, field) = latest(&FieldFrame::default());
    let (input_in, input) = latest(&InputPicture::default());
    let (mind_in, mind) = latest(&MindPicture::default());
    let (binding_in, binding) = latest(&BindingPicture::default());
    let (objects_in, objects) = latest(&ObjectsPicture::default());
    let (status_in, status) = latest(&Status::default());
    let (traces_in, traces) = crossbeam_channel::bounded(64);
    let (sound_in, sound, _) = ring(PAGE_SOUND);
    let (control, control_out) = crossbeam_channel::bounded(16);
    let bell = view::Bell::default();
    let rings = bell.clone();
    let watched = Arc::<AtomicBool>::default();
    Page {
        publish: Publish {
            field: field_in,
            shown: Box::new(move || rings.ring()),
            watched: Arc::clone(&watched),
            input: input_in,
            mind: Some(mind_in),
            binding: Some(binding_in),
            objects: Some(objects_in),
            status: status_in,
            traces: traces_in,
            sound: sound_in,
            control: control_out,
        },
        feeds: view::Feeds {
            field,
            input,
            mind,
            binding,
            objects,
            status,
            traces,
            sound,
            control,
            senses,
            bell,
            watched,
            sent: Some(sent),
            devices: has_devices.then_some(crate::command::devices::listing),
            about: view::About::default(),
        },
    }
}

/// What the page says of a run.
pub(super) fn about(config: &Config, engine: &Engine, show: &Show, sources: Vec<String>) -> view::About {
    let arrays = engine
        .arrays()
        .iter()
        .map(|array| {
            let (height, width, bands) = (array.height, array.width, array.bands);
            (array.name.clone(), SheetShape { height, width, bands })
        })
        .collect();
    view::About {
        title: show.title.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: config.seed,
        arrays,
        band_hz: engine.band_hz().to_vec(),
        sources,
        twin: config.array.twin,
        electrodes: engine.electrode_places().to_vec(),
        pitch_hz: [config.hearing.cochlea.low_hz, config.hearing.cochlea.high_hz],
        hands: engine.may().clone(),
    }
}

/// Where a run will be shown.
pub(super) enum Place {
    Page(view::Bound),
    Terminal,
}

/// Takes the place where a run will be shown, if it is: before anything is written, so that one that can't be shown leaves
/// nothing behind.
pub(super) fn place(args: &RunArgs, config: &Config) -> Result<Option<Place>> {
    let parameters = args.view(config)?;
    if args.no_view {
        return Ok(None);
    }
    if args.terminal {
        return view::terminal::check().map(|()| Some(Place::Terminal));
    }
    view::bind(&parameters).map(|bound| Some(Place::Page(bound)))
}

/// Where people look at a run.
pub(super) enum Looking {
    Page(view::Running),
    Terminal(view::terminal::Running),
}

impl Looking {
    /// Ends it; what the page's server refused.
    pub(super) fn stop(self) -> Option<view::ViewFigures> {
        match self {
            Self::Page(running) => Some(running.stop()),
            Self::Terminal(running) => {
                running.stop();
                None
            }
        }
    }
}

pub(super) fn look(
    common: &Common,
    place: Place,
    feeds: view::Feeds,
    stop: &Arc<AtomicBool>,
) -> Result<Looking> {
    let Place::Page(bound) = place else {
        return view::terminal::start(feeds, Arc::clone(stop)).map(Looking::Terminal);
    };
    let (title, has_token) = (feeds.about.title.clone(), bound.parameters().demands_token());
    let running = view::start(bound, feeds)?;
    // A token is told nowhere else: without it the page would be served to nobody.
    if !common.quiet || has_token {
        eprintln!("NAPOT plays {title}. Look and listen at {} (Ctrl-C ends).", running.url());
    }
    if !common.quiet && has_token {
        eprintln!(
            "NAPOT: whoever has this address may watch and control the run; what is shown travels unencrypted."
        );
    }
    Ok(Looking::Page(running))
}
