//! What updates those that look are given, and what they tell.

use super::*;
use crate::error::Error;
use crate::time::{ManualClock, Timestamp};

fn sights(behind: bool, waits: bool) -> (Sights, Receiver<Update>) {
    let mut sights = Sights::new(Tick(0), [behind, waits]);
    let (inbox, _) = sights.inbox();
    (sights, inbox)
}

/// The picture of a tenth of a second.
fn picture(tenth: i64) -> InputPicture {
    let time = Timestamp(100_000_000 * tenth);
    InputPicture { time, width: 1, height: 1, rgb: vec![tenth as u8; 3], ..InputPicture::default() }
}

#[test]
fn an_update_has_the_picture_that_was_in_sight_by_the_stamps() {
    let (mut sights, inbox) = sights(false, true);
    (0..3).for_each(|tenth| sights.see(&picture(tenth)));
    sights.hand_on(Tick(250), false);
    let given: Vec<(Tick, Option<Timestamp>)> =
        inbox.try_iter().map(|update| (update.tick, update.sight.map(|picture| picture.time))).collect();
    assert_eq!(given, [(Tick(99), Some(picture(0).time)), (Tick(199), Some(picture(1).time))]);
}

#[test]
fn what_comes_behind_its_tick_is_waited_for_and_not_for_ever() {
    let (mut sights, inbox) = sights(true, true);
    sights.see(&picture(0));
    sights.hand_on(Tick(300), false);
    assert!(inbox.is_empty(), "nothing tells yet what was in sight at the end of the first tenth");
    sights.see(&picture(1));
    sights.hand_on(Tick(300), false);
    assert_eq!(inbox.len(), 1);
    sights.hand_on(Tick(199 + PATIENCE), false);
    assert_eq!(inbox.len(), 2);
    sights.hand_on(Tick(599), true);
    assert_eq!(inbox.len(), 6);
}

#[test]
fn nobody_waits_for_one_that_has_gone_and_nothing_is_kept_where_nobody_looks() {
    let (mut sights, inbox) = sights(false, true);
    drop(inbox);
    sights.hand_on(Tick(100_000), false);
    let mut unseen = Sights::new(Tick(0), [false, true]);
    unseen.see(&picture(0));
    unseen.hand_on(Tick(1_000), true);
    assert!(unseen.in_sight.is_empty() && !unseen.are_seen());
}

#[test]
fn a_paced_run_skips_what_one_has_no_time_for_and_the_other_gets_it() {
    let (mut sights, slow) = sights(false, false);
    let (quick, _) = sights.inbox();
    let mut all = 0;
    for tick in (0..15).map(|tenth| 100 * tenth + 99) {
        sights.hand_on(Tick(tick), false);
        all += quick.try_iter().count();
    }
    let given: Vec<Update> = slow.try_iter().collect();
    assert_eq!((all, given.len()), (15, WAITING));
    sights.hand_on(Tick(1_599), false);
    let next = |inbox: &Receiver<Update>| inbox.try_recv().map(|update| update.tick);
    assert_eq!([next(&slow), next(&quick)], [Ok(Tick(1_599)); 2]);
    let skipped: Vec<u64> =
        sights.inboxes.iter().map(|(_, skipped)| skipped.load(Ordering::Relaxed)).collect();
    assert_eq!(skipped, [5, 0]);
}

/// Adds up what it sees; white breaks it.
#[derive(Default)]
struct Adds {
    figures: (Vec<u64>, u64),
}

impl Looks for Adds {
    type Picture = u64;
    type Figures = (Vec<u64>, u64);

    fn see(&mut self, tick: Tick, picture: &InputPicture) -> Result<()> {
        self.figures.0.push(tick.0 + u64::from(picture.rgb[0]));
        if picture.rgb[0] == 255 { Err(Error::call("a picture", "it is white")) } else { Ok(()) }
    }

    fn picture(&self, tick: Tick) -> u64 {
        tick.0
    }

    fn took(&mut self, skipped: u64, _ms: f64) {
        self.figures.1 = skipped;
    }

    fn figures(&self) -> &Self::Figures {
        &self.figures
    }
}

#[test]
fn one_that_looks_shows_and_tells_what_it_made_of_each_picture() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let mut sights = Sights::new(Tick(0), [false, true]);
    let (shows, mut shown) = crate::stream::latest::latest(&0);
    let looking = sights.give_to("adds", Adds::default(), Some(shows), &clock).unwrap();
    let told = looking.told();
    // Before the first picture there is nothing to see.
    sights.hand_on(Tick(99), false);
    (1..4).for_each(|tenth| sights.see(&picture(tenth)));
    sights.hand_on(Tick(350), true);
    drop(sights);
    let adds = looking.join().unwrap().unwrap();
    assert_eq!(adds.figures, (vec![200, 301], 0));
    assert_eq!((told.read(), *shown.read()), (adds.figures, 299));
}

#[test]
fn one_that_breaks_off_says_why() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let mut sights = Sights::new(Tick(0), [false, true]);
    let looking = sights.give_to("adds", Adds::default(), None, &clock).unwrap();
    sights.see(&InputPicture { rgb: vec![255; 3], ..picture(0) });
    sights.hand_on(Tick(5_000), true);
    drop(sights);
    assert!(looking.join().unwrap().is_err_and(|error| error.to_string().contains("it is white")));
}
