//! The page and its server: shows a run in a browser, on this machine unless asked otherwise, and never holds it up.
//!
//! | file | job |
//! |---|---|
//! | `listen` | the address and port that are listened on, and the URL that is told |
//! | `server` | takes connections, lets in whom it may, serves the page |
//! | `guard` | who may ask (Host, Origin, token) and with which headers the answers go out |
//! | `key` | the token that every address but the loopback one demands |
//! | `accounts` | whom the server served, and what it refused, by kind |
//! | `assets` | the page's files, embedded |
//! | `pump` | takes what the engine publishes, shares it among the viewers |
//! | `outbox` | what waits for one viewer: bounded, the newest first, every loss counted |
//! | `viewer` | one viewer's WebSocket: credits, time limits, requests |
//! | `protocol` | the bytes on that WebSocket |
//! | `messages` | the page's types of those bytes' JSON, `page/messages.d.ts`, made from ours by a test |
//! | `terminal` | a run in a terminal instead of the page |
//! | `senses` | what pages give of their cameras and microphones, and who may give |
//!
//! To add a message: give it a kind in `protocol`, a place in `outbox`, name it in `messages` where it is JSON, and decode
//! it in `page/wire.js`.
//! To add a panel: write its module in `page/`, list it in `assets`, and hand it its message in `page/main.js`.

mod accounts;
mod assets;
mod guard;
mod key;
mod listen;
#[cfg(test)]
mod messages;
mod outbox;
mod protocol;
mod pump;
mod senses;
mod server;
pub mod terminal;
#[cfg(test)]
mod tests;
mod viewer;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use tokio::sync::{Notify, watch};

use self::accounts::Accounts;
pub use self::accounts::ViewFigures;
use self::key::Key;
pub use self::senses::{FromPages, Senses};
use crate::error::{Error, Kind, Result};
use crate::signal::{
    BindingPicture, Control, DeviceKind, DeviceListing, ElectrodePlace, FieldFrame, Hands, InputPicture,
    MindPicture, ObjectsPicture, SheetShape, Stamp, Status, TraceChunk,
};
use crate::stream::{latest, ring};

/// The port that is asked for where none is named; if it is taken, one of the next ten is used.
pub const DEFAULT_PORT: u16 = 8787;

/// The lowest port that needs no privilege.
const FIRST_FREE_PORT: u16 = 1024;

/// Where the page is served and whether a browser is opened on it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ViewParameters {
    /// The address to listen on: the loopback address, another one of this machine, or 0.0.0.0 or :: for all that it
    /// has. Any but a loopback address demands a token of everybody who asks; the page's address holds it.
    pub listen: IpAddr,
    /// Names by which pages may call this machine besides its address, at most 16; only where `listen` is not a
    /// loopback address.
    pub hosts: Vec<String>,
    /// The TCP port: 0 for any free one, else 1024 to 65535. The default, 8787, is a wish:
    /// where it is taken, one of the next ten is used. Any other port is used or refused.
    pub port: u16,
    /// Whether to open the page in the desktop's browser; only on a loopback address.
    pub open: bool,
}

impl Default for ViewParameters {
    fn default() -> Self {
        Self { listen: Ipv4Addr::LOCALHOST.into(), hosts: Vec::new(), port: DEFAULT_PORT, open: false }
    }
}

impl ViewParameters {
    /// Checks the values.
    ///
    /// # Errors
    /// Where the port needs a privilege, a host's name is none, or a browser is to be opened with a token.
    pub fn check(&self) -> Result<()> {
        if self.port != 0 && self.port < FIRST_FREE_PORT {
            return Err(Error::configuration("view.port", "the port needs a privilege")
                .value(self.port)
                .bound("0 for any free port, or 1024 to 65535"));
        }
        listen::check(self)
    }

    /// Whether everybody who asks must show the token: anywhere but on a loopback address.
    #[must_use]
    pub fn demands_token(&self) -> bool {
        !self.listen.to_canonical().is_loopback()
    }
}

/// What a run is, for the page's head and its axes.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct About {
    /// What runs, for people: `demo`, a file's name.
    pub title: String,
    /// The engine's version.
    pub version: String,
    /// The seed; sent as text, since a script's numbers end at 2^53.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(test, ts(as = "String"))]
    pub seed: u64,
    /// Every array's name and sheet, in the order of their [`crate::signal::ArrayId`]. The first is shown
    /// large. One named `hearing` is drawn with row 0, its lowest pitch, at the bottom.
    pub arrays: Vec<(String, SheetShape)>,
    /// The bands' centre frequencies in Hz, slowest first.
    pub band_hz: Vec<f32>,
    /// One line per source: what it is and in which format.
    pub sources: Vec<String>,
    /// Whether every array has a twin that nothing drives.
    pub twin: bool,
    /// The electrodes' places, in the order of their traces.
    pub electrodes: Vec<ElectrodePlace>,
    /// Lowest and highest pitch of the sheet named `hearing` in Hz; its rows lie between them evenly in ERB number.
    pub pitch_hz: [f64; 2],
    /// What people may do while it runs.
    pub hands: Hands,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference
fn as_text<S: serde::Serializer>(seed: &u64, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(seed)
}

/// Wakes the page's pump.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// There is something new.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Returns once it has rung since the last time.
    async fn rung(&self) {
        self.0.notified().await;
    }
}

/// What is told that a picture, captured at this stamp on the run's clock, is on its way to a viewer in a field frame.
pub type Sent = Box<dyn Fn(Stamp) + Send + Sync>;

/// Lists the devices of a kind; may take seconds.
pub type Lister = fn(DeviceKind) -> Vec<DeviceListing>;

