//! liblsl as it is installed, loaded at run time: the calls that are needed, made safe.
//!
//! The signatures are those of `lsl_c.h` of liblsl 1.13 and later. It is the only code outside the kernels that is
//! `unsafe`: a C library can't be called otherwise.

use std::ffi::{CStr, CString, c_char, c_int, c_ulong, c_void};
use std::sync::Arc;

use libloading::Library;

use crate::error::{Error, Kind, Result};

/// Names under which the library is looked for, where `LSL_LIBRARY` does not hold its path.
const NAMES: [&str; 5] = ["liblsl.so.2", "liblsl.so", "liblsl.dylib", "lsl.dll", "liblsl.dll"];
/// Samples of 32-bit floats, and text.
const FLOAT32: c_int = 1;
const TEXT: c_int = 3;
/// Seconds of samples that wait at most for one receiver, on either side.
const WAITING_SECONDS: i32 = 60;
/// `lsl_set_postprocessing`: stamps come on this machine's clock.
const CLOCK_SYNC: u32 = 1;
/// An error of `lsl_pull_sample_f` that means only that nothing came.
const TIMED_OUT: i32 = -1;

type Pointer = *mut c_void;
type Text = *const c_char;

/// The functions of `lsl_c.h`, under their names without `lsl_`.
struct Functions {
    local_clock: unsafe extern "C" fn() -> f64,
    create_streaminfo: unsafe extern "C" fn(Text, Text, i32, f64, c_int, Text) -> Pointer,
    destroy_streaminfo: unsafe extern "C" fn(Pointer),
    get_name: unsafe extern "C" fn(Pointer) -> Text,
    get_channel_count: unsafe extern "C" fn(Pointer) -> i32,
    get_nominal_srate: unsafe extern "C" fn(Pointer) -> f64,
    get_channel_format: unsafe extern "C" fn(Pointer) -> c_int,
    get_desc: unsafe extern "C" fn(Pointer) -> Pointer,
    append_child: unsafe extern "C" fn(Pointer, Text) -> Pointer,
    append_child_value: unsafe extern "C" fn(Pointer, Text, Text) -> Pointer,
    child: unsafe extern "C" fn(Pointer, Text) -> Pointer,
    next_sibling_n: unsafe extern "C" fn(Pointer, Text) -> Pointer,
    child_value_n: unsafe extern "C" fn(Pointer, Text) -> Text,
    create_outlet: unsafe extern "C" fn(Pointer, i32, i32) -> Pointer,
    destroy_outlet: unsafe extern "C" fn(Pointer),
    have_consumers: unsafe extern "C" fn(Pointer) -> i32,
    push_chunk_ftnp: unsafe extern "C" fn(Pointer, *const f32, c_ulong, *const f64, i32) -> i32,
    push_sample_strtp: unsafe extern "C" fn(Pointer, *const Text, f64, i32) -> i32,
    resolve_byprop: unsafe extern "C" fn(*mut Pointer, u32, Text, Text, i32, f64) -> i32,
    resolve_all: unsafe extern "C" fn(*mut Pointer, u32, f64) -> i32,
    create_inlet: unsafe extern "C" fn(Pointer, i32, i32, i32) -> Pointer,
    destroy_inlet: unsafe extern "C" fn(Pointer),
    get_fullinfo: unsafe extern "C" fn(Pointer, f64, *mut i32) -> Pointer,
    open_stream: unsafe extern "C" fn(Pointer, f64, *mut i32),
    set_postprocessing: unsafe extern "C" fn(Pointer, u32) -> i32,
    time_correction: unsafe extern "C" fn(Pointer, f64, *mut i32) -> f64,
    pull_sample_f: unsafe extern "C" fn(Pointer, *mut f32, i32, f64, *mut i32) -> f64,
}

/// The library.
pub(super) struct Lsl {
    call: Functions,
    /// Keeps the code of `call` loaded.
    _library: Library,
}

/// A function of the library by its name.
fn find<T: Copy>(library: &Library, name: &str) -> Result<T> {
    // SAFETY: every caller names the C function whose signature `T` is.
    let found = unsafe { library.get::<T>(format!("lsl_{name}\0").as_bytes()) };
    found.map(|symbol| *symbol).map_err(|cause| missing("the library has no such function").value(cause))
}

fn missing(problem: &str) -> Error {
    Error::new(Kind::Device, "liblsl", problem)
}

