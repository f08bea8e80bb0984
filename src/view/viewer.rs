//! One viewer's WebSocket: credits, time limits, requests.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::accounts::Refusal;
use super::outbox::{Next, Outbox};
use super::protocol::{self, Answer, Figures, Kind, Request, Sense};
use super::server::{Limits, Shared};
use crate::readout::signature::known::check_name;
use crate::signal::{Control, DeviceKind, DeviceListing, Status};

/// Field frames that may be under way: one that is being drawn and one that travels. More would only
/// grow old in the buffers between.
const CREDITS: usize = 2;
/// Parameters in one request.
const MOST_VALUES: usize = 32;
/// Thousandths of real time.
const SPEEDS: std::ops::RangeInclusive<u32> = 10..=1_000;
/// Characters of a note.
const MOST_CHARACTERS: usize = 200;
/// The share of the patience after which a viewer's progress is looked at again.
const CHECKS: u32 = 5;

/// Why a viewer's connection ends.
enum End {
    /// The viewer left, or its connection broke.
    Left,
    /// It took nothing for too long.
    Paused,
    /// It asked for what is not allowed: what that is, a close code and a reason.
    Refused(Refusal, u16, &'static str),
    /// The server ends.
    Stopped,
}

const TOO_LONG: End = End::Refused(Refusal::TooLong, close_code::SIZE, "the message is too long");
const NOT_KNOWN: End = End::Refused(Refusal::Unknown, close_code::POLICY, "not a message that is known here");
const NO_BAND: End = End::Refused(Refusal::Unknown, close_code::POLICY, "there is no band of this number");
const NO_NAME: End =
    End::Refused(Refusal::Unknown, close_code::POLICY, "a device's name has up to 256 bytes");
const NO_DEVICES: End =
    End::Refused(Refusal::Unknown, close_code::POLICY, "this run has no devices to choose from");
const NOT_JSON: End = End::Refused(Refusal::Unknown, close_code::UNSUPPORTED, "requests are JSON");
const NOT_WANTED: End =
    End::Refused(Refusal::NotWanted, close_code::POLICY, "this run wants no such device of its pages");
const FLOOD: End = End::Refused(Refusal::Flood, close_code::POLICY, "too many requests");
const BROKEN_FRAME: End = End::Refused(Refusal::BrokenFrame, close_code::PROTOCOL, "not a WebSocket frame");
const NOT_UTF_8: End = End::Refused(Refusal::BrokenFrame, close_code::INVALID, "the text is not UTF-8");
/// Closes a page that is not of this program; of the codes that RFC 6455 leaves to applications.
const OLD_PAGE: u16 = 4001;
/// Bytes of a device's name.
const NAME_BYTES: usize = 256;

struct Viewer<'a> {
    /// Its number among the pages that have come.
    page: u64,
    socket: WebSocket,
    outbox: Arc<Outbox>,
    shared: &'a Shared,
    under_way: VecDeque<u64>,
    field_broke_off: bool,
    status_sequence: u64,
    answers: u64,
    requests: u32,
    /// What this page gives.
    gives: Vec<Sense>,
    /// The devices that are being listed for it.
    listing: Option<JoinHandle<Vec<DeviceListing>>>,
    /// The kind that it asked for meanwhile.
    listed_next: Option<DeviceKind>,
}

/// Serves one viewer until it leaves, stalls, misbehaves, or the server stops.
pub(super) async fn serve(socket: WebSocket, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let outbox = shared.join();
    let mut viewer = Viewer {
        page: shared.number(),
        socket,
        outbox: Arc::clone(&outbox),
        shared: &shared,
        under_way: VecDeque::with_capacity(CREDITS),
        field_broke_off: false,
        status_sequence: 0,
        answers: 0,
        requests: 0,
        gives: Vec::new(),
        listing: None,
        listed_next: None,
    };
    let end = viewer.run(&mut stopped).await;
    match end {
        End::Refused(why, ..) => shared.accounts.refuse(why),
        End::Paused => shared.accounts.refuse(Refusal::Paused),
        End::Left | End::Stopped => {}
    }
    // Before the farewell, which may take its time: the next page may give at once.
    viewer.give_up();
    viewer.close(&end).await;
    let counts = outbox.close(viewer.field_broke_off);
    shared.accounts.viewer_left(&counts);
    shared.leave(&outbox);
    tracing::debug!(
        produced = counts.produced,
        delivered = counts.delivered,
        dropped = counts.dropped,
        "a viewer left"
    );
}

