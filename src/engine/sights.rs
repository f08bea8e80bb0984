//! What looks at pictures beside a run: which picture each update is given, and the thread that looks.
//!
//! ```text
//! pump ─pictures─> keeper ─update: picture in sight─> a thread for each that looks ─latest─> page
//! ```
//!
//! An update is of a tick, each [`UPDATE_TICKS`]th, and of the picture that is in sight then by the stamps; so offline the same
//! run is seen the same to the bit, and nothing of it is on the real-time thread. Who is a second behind holds the keeper back,
//! but not in a paced run: there updates are skipped, and counted.
//!
//! To add one that looks: [`Looks`] for it, its parameters in the plan, and a few lines in [`Onlookers`].

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::binding::{Binder, Holds};
use super::keeper::Publish;
use super::objects::Objects;
use super::plan::{EnginePlan, Pace};
use super::run::thread;
use crate::error::Result;
use crate::readout::segment::How;
use crate::signal::InputPicture;
use crate::stream::latest::Writer;
use crate::stream::priority;
use crate::time::{Clock, Tick};

/// Ticks from one update to the next.
pub const UPDATE_TICKS: u64 = 100;
/// Updates that may wait for one that looks: a second.
const WAITING: usize = 10;
/// Ticks after which no picture of a session is waited for: its pictures stand some blocks behind what entered with them.
pub const PATIENCE: u64 = 2_000;

/// What those that look are given.
struct Update {
    tick: Tick,
    sight: Option<Arc<InputPicture>>,
}

/// What looks at pictures, update by update.
pub(super) trait Looks: Send + 'static {
    /// What it shows people.
    type Picture: Send + 'static;
    /// What it tells of itself.
    type Figures: Clone + Default + Send + 'static;

    /// Sees what is in sight at a tick.
    ///
    /// # Errors
    /// Where nothing more can be made of what is seen.
    fn see(&mut self, tick: Tick, picture: &InputPicture) -> Result<()>;

    /// What it made of it, for people.
    fn picture(&self, tick: Tick) -> Self::Picture;

    /// Takes down how many updates were skipped, and how many ms all others took.
    fn took(&mut self, skipped: u64, ms: f64);

    /// What it did.
    fn figures(&self) -> &Self::Figures;
}

/// One that looks, on its thread.
pub(super) struct Looking<L: Looks> {
    thread: JoinHandle<Result<L>>,
    figures: Told<L::Figures>,
}

/// Figures that one thread tells and another reads.
#[derive(Clone, Default)]
pub(super) struct Told<F>(Arc<Mutex<F>>);

impl<F: Clone> Told<F> {
    pub(super) fn read(&self) -> F {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, figures: &F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(figures);
    }
}

impl<L: Looks> Looking<L> {
    /// What it tells of itself while it looks.
    pub(super) fn told(&self) -> Told<L::Figures> {
        self.figures.clone()
    }

    /// Waits until it has seen all; `Err` where it panicked.
    pub(super) fn join(self) -> std::thread::Result<Result<L>> {
        self.thread.join()
    }
}

/// All that looks at what is seen beside a run; none where nothing is seen.
pub(super) struct Onlookers {
    pub(super) sights: Sights,
    /// What holds the arrays that bind.
    pub(super) holds: Option<Holds>,
    pub(super) binder: Option<Looking<Binder>>,
    pub(super) objects: Option<Looking<Objects>>,
}

impl Onlookers {
    /// Starts those that the plan has; what they make goes to `publish`.
    ///
    /// # Errors
    /// Where a parameter is out of bounds, or a thread can't be started.
    pub(super) fn start(
        plan: &EnginePlan,
        is_replay: bool,
        mut publish: Option<&mut Publish>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self> {
        let mut sights = Sights::new(plan.first, [is_replay, plan.pace == Pace::Max]);
        let (mut holds, mut binder, mut objects) = (None, None, None);
        if plan.binding.enabled && plan.vision.is_some() {
            let (looks, hold) = Binder::new(&plan.binding, plan.seed)?;
            let shows = publish.as_mut().and_then(|publish| publish.binding.take());
            holds = Some(hold);
            binder = Some(sights.give_to("napot-binding", looks, shows, clock)?);
        }
        if plan.objects.enabled && plan.vision.is_some() {
            let looks = Objects::new(&plan.objects, &How { seed: plan.seed, ..How::default() })?;
            let shows = publish.and_then(|publish| publish.objects.take());
            objects = Some(sights.give_to("napot-objects", looks, shows, clock)?);
        }
        Ok(Self { sights, holds, binder, objects })
    }
}

/// What was in sight when, by the stamps of the pictures.
pub(super) struct InSight {
    /// Pictures that nobody has asked after yet.
    pictures: VecDeque<Arc<InputPicture>>,
    sight: Option<Arc<InputPicture>>,
    /// Whether pictures come behind the ticks that they were seen in: those of a session.
    behind: bool,
}

impl InSight {
    pub(super) fn new(behind: bool) -> Self {
        Self { pictures: VecDeque::new(), sight: None, behind }
    }

