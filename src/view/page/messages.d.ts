// The JSON on the page's WebSocket, made from the Rust types that it is written from and read into.
// Not for hands: `cargo test --lib messages_are_written -- --ignored` makes it anew.
// Integers of 64 bits are numbers too: all that are sent stay below 2^53, where a script's numbers end. What the words
// call `None` is null.

/** What a run is, and what it wants of its pages. */
export type About = {
  /** Unlike that of any other run: a page that stays open over a restart begins anew. */
  run: string,
  /** What pages may give. */
  senses: Array<Sense>,
  /** What runs, for people: `demo`, a file's name. */
  title: string,
  /** The engine's version. */
  version: string,
  /** The seed; sent as text, since a script's numbers end at 2^53. */
  seed: string,
  /** Every array's name and sheet, in the order of their [`crate::signal::ArrayId`]. The first is shown
   * large. One named `hearing` is drawn with row 0, its lowest pitch, at the bottom. */
  arrays: Array<[string, SheetShape]>,
  /** The bands' centre frequencies in Hz, slowest first. */
  band_hz: Array<number>,
  /** One line per source: what it is and in which format. */
  sources: Array<string>,
  /** Whether every array has a twin that nothing drives. */
  twin: boolean,
  /** The electrodes' places, in the order of their traces. */
  electrodes: Array<ElectrodePlace>,
  /** Lowest and highest pitch of the sheet named `hearing` in Hz; its rows lie between them evenly in ERB number. */
  pitch_hz: [number, number],
  /** What people may do while it runs. */
  hands: Hands,
};

/** What a page is answered. */
export type Answer = {
  /** What the page sent with its question. */
  asked: number,
  /** Nanoseconds on the run's clock. */
  now: number,
} | {
  /** What it asked about. */
  sense: Sense,
  /** Whether it may; else another page gives it. */
  granted: boolean,
} | {
  /** All of the kind that was asked for, those that can't be opened with why. */
  devices: Array<DeviceListing>,
} | {
  /** Why, in a sentence. */
  refused: string,
} | {
  /** Its sequence number. */
  picture: number,
};

/** By how much the sound is late, over ten seconds. */
export type Asynchrony = {
  /** The end of the window, in seconds of model time. */
  seconds: number,
  /** Milliseconds by which the sound comes later than it belongs to the picture, -400 to 400; below 0 it is early. */
  late_ms: number,
  /** The probability that this is right within 20 ms, 0 to 1. */
  confidence: number,
};

/** A band's energy, all arrays together, in units of its tonic energy; flows per second of model time. */
export type BandEnergy = {
  /** What it holds: 1 is the tonic rhythm alone. */
  stored: number,
  /** From the tonic noise. */
  noise: number,
  /** From the senses. */
  drive: number,
  /** From the faster band, less what the slower one got. */
  cascade: number,
  /** To dissipation: negative. */
  damping: number,
  /** To neighbours, where it evens out: negative. */
  diffusion: number,
  /** To the cubic term: negative. */
  saturation: number,
};

/** Whether what was heard belongs to what was seen, over two seconds. */
export type Belonging = {
  /** The end of the window, in seconds of model time. */
  seconds: number,
  /** Evidence in spreads, as d' has it: above 0 that sound and picture belong together, below that they do not. */
  evidence: number,
  /** The probability that they belong together, 0 to 1, where either was as likely before. */
  confidence: number,
  /** Order parameter, 0 to 1: 1 where every band stands at the phase that it has where sound and picture belong together. */
  order: number,
  /** Band by band, slowest first. */
  bands: Array<SensesBand>,
};

/** How arrays bind; what is not measured yet is `None`. PSNR is of light whose brightest is that of the picture that is projected. */
export type BindingFigures = {
  /** Updates: one every 100 ms from the first picture on. */
  updates: number,
  /** Updates that a paced run skipped, because the binder was a second behind. */
  skipped: number,
  /** The arrays now. */
  arrays: Array<BoundArray>,
  /** The wholes now, of most arrays first. */
  wholes: Array<BoundWhole>,
  /** Kuramoto's order parameter of all phases now, 0 to 1. */
  order: number | null,
  /** Its mean over all updates. */
  mean_order: number | null,
  /** PSNR of the best picture that an array makes of its own views alone, now, in dB. */
  apart_db: number | null,
  /** Mean PSNR of the largest whole over all updates, in dB. */
  mean_whole_db: number | null,
  /** The same of the best picture of one array's views alone. */
  mean_apart_db: number | null,
  /** The same of the mean of all arrays' pictures without coupling. */
  mean_uncoupled_db: number | null,
  /** Mean time of an update in ms of this machine. */
  update_ms: number | null,
};

