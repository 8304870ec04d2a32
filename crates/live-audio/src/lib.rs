//! PCM formats and WAV: pure functions over samples.