/// The reading ends of what the engine publishes, and the way back to it.
///
/// All are emptied whether anybody watches or not. The run counts as ended once the traces' sender
/// and the sound's producer are both gone.
pub struct Feeds {
    /// The field, about 30 times a second.
    pub field: latest::Reader<FieldFrame>,
    /// What comes in, at most 256 pixels wide and high.
    pub input: latest::Reader<InputPicture>,
    /// What the mind's eye has before it, at most 10 times a second.
    pub mind: latest::Reader<MindPicture>,
    /// What arrays bind, at most 10 times a second.
    pub binding: latest::Reader<BindingPicture>,
    /// What stands out.
    pub objects: latest::Reader<ObjectsPicture>,
    /// The figures, about 5 times a second.
    pub status: latest::Reader<Status>,
    /// The electrodes, about every 50 ms.
    pub traces: crossbeam_channel::Receiver<TraceChunk>,
    /// The sound at 48 kHz, full scale 1, left and right.
    pub sound: ring::Consumer<[f32; 2]>,
    /// What the page asks for. A full channel keeps the newest request waiting here.
    pub control: crossbeam_channel::Sender<Control>,
    /// The senses that the run takes from its pages; with `None` no page offers a device.
    pub senses: Option<Senses>,
    /// Rung by whoever publishes the field, so that it leaves at once.
    pub bell: Bell,
    /// Says to whoever paints the field whether anybody looks.
    pub watched: Arc<AtomicBool>,
    /// Told of every field frame that is on its way to a viewer, where a picture had just entered it.
    pub sent: Option<Sent>,
    /// Lists the devices that a page may choose from, where the run has any.
    pub devices: Option<Lister>,
    /// What the run is.
    pub about: About,
}

/// A page that is being served. Dropping it ends the server too, without waiting for that.
pub struct Running {
    address: SocketAddr,
    key: Option<Arc<Key>>,
    accounts: Arc<Accounts>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Running {
    /// The address that is listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page's address for people. Where a token is demanded it is part of it: show it to nobody else.
    #[must_use]
    pub fn url(&self) -> String {
        listen::url(self.address, self.key.as_deref().map(Key::token))
    }

    /// What was served and refused so far.
    #[must_use]
    pub fn figures(&self) -> ViewFigures {
        self.accounts.figures()
    }

    /// Tells the viewers that the run has ended, and ends the server within a second. Returns what it did.
    pub fn stop(mut self) -> ViewFigures {
        // No receiver means that the thread has ended already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the page's server had failed");
        }
        self.figures()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// An address that is held for a page: who asks there waits until it is served.
#[derive(Debug)]
pub struct Bound {
    parameters: ViewParameters,
    listener: TcpListener,
}

/// Takes the page's address.
///
/// # Errors
/// Where it is not this machine's, or the port needs a privilege or is taken.
pub fn bind(parameters: &ViewParameters) -> Result<Bound> {
    parameters.check()?;
    let listener = listen::listen(parameters.listen, parameters.port)?;
    Ok(Bound { parameters: parameters.clone(), listener })
}

impl Bound {
    /// Where the page will be served.
    #[must_use]
    pub fn parameters(&self) -> &ViewParameters {
        &self.parameters
    }
}

/// Starts the page's server on a thread of its own.
///
/// # Errors
/// Where the system gives no thread or no randomness for a token.
pub fn start(bound: Bound, feeds: Feeds) -> Result<Running> {
    let open = bound.parameters.open;
    let running = start_within(bound, feeds, server::Limits::default())?;
    if open {
        open_browser(&running.url());
    }
    Ok(running)
}

fn start_within(bound: Bound, feeds: Feeds, limits: server::Limits) -> Result<Running> {
    let Bound { parameters, listener } = bound;
    let failed = |problem: &str, cause: std::io::Error| {
        Error::new(Kind::Device, "the page's server", problem).value(cause)
    };
    let address = listener.local_addr().map_err(|cause| failed("the address is not known", cause))?;
    let shown = listen::url(address, None);
    if parameters.port == DEFAULT_PORT && address.port() != DEFAULT_PORT {
        tracing::warn!("port {DEFAULT_PORT} is taken; the page is at {shown}");
    }
    let key = if parameters.demands_token() { Some(Arc::new(Key::new(address.port())?)) } else { None };
    let accounts = Arc::<Accounts>::default();
    let names = guard::Names::new(address, &parameters.hosts);
    let access = server::Access { names, key: key.clone(), accounts: Arc::clone(&accounts) };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| failed("the event loop can't start", cause))?;
    let (stop, stopped) = watch::channel(false);
    let thread = std::thread::Builder::new()
        .name("napot-page".into())
        .spawn(move || server::run(&runtime, listener, feeds, limits, access, &stopped))
        .map_err(|cause| failed("its thread can't start", cause))?;
    tracing::info!("the page is at {shown}");
    Ok(Running { address, key, accounts, stop, thread: Some(thread) })
}

/// Asks the desktop to show `url`; where it can't, the log says so and the run goes on.
fn open_browser(url: &str) {
    let (program, before): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(target_os = "windows") {
        ("cmd", &["/C", "start", ""])
    } else {
        ("xdg-open", &[])
    };
    let mut command = std::process::Command::new(program);
    command.args(before).arg(url);
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let url = url.to_owned();
    let waited = std::thread::Builder::new().name("napot-browser".into()).spawn(move || {
        if !command.status().is_ok_and(|status| status.success()) {
            tracing::warn!("no browser could be opened; open {url} yourself");
        }
    });
    if let Err(cause) = waited {
        tracing::warn!("no browser could be opened: {cause}");
    }
}