/** An array that binds. */
export type BoundArray = {
  /** The name of its whole, from 0; `None` where it stays alone. */
  whole: number | null,
  /** Whether it holds: it goes on seeing what it saw. */
  held: boolean,
  /** The phase of its sheet's slow rhythm beside the carrier, 0 to 1 of a turn. */
  phase: number,
  /** How strongly its sheet swings as one, in units of a site's tonic rms: a third where nobody pulls it, some 3.5 where others do. */
  amplitude: number,
};

/** A whole: arrays that agree and swing together. */
export type BoundWhole = {
  /** Its name, from 0; it keeps it while most of its arrays stay. */
  name: number,
  /** How many arrays it is of. */
  arrays: number,
  /** How well it explains them, times their order parameter, 0 to 1. */
  confidence: number,
  /** PSNR against the picture that is projected, in dB; `None` where that is black. */
  psnr_db: number | null,
};

/** A viewer's counts; at any time `produced = delivered + dropped + waiting`, for fields from the
 * frame that the viewer joined at. */
export type Counts = {
  /** Field frames since the viewer came. */
  produced: number,
  /** Field frames sent. */
  delivered: number,
  /** Field frames passed over, since a newer one came before the viewer was ready. */
  dropped: number,
  /** Sound frames given up. */
  sound_dropped: number,
  /** Stretches of traces given up. */
  traces_dropped: number,
};

/** The figures of one device. Counts are of sound frames at the device's rate, or of pictures. */
export type DeviceFigures = {
  /** What it is for. */
  kind: DeviceKind,
  /** Its name. */
  name: string,
  /** The format that it was opened in, for people. */
  format: string,
  /** How it does. */
  state: DeviceState,
  /** What was last wrong with it. */
  problem: string | null,
  /** How often it was opened: after it had been lost, with larger blocks, or because a person chose it. */
  opened: number,
  /** How often it was lost after it had been open. */
  lost: number,
  /** The rate that was agreed with it, in Hz: frames of sound, or pictures, a second; 0 before it was open. */
  agreed_hz: number,
  /** What came from it, or went to it. */
  delivered: number,
  /** What was not used: damaged, too late, or without room. Of a speaker, what the run made and it did not play. */
  dropped: number,
  /** What the device itself says that it lost, where it counts. */
  missed: number,
  /** Sound frames of silence that were put in the place of what did not come: at 48 kHz into the run, at the device's
   * rate to a speaker. */
  filled: number,
  /** Sound frames that went into the run, or from it to the speaker. When the run has ended, to the frame:
   *
   * * of a microphone, `delivered = used + dropped`, and the run's frames are `used + filled + resampled`;
   * * of a speaker, `delivered = used + filled`, and the run's frames are `used + dropped - resampled`. */
  used: number,
  /** Sound frames that resampling added: by the device's other rate, and by the drift of its clock. */
  resampled: number,
  /** Times that sound was missing while all ran: a thread was late. */
  faults: number,
  /** Samples that were not finite and became 0. */
  not_finite: number,
  /** Pictures or chunks of sound of a page whose capture time could not be: that of their arrival stands for it. */
  restamped: number,
  /** Whether the thread that it calls on has real-time priority; ALSA's plug-ins to sound servers get none. */
  realtime: boolean,
  /** Frames of its last block of sound; 0 for a camera. */
  block: number,
  /** How much faster its clock runs than the run's, in parts per million; `None` where that is not known yet. */
  drift_ppm: number | null,
};

/** What a device is for. */
export type DeviceKind = "microphone" | "camera" | "speaker";

/** A device that is there, and what it offers or why it can't be opened. */
export type DeviceListing = {
  /** What it is for. */
  kind: DeviceKind,
  /** What it is reached through: a sound server, a driver. */
  host: string,
  /** Its name; empty where the error is the host's. */
  name: string,
  /** The formats that it offers, for people, the best first. */
  formats: Array<string>,
  /** Why it can't be opened. */
  error: string | null,
};

/** How a device does. */
export type DeviceState = "opening" | "running" | "silent" | "lost";

/** An electrode's place, for people. */
export type ElectrodePlace = {
  /** Its name. */
  name: string,
  /** The number of the array on which it lies. */
  array: number,
  /** How far down the sheet, 0 to 1. */
  row: number,
  /** How far to the right, 0 to 1. */
  column: number,
};

