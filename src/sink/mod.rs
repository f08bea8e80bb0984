//! Where output goes: WAV, EDF+, pictures, plots.
