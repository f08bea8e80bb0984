//! Takes connections, lets in whom it may, and serves the page.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;

use super::accounts::{Accounts, Refusal, Teller};
use super::guard::{Ends, Guard, Names};
use super::key::Key;
use super::outbox::Outbox;
use super::protocol::{HEADER_BYTES, InControl, MAX_PICTURE_BYTES, Sense};
use super::pump::{Pump, describe};
use super::senses::Senses;
use super::{Feeds, assets, guard, viewer};
use super::{Lister, Sent};
use crate::signal::{Control, Status};

/// How often the feeds are emptied.
const TURN: Duration = Duration::from_millis(8);
/// Wishes of all pages that may wait for the engine.
const MOST_WISHES: usize = 64;
/// How often it is told what was refused, and wrong tokens are forgotten.
const LOOK: Duration = Duration::from_secs(10);
/// How long to leave a listener alone that can accept nothing (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one page server allows its clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Viewers at a time.
    pub(super) viewers: usize,
    /// Open connections at a time, those that have become viewers apart.
    pub(super) connections: usize,
    /// Time for a request's head to arrive.
    pub(super) head: Duration,
    /// Bytes of a request's head, 8192 or more.
    pub(super) head_bytes: usize,
    /// Time that a connection may stay without becoming a viewer: one that asks and never reads holds its place no longer.
    pub(super) stay: Duration,
    /// Time in which a viewer must take what is sent, and draw.
    pub(super) patience: Duration,
    /// Time for each part of a farewell.
    pub(super) farewell: Duration,
    /// Bytes of one request from a viewer.
    pub(super) request_bytes: usize,
    /// Messages from one viewer between two checks, of which there are five in `patience`.
    pub(super) requests_per_check: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            viewers: 8,
            connections: 64,
            head: Duration::from_secs(5),
            head_bytes: 16 * 1024,
            stay: Duration::from_secs(30),
            patience: Duration::from_secs(5),
            farewell: Duration::from_millis(250),
            request_bytes: 64 * 1024,
            requests_per_check: 1_000,
        }
    }
}

/// What the pump and the viewers share.
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) about: String,
    pub(super) senses: Option<Senses>,
    pub(super) sent: Option<Sent>,
    pub(super) devices: Option<Lister>,
    pub(super) accounts: Arc<Accounts>,
    bands: usize,
    places: Arc<Semaphore>,
    outboxes: Mutex<Vec<Arc<Outbox>>>,
    viewers: AtomicUsize,
    joined: AtomicBool,
    ended: AtomicBool,
    wishes: Mutex<VecDeque<Control>>,
    pages: AtomicU64,
    /// The page that is in control.
    holder: Mutex<Option<u64>>,
    status: Mutex<Option<Arc<Status>>>,
}

/// No lock here is held across a wait, and none is known to the engine.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the run wants of its pages.
fn wanted(senses: Option<&Senses>) -> Vec<Sense> {
    senses.map(Senses::wanted).unwrap_or_default()
}

impl Shared {
    fn new(feeds: &mut Feeds, limits: Limits, accounts: Arc<Accounts>) -> Self {
        let senses = feeds.senses.take();
        Self {
            limits,
            about: describe(&feeds.about, &wanted(senses.as_ref())),
            senses,
            sent: feeds.sent.take(),
            devices: feeds.devices,
            accounts,
            bands: feeds.about.band_hz.len(),
            places: Arc::new(Semaphore::new(limits.viewers)),
            outboxes: Mutex::default(),
            viewers: AtomicUsize::new(0),
            joined: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            wishes: Mutex::default(),
            pages: AtomicU64::new(1),
            holder: Mutex::default(),
            status: Mutex::default(),
        }
    }

    /// The most bytes of one message from a viewer: as many as a picture where the run wants pictures.
    fn message_bytes(&self) -> usize {
        let camera = wanted(self.senses.as_ref()).contains(&Sense::Camera);
        if camera { HEADER_BYTES + MAX_PICTURE_BYTES } else { self.limits.request_bytes }
    }

