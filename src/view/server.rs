//! Listens on the loopback address, lets in whom it may, and serves the page.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;

use super::Sent;
use super::outbox::Outbox;
use super::protocol::{HEADER_BYTES, InControl, MAX_PICTURE_BYTES, Sense};
use super::pump::{Pump, describe};
use super::senses::Senses;
use super::{DEFAULT_PORT, Feeds, assets, guard, viewer};
use crate::error::{Error, Kind, Result};
use crate::signal::Control;

/// Ports tried after the default one.
const MORE_PORTS: u16 = 10;
/// How often the feeds are emptied.
const TURN: Duration = Duration::from_millis(8);
/// Wishes of all pages that may wait for the engine.
const MOST_WISHES: usize = 64;
/// How long to leave a listener alone that can accept nothing (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one page server allows its clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Viewers at a time.
    pub(super) viewers: usize,
    /// Open connections at a time, viewers included.
    pub(super) connections: usize,
    /// Time for a request's head to arrive.
    pub(super) head: Duration,
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
    status: Mutex<Arc<str>>,
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
    fn new(feeds: &mut Feeds, limits: Limits) -> Self {
        let senses = feeds.senses.take();
        Self {
            limits,
            about: describe(&feeds.about, &wanted(senses.as_ref())),
            senses,
            sent: feeds.sent.take(),
            bands: feeds.about.band_hz.len(),
            places: Arc::new(Semaphore::new(limits.viewers)),
            outboxes: Mutex::default(),
            viewers: AtomicUsize::new(0),
            joined: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            wishes: Mutex::default(),
            pages: AtomicU64::new(1),
            holder: Mutex::default(),
            status: Mutex::new("null".into()),
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
    pub(super) fn keep_status(&self, status: Arc<str>) {
        *lock(&self.status) = status;
    }

    /// The newest status, as JSON.
    pub(super) fn last_status(&self) -> Arc<str> {
        Arc::clone(&lock(&self.status))
    }

    /// Keeps a wish until the pump passes it on. Of wishes for a band only the newest counts; one for a band that does not
    /// exist is ignored. Says whether there was room.
    pub(super) fn want(&self, wish: Control) -> bool {
        let mut wishes = lock(&self.wishes);
        if let Control::ShowBand(band) = wish {
            if usize::from(band) >= self.bands {
                return true;
            }
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

/// A listener on 127.0.0.1 at `port`: 0 for any; the default one or the first free of those after it.
///
/// # Errors
/// Where the port, or every port tried, is taken.
pub(super) fn listen(port: u16) -> Result<TcpListener> {
    let last = if port == DEFAULT_PORT { port + MORE_PORTS } else { port };
    let mut cause = None;
    for candidate in port..=last {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, candidate))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        match listener {
            Ok(listener) => return Ok(listener),
            Err(error) => cause = Some(error),
        }
    }
    let problem = match cause {
        Some(cause) if cause.kind() == std::io::ErrorKind::AddrInUse => "the port is taken".to_owned(),
        Some(cause) => format!("the port can't be listened on ({cause})"),
        None => "there is no port to try".to_owned(),
    };
    let tried = if last == port { port.to_string() } else { format!("{port} to {last}") };
    Err(Error::new(Kind::Device, "view.port", problem)
        .value(tried)
        .bound("a free port on 127.0.0.1; 0 takes any")
        .help("End the program that has it, or set view.port=0; --no-view runs without a page."))
}

/// Serves until told to stop. Returns soon after that, whatever its viewers do.
pub(super) fn run(
    runtime: &Runtime,
    listener: TcpListener,
    mut feeds: Feeds,
    limits: Limits,
    stopped: &watch::Receiver<bool>,
) {
    let port = listener.local_addr().map_or(0, |address| address.port());
    let shared = Arc::new(Shared::new(&mut feeds, limits));
    let pump = Pump::new(feeds, Arc::clone(&shared));
    runtime.block_on(async {
        tokio::spawn(empty_feeds(pump));
        let app = router(port, Arc::clone(&shared), stopped.clone());
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => accept(&listener, &app, limits, stopped.clone()).await,
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
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // An error means that the handle is gone, which is a stop too.
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // One too many is closed at once: it is not worth an answer.
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let app = app.clone();
            tokio::spawn(async move {
                converse(stream, app, limits).await;
                drop(place);
            });
        }
    }
}

async fn converse(stream: TcpStream, app: Router, limits: Limits) {
    // Small messages must not wait for more; where that can't be set they are only later.
    let _ = stream.set_nodelay(true);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!("a connection to the page broke off: {error}");
    }
}

#[derive(Clone)]
struct Server {
    port: u16,
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
}

fn router(port: u16, shared: Arc<Shared>, stopped: watch::Receiver<bool>) -> Router {
    let mut router = Router::new().route("/socket", get(open_socket));
    for asset in assets::ASSETS {
        let answer = || async { ([(header::CONTENT_TYPE, asset.kind)], asset.bytes) };
        router = router.route(asset.path, get(answer));
    }
    let guard = guard::Guard::new(port, &wanted(shared.senses.as_ref()));
    router.layer(axum::middleware::from_fn_with_state(guard, guard::guard)).with_state(Server {
        port,
        shared,
        stopped,
    })
}

async fn open_socket(
    State(server): State<Server>,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !guard::may_open(&headers, server.port) {
        return (StatusCode::FORBIDDEN, "Only NAPOT's own page may open this.\n").into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let Ok(place) = Arc::clone(&server.shared.places).try_acquire_owned() else {
        let told = format!("{} viewers are watching already.\n", server.shared.limits.viewers);
        return (StatusCode::SERVICE_UNAVAILABLE, told).into_response();
    };
    let bytes = server.shared.message_bytes();
    upgrade.max_message_size(bytes).max_frame_size(bytes).on_upgrade(move |socket| async move {
        viewer::serve(socket, server.shared, server.stopped).await;
        drop(place);
    })
}