    /// Takes a picture that was seen, in the order of time.
    pub(super) fn see(&mut self, picture: &InputPicture) {
        self.pictures.push_back(Arc::new(picture.clone()));
    }

    /// Whether all that came was asked after.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// Whether no picture can come any more that was in sight at `tick`, where ticks up to `played` were played; at the `end` none comes.
    pub(super) fn is_known(&self, tick: Tick, played: Tick, end: bool) -> bool {
        let later = self.pictures.back().is_some_and(|picture| picture.time > tick.start());
        !self.behind || later || end || played.0 >= tick.0 + PATIENCE
    }

    /// What was in sight at `tick`, of all that came; ticks are asked for in their order.
    pub(super) fn at(&mut self, tick: Tick) -> Option<Arc<InputPicture>> {
        while let Some(picture) = self.pictures.pop_front_if(|picture| picture.time <= tick.start()) {
            self.sight = Some(picture);
        }
        self.sight.clone()
    }
}

/// The keeper's part.
pub(super) struct Sights {
    /// The way to each that looks, and how many updates it did not get.
    inboxes: Vec<(Sender<Update>, Arc<AtomicU64>)>,
    in_sight: InSight,
    /// The tick of the next update.
    next: Tick,
    /// Whether one that is behind is waited for.
    waits: bool,
}

impl Sights {
    /// Those of a run from `first` on, at which nobody looks yet; pictures of a session come `behind` their ticks, and a run that is
    /// not paced `waits` for who looks.
    fn new(first: Tick, [behind, waits]: [bool; 2]) -> Self {
        Self {
            inboxes: Vec::new(),
            in_sight: InSight::new(behind),
            next: Tick(first.0.next_multiple_of(UPDATE_TICKS) + UPDATE_TICKS - 1),
            waits,
        }
    }

    /// Has `looks` look, on a thread of this name; what it makes of it goes to `shows`.
    ///
    /// # Errors
    /// Where no thread can be started.
    fn give_to<L: Looks>(
        &mut self,
        name: &str,
        looks: L,
        shows: Option<Writer<L::Picture>>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Looking<L>> {
        let figures = Told::default();
        let ((inbox, skipped), told, clock) = (self.inbox(), figures.clone(), Arc::clone(clock));
        let waited_for = self.waits;
        let thread = thread(name, move || {
            if !waited_for {
                priority::lower();
            }
            look(looks, (&inbox, &skipped), &*clock, shows, &told)
        })?;
        Ok(Looking { thread, figures })
    }

    /// The other end of the way to one that looks, and what counts what it did not get.
    fn inbox(&mut self) -> (Receiver<Update>, Arc<AtomicU64>) {
        let ((to, inbox), skipped) = (bounded(WAITING), Arc::<AtomicU64>::default());
        self.inboxes.push((to, Arc::clone(&skipped)));
        (inbox, skipped)
    }

    /// Whether anybody looks.
    pub(super) fn are_seen(&self) -> bool {
        !self.inboxes.is_empty()
    }

    /// Takes a picture that was seen, in the order of time.
    pub(super) fn see(&mut self, picture: &InputPicture) {
        if self.are_seen() {
            self.in_sight.see(picture);
        }
    }

    /// Hands on the updates up to the tick that was played last; at the `end` no picture comes any more.
    pub(super) fn hand_on(&mut self, played: Tick, end: bool) {
        while self.are_seen() && self.next <= played && self.in_sight.is_known(self.next, played, end) {
            let sight = self.in_sight.at(self.next);
            for (inbox, skipped) in &self.inboxes {
                let update = Update { tick: self.next, sight: sight.clone() };
                // One that has gone takes none, which stops nothing.
                if self.waits || end {
                    let _ = inbox.send(update);
                } else if let Err(TrySendError::Full(_)) = inbox.try_send(update) {
                    skipped.fetch_add(1, Ordering::Relaxed);
                }
            }
            self.next = Tick(self.next.0 + UPDATE_TICKS);
        }
    }
}

/// Looks update by update until no more come.
fn look<L: Looks>(
    mut looks: L,
    (inbox, skipped): (&Receiver<Update>, &AtomicU64),
    clock: &dyn Clock,
    mut shows: Option<Writer<L::Picture>>,
    told: &Told<L::Figures>,
) -> Result<L> {
    let mut spent = 0.0;
    for Update { tick, sight } in inbox {
        let Some(sight) = sight else { continue };
        let begun = clock.now();
        looks.see(tick, &sight)?;
        if let Some(writer) = &mut shows {
            writer.write(looks.picture(tick));
        }
        spent += (clock.now() - begun).as_secs_f64();
        looks.took(skipped.load(Ordering::Relaxed), 1e3 * spent);
        told.tell(looks.figures());
    }
    // What was skipped last has no update behind it.
    looks.took(skipped.load(Ordering::Relaxed), 1e3 * spent);
    Ok(looks)
}

#[cfg(test)]
mod tests;