impl Lsl {
    /// Loads the library.
    ///
    /// # Errors
    /// Where there is none, or one that lacks a function.
    pub(super) fn load() -> Result<Arc<Self>> {
        let named = std::env::var("LSL_LIBRARY").ok();
        let names = named.as_ref().map_or(NAMES.to_vec(), |path| vec![path.as_str()]);
        // SAFETY: what the library does when it is loaded is its own affair: the person who installed it trusts it.
        let library = names.iter().find_map(|name| unsafe { Library::new(name) }.ok()).ok_or_else(|| {
            missing("the library can't be loaded").value(names.join(", ")).help(
                "Install it (github.com/sccn/liblsl, or `pip install pylsl`), or set LSL_LIBRARY to its path.",
            )
        })?;
        let call = Functions {
            local_clock: find(&library, "local_clock")?,
            create_streaminfo: find(&library, "create_streaminfo")?,
            destroy_streaminfo: find(&library, "destroy_streaminfo")?,
            get_name: find(&library, "get_name")?,
            get_channel_count: find(&library, "get_channel_count")?,
            get_nominal_srate: find(&library, "get_nominal_srate")?,
            get_channel_format: find(&library, "get_channel_format")?,
            get_desc: find(&library, "get_desc")?,
            append_child: find(&library, "append_child")?,
            append_child_value: find(&library, "append_child_value")?,
            child: find(&library, "child")?,
            next_sibling_n: find(&library, "next_sibling_n")?,
            child_value_n: find(&library, "child_value_n")?,
            create_outlet: find(&library, "create_outlet")?,
            destroy_outlet: find(&library, "destroy_outlet")?,
            have_consumers: find(&library, "have_consumers")?,
            push_chunk_ftnp: find(&library, "push_chunk_ftnp")?,
            push_sample_strtp: find(&library, "push_sample_strtp")?,
            resolve_byprop: find(&library, "resolve_byprop")?,
            resolve_all: find(&library, "resolve_all")?,
            create_inlet: find(&library, "create_inlet")?,
            destroy_inlet: find(&library, "destroy_inlet")?,
            get_fullinfo: find(&library, "get_fullinfo")?,
            open_stream: find(&library, "open_stream")?,
            set_postprocessing: find(&library, "set_postprocessing")?,
            time_correction: find(&library, "time_correction")?,
            pull_sample_f: find(&library, "pull_sample_f")?,
        };
        Ok(Arc::new(Self { call, _library: library }))
    }

    /// LSL's clock on this machine, in seconds.
    pub(super) fn clock(&self) -> f64 {
        // SAFETY: it takes nothing.
        unsafe { (self.call.local_clock)() }
    }

    /// A stream of this name, looked for at most so many seconds.
    pub(super) fn resolve(self: &Arc<Self>, name: &str, seconds: f64) -> Option<Info> {
        let (property, value) = (CString::new("name").ok()?, CString::new(name).ok()?);
        let mut found = std::ptr::null_mut();
        // SAFETY: there is room for the one result that is asked for, and the texts outlive the call.
        let count = unsafe {
            (self.call.resolve_byprop)(&raw mut found, 1, property.as_ptr(), value.as_ptr(), 1, seconds)
        };
        (count > 0).then(|| Info::own(self, found))?
    }

    /// The names of up to 32 streams that answer within a second.
    pub(super) fn streams(self: &Arc<Self>) -> Vec<String> {
        let mut found = [std::ptr::null_mut(); 32];
        // SAFETY: there is room for as many results as are asked for.
        let count = unsafe { (self.call.resolve_all)(found.as_mut_ptr(), found.len() as u32, 1.0) };
        let found = found.into_iter().take(usize::try_from(count).unwrap_or(0));
        found.filter_map(|pointer| Info::own(self, pointer)).map(|info| info.name()).collect()
    }
}

/// What a stream is.
pub(super) struct Info {
    lsl: Arc<Lsl>,
    pointer: Pointer,
}

// SAFETY: liblsl's objects belong to no thread; each is used by one thread at a time here.
unsafe impl Send for Info {}

impl Info {
    fn own(lsl: &Arc<Lsl>, pointer: Pointer) -> Option<Self> {
        (!pointer.is_null()).then(|| Self { lsl: Arc::clone(lsl), pointer })
    }

