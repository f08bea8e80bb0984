//! What flows: stamped sound, frames, channel samples, bursts, and views of the field.
//!
//! To add a kind of signal: write its file here, name it below, and give it a `Stamp`.

mod bound;
mod burst;
mod control;
mod device;
mod field;
mod frame;
mod given;
mod kept;
mod picture;
mod scalar;
mod seen;
mod session;
mod snapshot;
mod sound;
mod stamp;

pub use bound::{BindingFigures, BindingPicture, BoundArray, BoundWhole};
pub use burst::{ArrayId, Burst, Sign};
pub use control::{AS_CONFIGURED, Control, Hands, InHand, LiveParameter, LiveState, Poke, is_decisive};
pub use device::{DeviceFigures, DeviceKind, DeviceListing, DeviceState};
pub use field::{FieldView, SheetShape};
pub use frame::Frame;
pub use given::{EncodedPicture, SoundChunk};
pub use kept::{ElectrodeItem, FieldRow};
pub use picture::PictureItem;
pub use scalar::{ScalarLayout, ScalarSample};
pub use seen::{ObjectsFigures, ObjectsPicture, SeenObject};
pub use session::{ChannelsItem, Entered, LatencyItem, LedgerLine, SessionItem, StateItem};
pub use snapshot::{
    Asynchrony, BURST_SIDE, BandEnergy, Belonging, ElectrodePlace, FieldFrame, FieldImage, HopFigures,
    InputPicture, MindFigures, MindPicture, Recognition, RecognitionFigures, RecordingFigures, SensesBand,
    SensesFigures, SensesLack, Status, TraceChunk,
};
pub use sound::AudioBlock;
pub use stamp::{Origin, Stamp};
