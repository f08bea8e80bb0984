//! The whole model as a function of its stamped inputs: bursts and sound in, fields and sound out; real-time
//! code. It knows no thread, ring or clock, so a test can play it tick by tick.

use super::ledger::{hash_bursts, hash_values, shorten};
use super::memory;
use super::plan::EnginePlan;
use super::tick::{MOST_ARRAYS, PLACES, Stage, StageTimer, TickReport};
use super::tuning::Tuning;
use crate::array::{Array, ArrayParameters, EnergyFigures};
use crate::error::{Error, Result};
use crate::kernel::archive::{Archive, Counting, Keeping, Taking};
use crate::kernel::lattice::CAUSES;
use crate::kernel::team::Team;
use crate::memory::slow::SlowMemory;
use crate::readout::electrodes::{Electrodes, Montage, MontageKind};
use crate::readout::look::look;
use crate::readout::onset::activity;
use crate::readout::sonify::{Sonifier, Voice, Voicing};
use crate::sense::cochlea::Cochlea;
use crate::sense::scalar::ScalarSense;
use crate::signal::{ArrayId, Burst, ElectrodePlace, FieldView, SheetShape, StateItem};
use crate::time::{SAMPLES_PER_TICK, Tick};

/// One tick of stereo sound.
pub type TickSound = [[f32; 2]; SAMPLES_PER_TICK];

/// The most bursts that enter in one tick; what comes beyond enters the next.
pub const MOST_BURSTS: usize = 65_536;

/// Electrodes on a hearing sheet and on a scalar sheet.
const LINE_ELECTRODES: u8 = 8;

/// An array with its name and what it belongs to.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct ArrayInfo {
    /// `vision`, `hearing` or `scalar`.
    pub name: String,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Bands.
    pub bands: usize,
}

/// The arrays, the cochlea, the electrodes and the voice.
pub struct Instrument {
    names: Vec<&'static str>,
    arrays: Vec<Array>,
    hearing: Option<(usize, Cochlea)>,
    /// An array's each, where they learn.
    slow: Vec<SlowMemory>,
    electrodes: Electrodes,
    twin_electrodes: Option<Electrodes>,
    sonifier: Sonifier,
    variances: Vec<f32>,
    bursts: Vec<Burst>,
    inputs: blake3::Hasher,
    sound: TickSound,
    /// Driven, then twin; microvolts.
    microvolts: Vec<f32>,
}

