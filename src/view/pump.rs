//! Takes what the engine publishes and shares it among the viewers; with none, it only empties the feeds.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{TryRecvError, TrySendError};

use super::key::unlike_any;
use super::outbox::FieldBytes;
use super::protocol::{self, Described, Sense};
use super::senses::Senses;
use super::server::Shared;
use super::{About, Bell, Feeds};

/// Sound frames in one message at most: 20 ms.
const CHUNK_FRAMES: usize = 960;
/// Messages of one feed that one turn takes at most: bounds a turn where the engine runs ahead.
const TURN: usize = 256;
/// Random bytes by which a page knows a run.
const RUN_BYTES: usize = 9;

/// The feeds' reading side.
pub(super) struct Pump {
    feeds: Feeds,
    shared: Arc<Shared>,
    field_sequence: u64,
    input_sequence: u64,
    mind_sequence: u64,
    binding_sequence: u64,
    objects_sequence: u64,
    trace_sequence: u64,
    sound_sequence: u64,
    sound_position: u64,
    chunk: Vec<[f32; 2]>,
    traces_open: bool,
}

impl Pump {
    /// A pump from `feeds` to `shared`'s viewers.
    pub(super) fn new(feeds: Feeds, shared: Arc<Shared>) -> Self {
        Self {
            feeds,
            shared,
            field_sequence: 0,
            input_sequence: 0,
            mind_sequence: 0,
            binding_sequence: 0,
            objects_sequence: 0,
            trace_sequence: 0,
            sound_sequence: 0,
            sound_position: 0,
            chunk: vec![[0.0; 2]; CHUNK_FRAMES],
            traces_open: true,
        }
    }

    /// What rings when a field has come.
    pub(super) fn bell(&self) -> Bell {
        self.feeds.bell.clone()
    }

    /// Takes all that has come. A viewer who just joined gets the newest of everything.
    pub(super) fn turn(&mut self) {
        let joined = self.shared.take_joined();
        let watched = self.shared.viewers() > 0;
        self.feeds.watched.store(watched, Ordering::Release);
        let written = self.feeds.sound.is_written();
        self.pass_field(watched, joined);
        self.pass_input(watched, joined);
        self.pass_mind(watched, joined);
        self.pass_binding(watched, joined);
        self.pass_objects(watched, joined);
        self.pass_traces(watched);
        self.pass_sound(watched);
        if !written && !self.traces_open && !self.shared.has_ended() {
            self.shared.end();
            self.pass_status(watched, true);
        } else {
            self.pass_status(watched, joined);
        }
        self.pass_control();
        self.shared.senses.iter().for_each(Senses::watch);
    }

    fn pass_field(&mut self, watched: bool, joined: bool) {
        let fresh = self.feeds.field.update();
        self.field_sequence += u64::from(fresh);
        if watched
            && (fresh || joined)
            && let Some(bytes) = protocol::field(self.feeds.field.output_buffer(), self.field_sequence)
        {
            // A frame that is sent again to one who joined is old by then.
            let captured = self.feeds.field.output_buffer().captured.filter(|_| fresh);
            self.shared.each(|outbox| {
                outbox.offer_field(self.field_sequence, FieldBytes { bytes: bytes.clone(), captured });
            });
        }
    }

    fn pass_input(&mut self, watched: bool, joined: bool) {
        let fresh = self.feeds.input.update();
        self.input_sequence += u64::from(fresh);
        if watched
            && (fresh || joined)
            && let Some(bytes) = protocol::input(self.feeds.input.output_buffer(), self.input_sequence)
        {
            self.shared.each(|outbox| outbox.offer_input(bytes.clone()));
        }
    }

    fn pass_mind(&mut self, watched: bool, joined: bool) {
        let fresh = self.feeds.mind.update();
        self.mind_sequence += u64::from(fresh);
        if watched
            && (fresh || joined)
            && let Some(bytes) = protocol::mind(self.feeds.mind.output_buffer(), self.mind_sequence)
        {
            self.shared.each(|outbox| outbox.offer_mind(bytes.clone()));
        }
    }

    fn pass_binding(&mut self, watched: bool, joined: bool) {
        let fresh = self.feeds.binding.update();
        self.binding_sequence += u64::from(fresh);
        if watched
            && (fresh || joined)
            && let Some(bytes) = protocol::binding(self.feeds.binding.output_buffer(), self.binding_sequence)
        {
            self.shared.each(|outbox| outbox.offer_binding(bytes.clone()));
        }
    }

    fn pass_objects(&mut self, watched: bool, joined: bool) {
        let fresh = self.feeds.objects.update();
        self.objects_sequence += u64::from(fresh);
        if watched
            && (fresh || joined)
            && let Some(bytes) = protocol::objects(self.feeds.objects.output_buffer(), self.objects_sequence)
        {
            self.shared.each(|outbox| outbox.offer_objects(bytes.clone()));
        }
    }

    fn pass_status(&mut self, watched: bool, joined: bool) {
        let fresh = self.feeds.status.update();
        if !(fresh || joined) {
            return;
        }
        let status = Arc::new(self.feeds.status.output_buffer().clone());
        if watched {
            self.shared.each(|outbox| outbox.offer_status(Arc::clone(&status)));
        }
        self.shared.keep_status(status);
    }

    fn pass_traces(&mut self, watched: bool) {
        for _ in 0..TURN {
            match self.feeds.traces.try_recv() {
                Ok(chunk) => {
                    self.trace_sequence += 1;
                    if watched && let Some(bytes) = protocol::traces(chunk, self.trace_sequence) {
                        self.shared.each(|outbox| outbox.offer_traces(bytes.clone()));
                    }
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.traces_open = false;
                    break;
                }
            }
        }
    }

    fn pass_sound(&mut self, watched: bool) {
        let listened = watched && self.shared.any(super::outbox::Outbox::wants_sound);
        for _ in 0..TURN {
            let taken = self.feeds.sound.pop_into(&mut self.chunk);
            if taken == 0 {
                break;
            }
            self.sound_sequence += 1;
            if listened {
                let bytes = protocol::sound(&self.chunk[..taken], self.sound_sequence, self.sound_position);
                self.shared.each(|outbox| outbox.offer_sound(taken, bytes.clone()));
            }
            self.sound_position += taken as u64;
        }
    }

    fn pass_control(&mut self) {
        while let Some(wish) = self.shared.take_wish() {
            if let Err(TrySendError::Full(wish)) = self.feeds.control.try_send(wish) {
                self.shared.put_back(wish);
                return;
            }
        }
    }
}

/// The page's description of the run, and of what the run wants of the page.
pub(super) fn describe(about: &About, senses: &[Sense]) -> String {
    // Where the system has no randomness, a new run is known by its title, seed and arrays.
    let run = unlike_any::<RUN_BYTES>().unwrap_or_default();
    serde_json::to_string(&Described { run, about, senses }).unwrap_or_else(|_| "{}".into())
}