    /// A new viewer's outbox.
    pub(super) fn join(&self) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::default());
        lock(&self.outboxes).push(Arc::clone(&outbox));
        self.viewers.fetch_add(1, Ordering::AcqRel);
        self.accounts.viewer_came();
        self.joined.store(true, Ordering::Release);
        outbox
    }

    /// Forgets a viewer's outbox.
    pub(super) fn leave(&self, outbox: &Arc<Outbox>) {
        lock(&self.outboxes).retain(|other| !Arc::ptr_eq(other, outbox));
        self.viewers.fetch_sub(1, Ordering::AcqRel);
    }

    /// Viewers now.
    pub(super) fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Acquire)
    }

    /// Whether somebody joined since the last call.
    pub(super) fn take_joined(&self) -> bool {
        self.joined.swap(false, Ordering::AcqRel)
    }

    /// Calls `visit` with every viewer's outbox.
    pub(super) fn each(&self, visit: impl FnMut(&Arc<Outbox>)) {
        lock(&self.outboxes).iter().for_each(visit);
    }

    /// Whether `asked` holds for a viewer.
    pub(super) fn any(&self, asked: impl Fn(&Outbox) -> bool) -> bool {
        lock(&self.outboxes).iter().any(|outbox| asked(outbox))
    }

    /// Notes that the engine is gone.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Whether the engine is gone.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Keeps the newest status, for the farewell.
    pub(super) fn keep_status(&self, status: Arc<Status>) {
        *lock(&self.status) = Some(status);
    }

    /// The newest status.
    pub(super) fn last_status(&self) -> Option<Arc<Status>> {
        lock(&self.status).clone()
    }

    /// Keeps a wish until the pump passes it on. Of wishes for a band only the newest counts. Says whether there was room.
    pub(super) fn want(&self, wish: Control) -> bool {
        let mut wishes = lock(&self.wishes);
        if matches!(wish, Control::ShowBand(_)) {
            wishes.retain(|other| !matches!(other, Control::ShowBand(_)));
        }
        let has_room = wishes.len() < MOST_WISHES;
        if has_room {
            wishes.push_back(wish);
        }
        has_room
    }

    /// The oldest wish.
    pub(super) fn take_wish(&self) -> Option<Control> {
        lock(&self.wishes).pop_front()
    }

    /// Puts a wish back that the engine had no room for.
    pub(super) fn put_back(&self, wish: Control) {
        lock(&self.wishes).push_front(wish);
    }

    /// A number for a page that has come.
    pub(super) fn number(&self) -> u64 {
        self.pages.fetch_add(1, Ordering::Relaxed)
    }

    /// Who is in control as a page sees it.
    pub(super) fn control(&self, page: u64) -> InControl {
        match *lock(&self.holder) {
            None => InControl::Nobody,
            Some(holder) if holder == page => InControl::Own,
            Some(_) => InControl::Other,
        }
    }

    /// Whether there is a band of this number.
    pub(super) fn has_band(&self, band: u8) -> bool {
        usize::from(band) < self.bands
    }

    /// Takes control for a page: where nobody has it, or from whoever has if it insists. Says whether the page has it.
    pub(super) fn take_control(&self, page: u64, insists: bool) -> bool {
        let mut holder = lock(&self.holder);
        if insists || holder.is_none() {
            *holder = Some(page);
        }
        *holder == Some(page)
    }

    /// Gives control back, where a page has it.
    pub(super) fn give_control(&self, page: u64) {
        let mut holder = lock(&self.holder);
        holder.take_if(|holder| *holder == page);
    }
}

/// Who is let in, and where that is counted.
pub(super) struct Access {
    /// The names of the server.
    pub(super) names: Names,
    /// The token, where one is demanded.
    pub(super) key: Option<Arc<Key>>,
    /// The counts.
    pub(super) accounts: Arc<Accounts>,
}

/// Serves until told to stop. Returns soon after that, whatever its viewers do.
pub(super) fn run(
    runtime: &Runtime,
    listener: TcpListener,
    mut feeds: Feeds,
    limits: Limits,
    access: Access,
    stopped: &watch::Receiver<bool>,
) {
    let Access { names, key, accounts } = access;
    let shared = Arc::new(Shared::new(&mut feeds, limits, Arc::clone(&accounts)));
    let pump = Pump::new(feeds, Arc::clone(&shared));
    let guard = Guard::new(names, key.clone(), &wanted(shared.senses.as_ref()), Arc::clone(&accounts));
    runtime.block_on(async {
        tokio::spawn(empty_feeds(pump));
        tokio::spawn(look_after(Arc::clone(&accounts), key));
        let app = router(guard, Arc::clone(&shared), stopped.clone());
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => accept(&listener, &app, limits, &accounts, stopped.clone()).await,
            Err(cause) => tracing::error!("the page can't be served: {cause}"),
        }
        say_goodbye(&shared).await;
    });
}

async fn empty_feeds(mut pump: Pump) {
    let mut turns = tokio::time::interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let bell = pump.bell();
    loop {
        tokio::select! {
            _ = turns.tick() => {}
            () = bell.rung() => {}
        }
        pump.turn();
    }
}

/// Tells what was refused, a line at a time, and lets those try again who showed wrong tokens.
async fn look_after(accounts: Arc<Accounts>, key: Option<Arc<Key>>) {
    let mut teller = Teller::default();
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        if let Some(line) = teller.line(&accounts) {
            tracing::warn!("{line}");
        }
        if let Some(key) = &key {
            key.forget_tries();
        }
    }
}