impl Instrument {
    /// Builds what the plan asks for.
    ///
    /// # Errors
    /// Where a parameter is out of bounds, or no array is asked for.
    pub fn new(plan: &EnginePlan) -> Result<Self> {
        let mut names = Vec::new();
        let mut arrays = Vec::new();
        let mut montages = Vec::new();
        memory::check(
            &shapes(plan),
            &plan.array,
            learning(plan).map(|(_, shape, span)| SlowMemory::bytes_of(shape, span)).sum(),
        )?;
        let mut add = |name: &'static str, height, width, kind| -> Result<usize> {
            let index = arrays.len();
            let id = ArrayId(index as u8);
            let mut array = Array::new(id, height, width, &plan.array, plan.seed, plan.threads)?;
            let variances = narrow(array.band_variances());
            let montage = Montage::on_sheet(kind, array.shape(), &plan.electrodes, &variances)?;
            array.watch(montage.windows().clone());
            montages.push(montage);
            names.push(name);
            arrays.push(array);
            Ok(index)
        };
        if let Some(vision) = &plan.vision {
            add("vision", vision.height, vision.width, MontageKind::TenTwenty19)?;
        }
        let mut hearing = None;
        if let Some(plan) = &plan.hearing {
            let (rows, columns) = (plan.cochlea.channels, plan.cochlea.rates);
            let index = add("hearing", rows, columns, MontageKind::Tonotopic(LINE_ELECTRODES))?;
            hearing = Some((index, Cochlea::new(&plan.cochlea, ArrayId(index as u8))?));
        }
        if let Some(plan) = &plan.scalar {
            let (rows, columns) = ScalarSense::shape(plan.layout.names.len());
            add("scalar", rows, columns, MontageKind::Scalar(LINE_ELECTRODES))?;
        }
        if arrays.is_empty() {
            return Err(Error::configuration("engine", "no array is switched on"));
        }
        if let Some((index, cochlea)) = &hearing {
            arrays[*index].tune_columns(|column| cochlea.rate_of_column(column));
        }
        let variances = narrow(arrays[0].band_variances());
        let sonifier = voice(plan, &arrays, hearing.as_ref(), &variances)?;
        let electrodes = Electrodes::new(montages, &plan.electrodes)?;
        let twin_electrodes = plan.array.twin.then(|| electrodes.clone());
        let channels = electrodes.names.len() * if plan.array.twin { 2 } else { 1 };
        Ok(Self {
            names,
            arrays,
            hearing,
            slow: learning(plan)
                .map(|(id, shape, span)| SlowMemory::new(&plan.learning, &plan.array, id, shape, span))
                .collect(),
            electrodes,
            twin_electrodes,
            sonifier,
            variances,
            bursts: Vec::with_capacity(MOST_BURSTS + 4_096),
            inputs: blake3::Hasher::new(),
            sound: [[0.0; 2]; SAMPLES_PER_TICK],
            microvolts: vec![0.0; channels],
        })
    }

    /// The arrays in their order.
    #[must_use]
    pub fn arrays(&self) -> Vec<ArrayInfo> {
        let info = |(name, array): (&&str, &Array)| {
            let SheetShape { height, width, bands } = array.shape();
            ArrayInfo { name: (*name).to_owned(), height, width, bands }
        };
        self.names.iter().zip(&self.arrays).map(info).collect()
    }

    /// The index of an array by its name.
    #[must_use]
    pub fn array_named(&self, name: &str) -> Option<ArrayId> {
        self.names.iter().position(|known| *known == name).map(|index| ArrayId(index as u8))
    }

    /// Plays one tick: `heard` is the microphone's side, `seen` the bursts of all other senses.
    pub fn tick(
        &mut self,
        tick: Tick,
        heard: &TickSound,
        seen: &[Burst],
        team: &mut Team,
        timer: &mut StageTimer<'_>,
    ) -> TickReport {
        let mut report = TickReport { tick, ..TickReport::default() };
        report.entered = seen.len().min(MOST_BURSTS) as u32;
        self.hear(tick, heard, seen, &mut report);
        timer.end(Stage::Hear);
        for array in &mut self.arrays {
            array.step(tick, team);
        }
        for (slow, array) in self.slow.iter_mut().zip(&self.arrays) {
            slow.learn(&array.field());
        }
        timer.end(Stage::Step);
        self.read(tick, &mut report);
        timer.end(Stage::Read);
        let count = self.arrays.len();
        let fields: [FieldView<'_>; MOST_ARRAYS] =
            std::array::from_fn(|index| self.arrays[index.min(count - 1)].field());
        self.sonifier.tick(tick, &fields[..count], &self.bursts, &mut self.sound);
        timer.end(Stage::Sonify);
        report
    }

    fn hear(&mut self, tick: Tick, heard: &TickSound, seen: &[Burst], report: &mut TickReport) {
        self.bursts.clear();
        self.bursts.extend_from_slice(&seen[..seen.len().min(MOST_BURSTS)]);
        hash_values(&mut self.inputs, heard.as_flattened());
        hash_bursts(&mut self.inputs, &self.bursts);
        if let Some((index, cochlea)) = &mut self.hearing {
            let before = self.bursts.len();
            cochlea.tick(tick, heard, &mut self.bursts);
            self.arrays[*index].sustain(cochlea.sustained());
            report.hearing_activity = activity(&self.bursts[before..], ArrayId(*index as u8));
        }
        if !self.slow.is_empty() {
            self.explain(tick, report);
        }
        for burst in &self.bursts {
            let index = usize::from(burst.array.0);
            if let Some(array) = self.arrays.get_mut(index) {
                array.strike(burst);
                report.bursts[index] += 1;
                let SheetShape { height, width, .. } = array.shape();
                let place = burst.site as usize / width * PLACES / height;
                let here = &mut report.places[index][place.min(PLACES - 1)];
                *here = here.saturating_add(1);
                report.bits[index] += burst.surprisal_bits;
            }
        }
    }

    /// Takes from the bursts what was expected.
    fn explain(&mut self, tick: Tick, report: &mut TickReport) {
        for (index, slow) in self.slow.iter_mut().enumerate() {
            let explained = slow.explain(tick, &mut self.bursts);
            report.expected[index] = explained.bursts;
            report.explained_bits[index] = explained.bits;
        }
        self.bursts.retain(|burst| burst.magnitude != 0.0);
    }

    fn read(&mut self, tick: Tick, report: &mut TickReport) {
        let bands = self.variances.len();
        let band = (tick.0 % bands as u64) as usize;
        let variance = self.variances[band];
        report.band = band;
        let mut differential = [0.0; MOST_ARRAYS];
        let mut held = 0.0;
        for (index, array) in self.arrays.iter().enumerate() {
            let plane = array.field().band(band);
            let seen = look(plane, array.twin().map(|twin| twin.band(band)), variance);
            report.order[index] = seen.order;
            if let Some(against) = seen.against_twin {
                differential[index] = against.relative_rms;
                held += against.bits_held;
            }
        }
        if self.twin_electrodes.is_some() {
            report.differential = Some(differential);
            report.bits_held = Some(held);
        }
    }

    /// Goes on by the numbers of `tuning`, which takes the present ones.
    pub fn retune(&mut self, tuning: &mut Tuning) {
        for (array, tuning) in self.arrays.iter_mut().zip(&mut tuning.arrays) {
            array.retune(tuning);
        }
        for slow in &mut self.slow {
            slow.set_rate(tuning.rate);
        }
        std::mem::swap(&mut self.variances, &mut tuning.variances);
        self.sonifier.retune(&self.variances);
    }

    /// Whether its arrays learn to expect their bursts.
    #[must_use]
    pub fn learns(&self) -> bool {
        !self.slow.is_empty()
    }

    /// The shapes of the arrays in their order.
    #[must_use]
    pub fn shapes(&self) -> Vec<SheetShape> {
        self.arrays.iter().map(Array::shape).collect()
    }

    /// Reads the electrodes after a tick: driven, then twin, in microvolts.
    pub fn electrodes(&mut self) -> &[f32] {
        let names = self.electrodes.names.len();
        let (driven, twin) = self.microvolts.split_at_mut(names);
        self.electrodes.read(self.arrays.iter().filter_map(Array::watched), driven);
        if let Some(electrodes) = &self.twin_electrodes {
            electrodes.read(self.arrays.iter().filter_map(Array::watched_twin), twin);
        }
        &self.microvolts
    }

    /// The level of every pitch that is heard, see [`Cochlea::levels`]; none where nothing is.
    #[must_use]
    pub fn heard_levels(&self) -> &[f32] {
        self.hearing.as_ref().map_or(&[], |(_, cochlea)| cochlea.levels())
    }

    /// The electrodes' names.
    #[must_use]
    pub fn electrode_names(&self) -> &[String] {
        &self.electrodes.names
    }

    /// The electrodes' places.
    #[must_use]
    pub fn electrode_places(&self) -> Vec<ElectrodePlace> {
        self.electrodes.places()
    }

    /// The sound of the last tick.
    #[must_use]
    pub fn sound(&self) -> &TickSound {
        &self.sound
    }

    /// `E_b` of every band, slowest first.
    #[must_use]
    pub fn band_variances(&self) -> &[f32] {
        &self.variances
    }

    /// The sound's voice: to fade out and to ask whether it has.
    pub fn sonifier(&mut self) -> &mut Sonifier {
        &mut self.sonifier
    }

    /// The field of an array, by its index.
    #[must_use]
    pub fn field(&self, index: usize) -> Option<FieldView<'_>> {
        self.arrays.get(index).map(Array::field)
    }

    /// The twin's field of an array, by its index, where one runs.
    #[must_use]
    pub fn twin(&self, index: usize) -> Option<FieldView<'_>> {
        self.arrays.get(index).and_then(Array::twin)
    }

    /// Copies the changes of energy since the start by cause, array by array and band by band, into `out`, which has the
    /// capacity for it.
    pub fn copy_energy(&self, out: &mut Vec<[f64; CAUSES]>) {
        out.clear();
        for array in &self.arrays {
            out.extend_from_slice(array.book().changes());
        }
    }

    /// How many values [`Self::copy_state`] writes.
    #[must_use]
    pub fn state_values(&self) -> usize {
        self.arrays.iter().map(Array::state_values).sum()
    }

    /// Copies the state of all arrays into `out`, which has the capacity for it.
    pub fn copy_state(&self, out: &mut Vec<f32>) {
        out.clear();
        for array in &self.arrays {
            array.for_state(|plane| out.extend_from_slice(plane));
        }
    }

    /// How many words [`Self::copy_senses`] writes.
    #[must_use]
    pub fn sense_words(&mut self) -> usize {
        let mut counting = Counting::default();
        self.archive(&mut counting);
        counting.0
    }

    /// Copies what the senses remember into `out`, which has the capacity for it.
    pub fn copy_senses(&mut self, out: &mut Vec<u32>) {
        out.clear();
        self.archive(&mut Keeping(out));
    }

    fn archive(&mut self, archive: &mut impl Archive) {
        for array in &mut self.arrays {
            array.archive(archive);
        }
        if let Some((_, cochlea)) = &mut self.hearing {
            cochlea.archive(archive);
        }
        for slow in &mut self.slow {
            slow.archive(archive);
        }
    }

    /// Takes a state that another instrument of the same plan gave. Its sound and electrodes begin anew.
    ///
    /// # Errors
    /// Where it is not of this shape or holds what is no number, naming `name`; the instrument is of no use then.
    pub fn restore(&mut self, name: &str, state: &StateItem) -> Result<()> {
        let wrong = |what: &str| Error::input(name, what).at(format!("state before tick {}", state.next.0));
        let (found, expected) = (state.values.len(), self.state_values());
        if found != expected {
            let error = wrong("the state is one of other arrays").value(format!("{found} numbers"));
            return Err(error.bound(format!("{expected} numbers")));
        }
        if let Some(place) = state.values.iter().position(|value| !value.is_finite()) {
            let error = wrong("a value of the state is no number").value(state.values[place]);
            return Err(error.bound("finite"));
        }
        let mut taking = Taking::new(&state.senses);
        self.archive(&mut taking);
        if !taking.is_whole() {
            return Err(wrong("what the senses remember is not whole"));
        }
        let mut rest = &state.values[..];
        for array in &mut self.arrays {
            let (own, others) = rest.split_at(array.state_values());
            array.put_state(own);
            rest = others;
        }
        Ok(())
    }

    /// The bursts that entered in the last tick, without what was expected of them.
    #[must_use]
    pub fn bursts(&self) -> &[Burst] {
        &self.bursts
    }

    /// What an array is like now, by its index.
    #[must_use]
    pub fn parameters(&self, index: usize) -> Option<&ArrayParameters> {
        self.arrays.get(index).map(Array::parameters)
    }

    /// The hash of what entered since the last call.
    pub fn take_input_hash(&mut self) -> [u8; 16] {
        let hash = shorten(&self.inputs.finalize());
        self.inputs.reset();
        hash
    }

    /// The energy books of all arrays.
    pub fn energy(&mut self) -> Vec<EnergyFigures> {
        self.arrays.iter_mut().map(|array| array.balance().1).collect()
    }

    /// Bursts and levels that were refused because they were not finite or beyond their sheet.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.arrays.iter().map(Array::refused).sum()
    }
}