/** The figures as one page gets them. */
export type Figures = {
  /** The engine's; `None` before the first. */
  status: Status | null,
  /** Whether the run has ended. */
  ended: boolean,
  /** Pages that watch. */
  viewers: number,
  /** Who is in control. */
  control: InControl,
  /** This page's own counts. */
  viewer: Counts,
  /** What the server refused, by kind; a kind of which there was none is left out. */
  refused: { [key in string]: number },
};

/** What people may do in a run. */
export type Hands = {
  /** The parameters that may change; none where they may not. */
  parameters: Array<LiveParameter>,
  /** Named sets of them. */
  states: Array<LiveState>,
  /** Whether the field may be struck. */
  pokes: boolean,
  /** Whether time may be slowed and stopped: not that of devices. */
  tempo: boolean,
  /** Whether arrays that bind may be held. */
  holds: boolean,
};

/** How long a hop takes, for people: in ms; what too few samples can't tell is `None`. */
export type HopFigures = {
  /** Its name. */
  name: string,
  /** How many were measured. */
  count: number,
  /** Median. */
  p50: number | null,
  /** 99th percentile. */
  p99: number | null,
  /** Longest. */
  max: number | null,
  /** How many took how long: below 0.01 ms, in six steps a decade from there on (0.015, 0.022, 0.033, 0.047, 0.068, 0.1 and
   * so on), and 1000 ms or longer. */
  counts: Array<number>,
};

/** Who is in control of a run, as one page sees it. */
export type InControl = "nobody" | "own" | "other";

/** What stands at present of what people may change. */
export type InHand = {
  /** The parameters, in the order of [`Hands::parameters`]. */
  values: Array<number>,
  /** Thousandths of real time; 0 is as fast as can be. */
  speed: number,
  /** Whether time stands still. */
  paused: boolean,
  /** Whether the speaker is muted; `None` where there is none. */
  muted: boolean | null,
  /** Why the last change was refused; empty where it was not. */
  refused: string,
};

/** A parameter that may change while a run goes on. */
export type LiveParameter = {
  /** Its key in the configuration. */
  key: string,
  /** Its name for people. */
  name: string,
  /** Its unit; empty for a plain number. */
  unit: string,
  /** The least value. */
  low: number,
  /** The greatest value. */
  high: number,
  /** What the run was configured with. */
  default: number,
  /** What it does, in a few words. */
  what: string,
};

/** A named set of parameters. */
export type LiveState = {
  /** Its name. */
  name: string,
  /** What it is like, in a sentence. */
  what: string,
  /** The parameters that it sets. */
  values: Array<[string, number]>,
};

/** What the mind's eye did and holds; what is not measured yet is `None`. */
export type MindFigures = {
  /** Moments that it lived: one every 97 ms. */
  moments: number,
  /** Moments that a paced run skipped, because the mind was a second behind. */
  skipped: number,
  /** Pictures that it remembers. */
  episodes: number,
  /** Patches that it remembers, all scales. */
  patches: number,
  /** Pictures that it learned. */
  written: number,
  /** Pictures that the field recalled by itself, and that were not learned therefore. */
  predicted: number,
  /** Pictures that made room for others. */
  forgotten: number,
  /** R²: how much of what bursts left at a pixel is read from the field, before it was met. */
  explained: number | null,
  /** Correlation of what is recalled with what is seen, both less the mean of what was seen; over the last ten seconds or so. */
  alike: number | null,
  /** The same with what was seen ten seconds before: chance. */
  elsewhere: number | null,
  /** Whether it dreams now. */
  dreaming: boolean,
  /** Moments that it dreamt. */
  dreamt: number,
};

/** What stands out from what is seen; what is not measured yet is `None`. */
export type ObjectsFigures = {
  /** Updates: one every 100 ms from the first picture on. */
  updates: number,
  /** Updates that a paced run skipped, because what segments was a second behind. */
  skipped: number,
  /** Rows and columns at which the picture is segmented. */
  size: [number, number],
  /** The objects now, by their labels; none where nothing stands out. */
  objects: Array<SeenObject>,
  /** Mean number of objects over all updates. */
  mean_objects: number | null,
  /** Mean time of an update in ms of this machine. */
  update_ms: number | null,
};

/** A burst from a person's hand: a disc of sites that is struck at once. */
export type Poke = {
  /** The array's number. */
  array: number,
  /** The row of its middle, from 0 at the top. */
  row: number,
  /** The column of its middle, from 0 at the left. */
  column: number,
  /** Its radius in sites, 0 to 16. */
  radius: number,
  /** Magnitude of each site's burst, in thresholds; above 0, at most 32. */
  magnitude: number,
};