    /// A stream of numbers with a label for each channel, or of text where there are no labels and no rate.
    pub(super) fn new(
        lsl: &Arc<Lsl>,
        name: &str,
        kind: &str,
        rate_hz: f64,
        labels: &[String],
    ) -> Option<Self> {
        let format = if labels.is_empty() { TEXT } else { FLOAT32 };
        let channels = i32::try_from(labels.len().max(1)).ok()?;
        let source = CString::new(format!("napot-{name}-{kind}")).ok()?;
        let (name, kind_text) = (CString::new(name).ok()?, CString::new(kind).ok()?);
        // SAFETY: the texts outlive the call, which copies them.
        let pointer = unsafe {
            let create = lsl.call.create_streaminfo;
            create(name.as_ptr(), kind_text.as_ptr(), channels, rate_hz, format, source.as_ptr())
        };
        let info = Self::own(lsl, pointer)?;
        // SAFETY: `info` is alive, and so is its description.
        let description = unsafe { (lsl.call.get_desc)(info.pointer) };
        info.add_value(description, "manufacturer", "NAPOT");
        if !labels.is_empty() {
            let list = info.add(description, "channels");
            for label in labels {
                let channel = info.add(list, "channel");
                info.add_value(channel, "label", label);
                info.add_value(channel, "unit", "microvolts");
                info.add_value(channel, "type", kind);
            }
        }
        Some(info)
    }

    /// Adds an element to one of this info's elements.
    fn add(&self, to: Pointer, name: &str) -> Pointer {
        let name = CString::new(name).unwrap_or_default();
        // SAFETY: `to` is an element of this info, which is alive; the text is copied.
        unsafe { (self.lsl.call.append_child)(to, name.as_ptr()) }
    }

    fn add_value(&self, to: Pointer, name: &str, value: &str) {
        let [name, value] = [name, value].map(|text| CString::new(text).unwrap_or_default());
        // SAFETY: as in `add`.
        unsafe { (self.lsl.call.append_child_value)(to, name.as_ptr(), value.as_ptr()) };
    }

    /// The stream's name.
    pub(super) fn name(&self) -> String {
        // SAFETY: the text belongs to this info, which is alive.
        unsafe { text((self.lsl.call.get_name)(self.pointer)) }
    }

    /// How many channels it has.
    pub(super) fn channels(&self) -> usize {
        // SAFETY: this info is alive.
        usize::try_from(unsafe { (self.lsl.call.get_channel_count)(self.pointer) }).unwrap_or(0)
    }

    /// Its nominal rate in Hz; 0 where it has none.
    pub(super) fn rate_hz(&self) -> f64 {
        // SAFETY: this info is alive.
        unsafe { (self.lsl.call.get_nominal_srate)(self.pointer) }
    }

    /// Whether its values are text.
    pub(super) fn is_text(&self) -> bool {
        // SAFETY: this info is alive.
        unsafe { (self.lsl.call.get_channel_format)(self.pointer) == TEXT }
    }

    /// Label and unit of each channel that its description names, both empty where it leaves them out.
    pub(super) fn labels(&self) -> Vec<[String; 2]> {
        let [list, channel, label, unit] =
            ["channels", "channel", "label", "unit"].map(|name| CString::new(name).unwrap_or_default());
        let call = &self.lsl.call;
        let mut found = Vec::new();
        // SAFETY: elements of this info, which is alive. An element that is not there is an empty one, whose
        // children and siblings are empty and whose texts are "".
        unsafe {
            let mut at =
                (call.child)((call.child)((call.get_desc)(self.pointer), list.as_ptr()), channel.as_ptr());
            for _ in 0..self.channels() {
                let of = |name: &CStr| text((call.child_value_n)(at, name.as_ptr()));
                found.push([of(&label), of(&unit)]);
                at = (call.next_sibling_n)(at, channel.as_ptr());
            }
        }
        found
    }
}

impl Drop for Info {
    fn drop(&mut self) {
        // SAFETY: it is ours and is destroyed once.
        unsafe { (self.lsl.call.destroy_streaminfo)(self.pointer) };
    }
}

/// A copy of a C text.
///
/// # Safety
/// It is null or ends with a zero.
unsafe fn text(pointer: Text) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// A stream that goes out.
pub(super) struct Outlet {
    lsl: Arc<Lsl>,
    pointer: Pointer,
    channels: usize,
}