impl Viewer<'_> {
    async fn run(&mut self, stopped: &mut watch::Receiver<bool>) -> End {
        let about = protocol::json(Kind::About, &self.shared.about, 1, 0);
        if let Err(end) = self.send(Message::Binary(about)).await {
            return end;
        }
        let Limits { patience, requests_per_check, .. } = self.shared.limits;
        let mut checks = tokio::time::interval(patience / CHECKS);
        let mut idle_checks = 0;
        let mut oldest = None;
        loop {
            while let Some(next) = self.outbox.take(self.under_way.len() < CREDITS) {
                if let Err(end) = self.send_next(next).await {
                    return end;
                }
            }
            tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => if let Err(end) = self.receive(message).await { return end },
                    Some(Err(error)) => return fault(&error),
                    None => return End::Left,
                },
                () = self.outbox.filled() => {}
                _ = checks.tick() => {
                    // All credits out, and the oldest still the one of the last check: it draws nothing.
                    let stuck = self.under_way.len() >= CREDITS && oldest == self.under_way.front().copied();
                    idle_checks = if stuck { idle_checks + 1 } else { 0 };
                    oldest = self.under_way.front().copied();
                    if idle_checks >= CHECKS {
                        return End::Paused;
                    }
                    if self.requests > requests_per_check {
                        return FLOOD;
                    }
                    self.requests = 0;
                }
                found = listed(&mut self.listing) => {
                    self.listing = None;
                    if let Some(kind) = self.listed_next.take() {
                        self.list(kind);
                    }
                    if let Err(end) = self.answer(&Answer::Devices { devices: found }).await {
                        return end;
                    }
                }
                _ = stopped.changed() => return End::Stopped,
            }
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(self.shared.limits.patience, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Left),
            Err(_) => Err(End::Paused),
        }
    }

    async fn send_next(&mut self, next: Next) -> Result<(), End> {
        match next {
            Next::Ready(bytes) => self.send(Message::Binary(bytes)).await,
            Next::Status(status) => {
                let message = self.status(Some(&status), self.shared.has_ended());
                self.send(message).await
            }
            Next::Field { sequence, field, pictures } => {
                self.field_broke_off = true;
                for picture in pictures.into_iter().flatten() {
                    self.send(Message::Binary(picture)).await?;
                }
                self.send(Message::Binary(field.bytes)).await?;
                if let Some((captured, sent)) = field.captured.zip(self.shared.sent.as_ref()) {
                    sent(captured);
                }
                self.field_broke_off = false;
                self.under_way.push_back(sequence);
                Ok(())
            }
        }
    }

    fn status(&mut self, status: Option<&Status>, ended: bool) -> Message {
        self.status_sequence += 1;
        let figures = Figures {
            status,
            ended,
            viewers: self.shared.viewers(),
            control: self.shared.control(self.page),
            viewer: self.outbox.counts(),
            refused: self.shared.accounts.refused(),
        };
        let text = serde_json::to_string(&figures).unwrap_or_else(|_| "{}".into());
        Message::Binary(protocol::json(Kind::Status, &text, self.status_sequence, 0))
    }

    async fn receive(&mut self, message: Message) -> Result<(), End> {
        self.requests += 1;
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Err(End::Left),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Binary(bytes) => return self.take(&bytes).await,
        };
        if text.len() > self.shared.limits.request_bytes {
            return Err(TOO_LONG);
        }
        // A list of values would pass for the parts of a request in their order.
        let object = Some(&text).filter(|text| text.trim_start().starts_with('{'));
        let Some(request) = object.and_then(|text| serde_json::from_str::<Request>(text).ok()) else {
            return Err(NOT_KNOWN);
        };
        self.look(&request)?;
        self.talk_of_senses(&request).await?;
        self.control(request).await
    }

    /// What a page asks of its own view, and what anyone may ask.
    fn look(&mut self, request: &Request) -> Result<(), End> {
        if let Some(drawn) = request.ack {
            while self.under_way.front().is_some_and(|sequence| *sequence <= drawn) {
                self.under_way.pop_front();
            }
        }
        if let Some(wanted) = request.sound {
            self.outbox.set_sound(wanted);
        }
        if request.band.is_some_and(|band| !self.shared.has_band(band)) {
            return Err(NO_BAND);
        }
        if request.device.as_ref().is_some_and(|(_, name)| name.len() > NAME_BYTES) {
            return Err(NO_NAME);
        }
        if request.keep == Some(true) {
            self.shared.want(Control::KeepLast);
        }
        if let Some(kind) = request.devices {
            self.shared.devices.ok_or(NO_DEVICES)?;
            // One question at a time is enough; the newest waits for its turn.
            if self.listing.is_some() {
                self.listed_next = Some(kind);
            } else {
                self.list(kind);
            }
        }
        Ok(())
    }

    /// Lists the devices of a kind. They answer when they like: nobody waits for them.
    fn list(&mut self, kind: DeviceKind) {
        let lister = self.shared.devices;
        self.listing = lister.map(|lister| tokio::task::spawn_blocking(move || lister(kind)));
    }

    /// What a page asks of the run itself: one page at a time may.
    async fn control(&mut self, request: Request) -> Result<(), End> {
        if request.control == Some(true) {
            self.shared.take_control(self.page, true);
        }
        let gives = request.control == Some(false);
        let wishes = match wishes(request) {
            Ok(wishes) => wishes,
            Err(refused) => return self.answer(&Answer::Refused { refused }).await,
        };
        if !wishes.is_empty() && !self.shared.take_control(self.page, false) {
            return self.answer(&Answer::Refused { refused: "another page is in control" }).await;
        }
        if gives {
            self.shared.give_control(self.page);
        }
        for wish in wishes {
            if !self.shared.want(wish) {
                return self.answer(&Answer::Refused { refused: "too many wishes wait" }).await;
            }
        }
        Ok(())
    }

    /// What a page asks about its device.
    async fn talk_of_senses(&mut self, request: &Request) -> Result<(), End> {
        let asked = (request.clock, request.begin, request.end);
        if asked == (None, None, None) {
            return Ok(());
        }
        let Some(senses) = &self.shared.senses else { return Err(NOT_WANTED) };
        if let Some(asked) = request.clock {
            self.answer(&Answer::Clock { asked, now: senses.now().0 }).await?;
        }
        if let Some(sense) = request.end
            && let Some(at) = self.gives.iter().position(|given| *given == sense)
        {
            self.gives.swap_remove(at);
            senses.end(sense, "the page gives it no more");
        }
        if let Some(sense) = request.begin {
            let mut granted = self.gives.contains(&sense);
            if !granted {
                granted = senses.begin(sense).ok_or(NOT_WANTED)?;
                self.gives.extend(granted.then_some(sense));
            }
            self.answer(&Answer::Giving { sense, granted }).await?;
        }
        Ok(())
    }

    /// Takes what a page gives; what is still under way when it ended is passed over.
    async fn take(&mut self, bytes: &Bytes) -> Result<(), End> {
        let Some(senses) = &self.shared.senses else {
            return Err(NOT_JSON);
        };
        let given = protocol::given(bytes).ok_or(NOT_KNOWN)?;
        if self.gives.contains(&given.sense) {
            senses.take(&given);
        }
        match given.sense {
            Sense::Camera => self.answer(&Answer::Picture { picture: given.sequence }).await,
            Sense::Microphone => Ok(()),
        }
    }

    async fn answer(&mut self, answer: &Answer) -> Result<(), End> {
        self.answers += 1;
        let text = serde_json::json!(answer).to_string();
        self.send(Message::Binary(protocol::json(Kind::Answer, &text, self.answers, 0))).await
    }

    /// Gives no more: another page may.
    fn give_up(&mut self) {
        for sense in self.gives.drain(..) {
            self.shared.senses.iter().for_each(|senses| senses.end(sense, "its page has left"));
        }
        self.shared.give_control(self.page);
    }

    /// Says why, where there is still somebody to say it to.
    async fn close(&mut self, end: &End) {
        let (code, reason) = match end {
            End::Left => return,
            End::Paused => (close_code::AGAIN, "nothing was drawn for too long"),
            End::Refused(_, code, reason) => (*code, *reason),
            End::Stopped => (close_code::AWAY, "the run has ended"),
        };
        let patience = self.shared.limits.farewell;
        if matches!(end, End::Stopped) {
            let message = self.status(self.shared.last_status().as_deref(), true);
            if !matches!(timeout(patience, self.socket.send(message)).await, Ok(Ok(()))) {
                return;
            }
        }
        let frame = CloseFrame { code, reason: reason.into() };
        // Whoever does not take the farewell is left without it.
        let _ = timeout(patience, self.socket.send(Message::Close(Some(frame)))).await;
    }
}