/// The shapes of the arrays that a plan asks for.
fn shapes(plan: &EnginePlan) -> Vec<SheetShape> {
    let vision = plan.vision.as_ref().map(|vision| (vision.height, vision.width));
    let hearing = plan.hearing.as_ref().map(|hearing| (hearing.cochlea.channels, hearing.cochlea.rates));
    let scalar = plan.scalar.as_ref().map(|scalar| ScalarSense::shape(scalar.layout.names.len()));
    let of = |(height, width)| SheetShape { height, width, bands: plan.array.bands };
    [vision, hearing, scalar].into_iter().flatten().map(of).collect()
}

/// The arrays that learn, each with the sites of its cells: one where pictures are seen, a channel's elsewhere.
fn learning(plan: &EnginePlan) -> impl Iterator<Item = (ArrayId, SheetShape, usize)> {
    let eyes = usize::from(plan.vision.is_some());
    let of = move |(index, shape): (usize, SheetShape)| {
        (ArrayId(index as u8), shape, if index < eyes { 1 } else { shape.width })
    };
    shapes(plan).into_iter().filter(|_| plan.learning.enabled).enumerate().map(of)
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

fn voice(
    plan: &EnginePlan,
    arrays: &[Array],
    hearing: Option<&(usize, Cochlea)>,
    variances: &[f32],
) -> Result<Sonifier> {
    let pitches: Vec<f64> = hearing.map_or_else(Vec::new, |(index, cochlea)| {
        (0..arrays[*index].shape().height).map(|channel| cochlea.centre_of_channel(channel).0).collect()
    });
    let voices: Vec<Voice<'_>> = arrays
        .iter()
        .enumerate()
        .map(|(index, array)| {
            let hears = hearing.is_some_and(|(of, _)| *of == index);
            let voicing = if hears { Voicing::Pitches(&pitches) } else { Voicing::Picture };
            Voice { shape: array.shape(), voicing }
        })
        .collect();
    let carriers: Vec<f64> = (0..plan.array.bands).map(|band| plan.array.centre(band).0).collect();
    Sonifier::new(&plan.sonify, &voices, variances, &carriers, plan.seed)
}
