//! PCM formats and WAV: pure functions over samples.
//!
//! Nothing here does I/O or converts between rates; every format is 16-bit little-endian, as the Live API has it.

mod pcm;
mod wav;

pub use pcm::{Carry, PcmFormat, PcmFormatError, bytes_of, samples_of};
pub use wav::{WAV_HEADER_BYTES, Wav, WavChannels, WavError, WavLength, wav_header};