/// The devices of a listing that is under way; never where none is.
async fn listed(listing: &mut Option<JoinHandle<Vec<DeviceListing>>>) -> Vec<DeviceListing> {
    match listing {
        Some(listing) => listing.await.unwrap_or_default(),
        None => std::future::pending().await,
    }
}

/// What a request asks of the run, checked as far as that can be done without it.
fn wishes(request: Request) -> Result<Vec<Control>, &'static str> {
    let mut wishes = Vec::new();
    wishes.extend(request.band.map(Control::ShowBand));
    wishes.extend(request.difference.map(Control::ShowDifference));
    wishes.extend(request.device.map(|(kind, name)| Control::UseDevice(kind, name)));
    wishes.extend(request.mute.map(Control::Mute));
    if let Some(values) = request.set {
        if values.len() > MOST_VALUES {
            return Err("too many parameters at once");
        }
        wishes.push(Control::Set(values.into_iter().collect()));
    }
    wishes.extend(request.poke.map(Control::Poke));
    if let Some(speed) = request.speed {
        if !SPEEDS.contains(&speed) {
            return Err("the speed is out of bounds: 10 to 1000 thousandths");
        }
        wishes.push(Control::Speed(speed));
    }
    wishes.extend(request.pause.map(Control::Pause));
    wishes.extend(request.step.filter(|step| *step).map(|_| Control::Step));
    wishes.extend(request.hold.map(|(array, held)| Control::Hold(array, held)));
    if let Some(text) = request.annotate {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > MOST_CHARACTERS || text.chars().any(char::is_control) {
            return Err("a note has 1 to 200 characters on one line");
        }
        wishes.push(Control::Annotate(text.to_owned()));
    }
    if let Some(name) = request.teach {
        let name = name.trim();
        if check_name(name).is_err() {
            return Err("a name has 1 to 64 characters on one line");
        }
        wishes.push(Control::Teach(name.to_owned()));
    }
    Ok(wishes)
}

/// Tells a page of another program so.
pub(super) async fn turn_away(mut socket: WebSocket, patience: std::time::Duration) {
    let reason = "this page is older than the program: reload it";
    let frame = CloseFrame { code: OLD_PAGE, reason: reason.into() };
    let _ = timeout(patience, socket.send(Message::Close(Some(frame)))).await;
}

/// What an error of the socket is: the viewer's doing, on a connection that still takes an answer, or its end. The
/// library beneath keeps its kinds to itself, so its words are looked at.
fn fault(error: &axum::Error) -> End {
    let told = error.to_string();
    if told.starts_with("Space limit exceeded") {
        TOO_LONG
    } else if told.starts_with("UTF-8 encoding error") {
        NOT_UTF_8
    } else if told.starts_with("WebSocket protocol error") && !told.contains("without closing handshake") {
        BROKEN_FRAME
    } else {
        End::Left
    }
}