/** What something that appeared was taken for. */
export type Recognition = {
  /** When it appeared, in seconds of model time. */
  seconds: number,
  /** The name that fits best; `None` where nothing is known. */
  nearest: string | null,
  /** Whether that was decided for; else it is nothing that is known, or it might be several. */
  recognised: boolean,
  /** Whether it is nothing that is known. */
  foreign: boolean,
  /** The name's probability among all that are known. */
  confidence: number | null,
  /** How far it is from what was taught: about 1 for the same thing, from 2 on for another. */
  misfit: number | null,
  /** Milliseconds after which it was decided. */
  after_ms: number | null,
  /** Hue of the change of colour in degrees, 0 to below 360: red 0, green 120, blue 240; `None` where light alone changed. */
  hue_degrees: number | null,
};

/** What was recognised, and what is known. */
export type RecognitionFigures = {
  /** The names that are known. */
  names: Array<string>,
  /** Things that appeared. */
  onsets: number,
  /** Those that were recognised. */
  recognised: number,
  /** How often each name was recognised. */
  times: { [key in string]: number },
  /** What appeared last. */
  last: Recognition | null,
  /** What became of the last wish to teach, in a sentence; empty before the first. */
  told: string,
};

/** What is recorded of a run; what is not known is `None`. */
export type RecordingFigures = {
  /** Bytes of the session's file. */
  bytes: number | null,
  /** Their growth per second of model time. */
  bytes_per_second: number | null,
  /** Hours of model time until its disk is full. */
  hours_left: number | null,
  /** Seconds that are kept in memory, to be saved when wanted. */
  retro_seconds: number | null,
  /** What became of the last wish to save them, or why a recording ended, in a sentence; empty before the first. */
  kept: string,
  /** Whether that sentence is of something that could not be kept. */
  failed: boolean,
};

/** What a page may ask; each part is optional. */
export type Request = {
  /** This field frame, and all before it, have been drawn or passed over. */
  ack?: number,
  /** Show this band, on all pages. */
  band?: number,
  /** Show the field less its twin, or the field, on all pages. */
  difference?: boolean,
  /** From now on this page wants to give this. */
  begin?: Sense,
  /** What time is it? The page's own time in us, which comes back with the answer. */
  clock?: number,
  /** It gives this no more. */
  end?: Sense,
  /** Keep the last seconds in a file. */
  keep?: boolean,
  /** Send sound, or stop. */
  sound?: boolean,
  /** Which devices of this kind are there? */
  devices?: DeviceKind,
  /** Use the device of this name, or part of it, instead. */
  device?: [DeviceKind, string],
  /** Mute the speaker, or have it sound again. */
  mute?: boolean,
  /** Take control, whoever has it (`true`), or give it back, after what else is asked for here. */
  control?: boolean,
  /** Set these parameters; all or none. */
  set?: { [key in string]: number },
  /** Strike the field. */
  poke?: Poke,
  /** Go on at so many thousandths of real time, 10 to 1000. */
  speed?: number,
  /** Stand still, or go on. */
  pause?: boolean,
  /** Stand still after one picture of the field more. */
  step?: boolean,
  /** Write this down at the present time: 1 to 200 characters. */
  annotate?: string,
  /** Give what was seen last this name: 1 to 64 characters. */
  teach?: string,
  /** Have the array of this number go on seeing what it sees now, or see again. */
  hold?: [number, boolean],
};

/** An object. */
export type SeenObject = {
  /** Its label, from 1; it keeps it from update to update. */
  label: number,
  /** The colour of its label: red, green, blue. */
  colour: [number, number, number],
  /** Its share of the picture's pixels, 0 to 1. */
  share: number,
  /** How much its oscillators swing as one: their order parameter, 0 to 1. */
  confidence: number,
};

/** What a page can give of its device. */
export type Sense = "camera" | "microphone";

/** A slow band's part in what sound and picture have in common. */
export type SensesBand = {
  /** Its centre. */
  hz: number,
  /** How much both swing together, 0 to 1. */
  coherence: number,
  /** By how much of a turn the sound is behind where it belongs, -180 to 180; below 0 ahead. */
  phase_degrees: number,
};

