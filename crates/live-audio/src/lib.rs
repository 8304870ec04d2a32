//! PCM, G.711 and WAV, a streaming resampler, and voice activity: pure functions over samples.
//!
//! Nothing here does I/O or reads a clock; samples are 16-bit, one channel unless a type says otherwise, as the Live API has it.

mod g711;
mod input;
mod pcm;
mod resample;
pub mod vad;
mod wav;

pub use g711::G711;
pub use input::{Input, InputFormat};
pub use pcm::{Carry, PcmFormat, PcmFormatError, bytes_of, samples_of};
pub use resample::{PASS_BAND, Resampler};
pub use vad::{EarshotVad, EnergyVad, Vad};
pub use wav::{WAV_HEADER_BYTES, Wav, WavChannels, WavError, WavLength, wav_header};