/// Viewers have heard the stop themselves: waits for their farewells, but not for a paused one.
async fn say_goodbye(shared: &Shared) {
    let all_left = async {
        while shared.viewers() > 0 {
            tokio::time::sleep(TURN).await;
        }
    };
    let _ = tokio::time::timeout(shared.limits.farewell * 3, all_left).await;
}

async fn accept(
    listener: &tokio::net::TcpListener,
    app: &Router,
    limits: Limits,
    accounts: &Arc<Accounts>,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // An error means that the handle is gone, which is a stop too.
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // One too many is closed at once: it is not worth an answer.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            accounts.refuse(Refusal::Connections);
            continue;
        };
        // A connection that is gone already has no address of its own.
        let Ok(local) = stream.local_addr() else { continue };
        let ends = Ends { peer: peer.ip(), local: local.ip() };
        let (app, accounts) = (app.clone(), Arc::clone(accounts));
        tokio::spawn(async move {
            converse(stream, ends, app, limits, &accounts).await;
            drop(place);
        });
    }
}

/// Answers the requests of one connection, until it becomes a WebSocket or ends.
async fn converse(stream: TcpStream, ends: Ends, app: Router, limits: Limits, accounts: &Accounts) {
    // Small messages must not wait for more; where that can't be set they are only later.
    let _ = stream.set_nodelay(true);
    let app = TowerToHyperService::new(app);
    let asked = AtomicBool::new(false);
    let service = hyper::service::service_fn(|mut request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ends);
        app.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    match tokio::time::timeout(limits.stay, connection).await {
        Ok(Ok(())) => {}
        // One that had its answers and asks for no more is done, not late.
        Ok(Err(error)) if error.is_timeout() && asked.load(Ordering::Relaxed) => {}
        Ok(Err(error)) if error.is_timeout() => accounts.refuse(Refusal::Late),
        Ok(Err(error)) if error.is_parse() => accounts.refuse(Refusal::Garbage),
        Ok(Err(error)) => tracing::debug!("a connection to the page broke off: {error}"),
        Err(_) => accounts.refuse(Refusal::Late),
    }
}

#[derive(Clone)]
struct Server {
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
    /// The version of the page that this program serves.
    page: Arc<str>,
}

fn router(guard: Guard, shared: Arc<Shared>, stopped: watch::Receiver<bool>) -> Router {
    let page: Arc<str> = assets::version().into();
    let mut router = Router::new().route("/socket", get(open_socket));
    for asset in assets::ASSETS {
        let bytes = asset.served(&page);
        let answer = || async { ([(header::CONTENT_TYPE, asset.kind)], bytes) };
        router = router.route(asset.path, get(answer));
    }
    let accounts = &shared.accounts;
    let refused = |why, code, told: &'static str| {
        let accounts = Arc::clone(accounts);
        move || async move {
            accounts.refuse(why);
            (code, told)
        }
    };
    router
        .fallback(refused(Refusal::Path, StatusCode::NOT_FOUND, "The page has no such file.\n"))
        .method_not_allowed_fallback(refused(
            Refusal::Method,
            StatusCode::METHOD_NOT_ALLOWED,
            "Files are only read here, by GET; a run is controlled by the WebSocket.\n",
        ))
        .layer(axum::middleware::from_fn_with_state(Arc::new(guard), guard::guard))
        .with_state(Server { shared, stopped, page })
}

/// Whether a page of another program asks: one that says another version, or a browser's that says none.
fn is_old(query: Option<&str>, headers: &HeaderMap, page: &str) -> bool {
    let said = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("page=")));
    said.map_or(headers.contains_key(header::ORIGIN), |said| said != page)
}

async fn open_socket(
    State(Server { shared, stopped, page }): State<Server>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let refuse = |why, code, told: String| {
        shared.accounts.refuse(why);
        (code, told).into_response()
    };
    let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
        let told = format!("{} viewers are watching already.\n", shared.limits.viewers);
        return refuse(Refusal::Viewers, StatusCode::SERVICE_UNAVAILABLE, told);
    };
    // A page whose socket did not open comes here to read why; with nothing amiss it reads this.
    let Ok(upgrade) = upgrade else {
        let told = "This is a WebSocket, for a program that speaks it.\n".to_owned();
        return refuse(Refusal::Upgrade, StatusCode::UPGRADE_REQUIRED, told);
    };
    if is_old(query.as_deref(), &headers, &page) {
        shared.accounts.refuse(Refusal::OldPage);
        let patience = shared.limits.farewell;
        return upgrade.on_upgrade(move |socket| viewer::turn_away(socket, patience));
    }
    let bytes = shared.message_bytes();
    upgrade.max_message_size(bytes).max_frame_size(bytes).on_upgrade(move |socket| async move {
        viewer::serve(socket, shared, stopped).await;
        drop(place);
    })
}
