//! G.711, the two laws of telephone lines: one byte a sample.
//!
//! Not here: the rate, which is 8 kHz on every line but is the caller's to say.

/// How 14 bits are pressed into eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum G711 {
    /// μ-law, of North America and Japan.
    MuLaw,
    /// A-law, of everywhere else.
    ALaw,
}

impl G711 {
    /// The sample that a byte stands for.
    pub fn expand(self, byte: u8) -> i16 {
        match self {
            Self::MuLaw => {
                let byte = !byte;
                let magnitude = (((i16::from(byte & 0x0f) << 3) + MU_BIAS) << (byte >> 4 & 7)) - MU_BIAS;
                if byte & 0x80 == 0 { magnitude } else { -magnitude }
            }
            Self::ALaw => {
                let byte = byte ^ 0x55;
                let (mantissa, exponent) = (i16::from(byte & 0x0f) << 4, byte >> 4 & 7);
                let magnitude = match exponent {
                    0 => mantissa + 8,
                    _ => (mantissa + 0x108) << (exponent - 1),
                };
                if byte & 0x80 == 0 { -magnitude } else { magnitude }
            }
        }
    }

    /// The byte that stands for a sample.
    pub fn compress(self, sample: i16) -> u8 {
        let sign = if sample < 0 { 0x80_u8 } else { 0 };
        match self {
            Self::MuLaw => {
                let magnitude = sample.unsigned_abs().min(MU_CLIP) + MU_BIAS.unsigned_abs();
                // The bias makes the highest set bit one of bits 7 to 14.
                let exponent = 8 - magnitude.leading_zeros();
                let mantissa = magnitude >> (exponent + 3) & 0x0f;
                !(sign | (exponent as u8) << 4 | mantissa as u8)
            }
            Self::ALaw => {
                // One's complement, so that both signs have all their steps.
                let magnitude = (if sample < 0 { !sample } else { sample }).unsigned_abs();
                let exponent = 8_u32.saturating_sub(magnitude.leading_zeros());
                let mantissa = magnitude >> (exponent.max(1) + 3) & 0x0f;
                (sign ^ 0x80 | (exponent as u8) << 4 | mantissa as u8) ^ 0x55
            }
        }
    }
}

const MU_BIAS: i16 = 0x84;
const MU_CLIP: u16 = 32_635;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::G711::{self, ALaw, MuLaw};

    /// Values of ITU-T G.711, tables 1a to 2b, scaled to 16 bits.
    #[test]
    fn the_tables_of_the_recommendation_hold() {
        for (byte, sample) in
            [(0xff, 0), (0x7f, 0), (0x80, 32_124), (0x00, -32_124), (0xfe, 8), (0xf0, 120), (0xef, 132)]
        {
            assert_eq!(MuLaw.expand(byte), sample, "{byte:#x}");
        }
        for (byte, sample) in [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0xc5, 264), (0x80, 5_504)] {
            assert_eq!(ALaw.expand(byte), sample, "{byte:#x}");
        }
    }

    #[test]
    fn every_byte_comes_back() {
        for law in [MuLaw, ALaw] {
            for byte in 0..=u8::MAX {
                // Zero has two signs in the μ-law; the positive one is written.
                let expected = if law == MuLaw && byte == 0x7f { 0xff } else { byte };
                assert_eq!(law.compress(law.expand(byte)), expected, "{law:?} {byte:#x}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_sample_comes_back_within_half_a_step(sample: i16, mu: bool) {
            let law: G711 = if mu { MuLaw } else { ALaw };
            let back = i32::from(law.expand(law.compress(sample)));
            let error = (back - i32::from(sample)).abs();
            let clipped = i32::from(sample).abs() > 32_124;
            // A step is 1/16 of its octave, at least 16 where the law is flat.
            prop_assert!(clipped || error <= i32::from(sample).abs() / 32 + 8, "{sample} -> {back}");
        }
    }
}