// SAFETY: as for `Info`.
unsafe impl Send for Outlet {}

impl Outlet {
    pub(super) fn open(info: &Info) -> Option<Self> {
        // SAFETY: the info is alive; the outlet copies it.
        let pointer = unsafe { (info.lsl.call.create_outlet)(info.pointer, 0, WAITING_SECONDS) };
        let (lsl, channels) = (Arc::clone(&info.lsl), info.channels());
        (!pointer.is_null()).then_some(Self { lsl, pointer, channels })
    }

    /// Pushes samples, a stamp for each; says whether they were taken.
    pub(super) fn push(&self, values: &[f32], stamps: &[f64]) -> bool {
        assert_eq!(values.len(), stamps.len() * self.channels, "values per stamp");
        // SAFETY: there are as many values as are told, and a stamp for each sample of `channels` values.
        unsafe {
            let push = self.lsl.call.push_chunk_ftnp;
            push(self.pointer, values.as_ptr(), values.len() as c_ulong, stamps.as_ptr(), 1) == 0
        }
    }

    /// Pushes a text; says whether it was taken.
    pub(super) fn push_text(&self, value: &str, stamp: f64) -> bool {
        assert_eq!(self.channels, 1, "a text has one channel");
        let Ok(value) = CString::new(value) else { return false };
        // SAFETY: one text for the one channel, alive during the call.
        unsafe { (self.lsl.call.push_sample_strtp)(self.pointer, &value.as_ptr(), stamp, 1) == 0 }
    }

    /// Whether anybody receives it.
    pub(super) fn has_receivers(&self) -> bool {
        // SAFETY: the outlet is alive.
        unsafe { (self.lsl.call.have_consumers)(self.pointer) != 0 }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        // SAFETY: it is ours and is destroyed once.
        unsafe { (self.lsl.call.destroy_outlet)(self.pointer) };
    }
}

/// A stream that comes in.
pub(super) struct Inlet {
    lsl: Arc<Lsl>,
    pointer: Pointer,
    channels: usize,
}

// SAFETY: as for `Info`.
unsafe impl Send for Inlet {}

impl Inlet {
    /// Opens the stream and gets its whole description, within so many seconds.
    pub(super) fn open(info: &Info, seconds: f64) -> Option<(Self, Info)> {
        let (lsl, mut error) = (Arc::clone(&info.lsl), 0);
        // SAFETY: the info is alive; the inlet copies it.
        let pointer = unsafe { (lsl.call.create_inlet)(info.pointer, WAITING_SECONDS, 0, 1) };
        if pointer.is_null() {
            return None;
        }
        let inlet = Self { lsl, pointer, channels: info.channels() };
        // SAFETY: the inlet is alive, and there is a place for the error.
        let full = unsafe {
            (inlet.lsl.call.set_postprocessing)(pointer, CLOCK_SYNC);
            (inlet.lsl.call.open_stream)(pointer, seconds, &raw mut error);
            // The first estimate takes a while, for which a run would have to wait.
            (inlet.lsl.call.time_correction)(pointer, seconds, &raw mut error);
            (inlet.lsl.call.get_fullinfo)(pointer, seconds, &raw mut error)
        };
        let full = Info::own(&inlet.lsl, full)?;
        (error == 0).then_some((inlet, full))
    }

    /// How many values a sample has.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// The next sample's stamp on this machine's LSL clock; `None` where none comes within so many seconds.
    ///
    /// # Errors
    /// Where the stream is lost.
    pub(super) fn pull(&self, values: &mut [f32], seconds: f64) -> Result<Option<f64>> {
        assert_eq!(values.len(), self.channels, "a value per channel");
        let (mut error, count) = (0, i32::try_from(self.channels).unwrap_or(i32::MAX));
        // SAFETY: there is room for a value per channel, and a place for the error.
        let stamp = unsafe {
            let pull = self.lsl.call.pull_sample_f;
            pull(self.pointer, values.as_mut_ptr(), count, seconds, &raw mut error)
        };
        match error {
            0 | TIMED_OUT => Ok((stamp > 0.0).then_some(stamp)),
            error => Err(Error::input("lsl:", "the stream is lost").value(error)),
        }
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        // SAFETY: it is ours and is destroyed once.
        unsafe { (self.lsl.call.destroy_inlet)(self.pointer) };
    }
}