/** Whether sound and picture belong together; what is not told is `None`. */
export type SensesFigures = {
  /** Windows of two seconds, one each half second, in which there was something to tell. */
  told: number,
  /** Those in which there was nothing, for silence or stillness. */
  untold: number,
  /** Why there is nothing to tell now; `None` where there is, or nothing was looked at yet. */
  lack: SensesLack | null,
  /** The last window. */
  now: Belonging | null,
  /** Mean evidence of the windows of the last ten seconds that tell: one window alone is wrong one time in ten. */
  lately: number | null,
  /** The last ten seconds. */
  asynchrony: Asynchrony | null,
  /** Mean evidence of all windows that tell. */
  mean_evidence: number | null,
  /** Share of these that speak for belonging together. */
  belongs: number | null,
  /** Mean order parameter of these. */
  mean_order: number | null,
  /** Median of all asynchronies that were told with a confidence of a half or more, in ms. */
  median_late_ms: number | null,
  /** How many these are, and of how many. */
  sure: [number, number],
};

/** What there is to tell lacks. */
export type SensesLack = "silence" | "stillness";

/** The shape of an array's sheet. */
export type SheetShape = {
  /** Rows. */
  height: number,
  /** Columns. */
  width: number,
  /** Bands, slowest first. */
  bands: number,
};

/** The figures of the moment; what is not measured yet is `None`. */
export type Status = {
  /** Model time in seconds. */
  seconds: number,
  /** Model time over wall time since the start. */
  realtime_factor: number | null,
  /** Ticks that ended more than 10 ms after they were due. */
  deadline_misses: number,
  /** The mind's eye; `None` where there is none. */
  mind: MindFigures | null,
  /** How arrays bind what is seen; `None` where none do. */
  binding: BindingFigures | null,
  /** The objects of what is seen; `None` where it is not taken apart. */
  objects: ObjectsFigures | null,
  /** What is recognised; `None` in a run without signatures. */
  recognition: RecognitionFigures | null,
  /** Whether sound and picture belong together; `None` in a run that does not both see and hear. */
  senses: SensesFigures | null,
  /** Bursts in the last second. */
  bursts_per_second: number,
  /** Their information in the last second. */
  bits_per_second: number,
  /** Information that was expected and so did not enter, in the last second; `None` where nothing learns. */
  explained_per_second: number | null,
  /** Information about the input that the field still holds, in bits. */
  bits_held: number | null,
  /** Seconds that the spectrum and its fit are of: those since the last change of a parameter, 30.7 at most; 0 before the first. */
  spectrum_seconds: number,
  /** Frequencies of the spectrum in Hz, ascending, without 0. */
  spectrum_hz: Array<number>,
  /** Power at those frequencies in uV^2/Hz, mean of the electrodes. */
  spectrum_power: Array<number>,
  /** The aperiodic fit at those frequencies; empty where there is none. */
  spectrum_fit: Array<number>,
  /** The tonic exponent. */
  exponent: number | null,
  /** Its 95 % interval. */
  exponent_interval: [number, number] | null,
  /** Order parameter per band of the first array, 0 to 1, slowest first. */
  order: Array<number>,
  /** Its standard deviation over time since the last change of a parameter: metastability. */
  metastability: Array<number | null>,
  /** Energy per band over the last second, slowest first; empty before that. */
  energy: Array<BandEnergy>,
  /** Engine time per tick in ms: median and 99th percentile. */
  tick_ms: [number | null, number | null],
  /** Cores that this program keeps busy, over the last second or more. */
  cpu: number | null,
  /** How long hops take: a tick's work first. */
  latency: Array<HopFigures>,
  /** Per source: name, produced, delivered, dropped. */
  sources: Array<[string, number, number, number]>,
  /** The devices of a live run. */
  devices: Array<DeviceFigures>,
  /** What is recorded; `None` where nothing is. */
  recording: RecordingFigures | null,
  /** What people may change, as it stands. */
  hand: InHand,
  /** A sentence worth reading (a source that ended, a file cut short); empty otherwise. */
  notice: string,
};

/** A stretch of electrode traces. */
export type TraceChunk = {
  /** The tick of the first sample. */
  first_tick: number,
  /** Samples per second. */
  rate_hz: number,
  /** Electrode names. */
  names: Array<string>,
  /** Microvolts, one row per electrode. JSON has null for what is not finite. */
  microvolts: Array<Array<number | null>>,
  /** Bursts that entered since the stretch before, one row per array: for every 10 ms, how many in each
   * [`crate::engine::PLACES`]th of the sheet's rows, from row 0. */
  bursts: Array<Array<number>>,
};
