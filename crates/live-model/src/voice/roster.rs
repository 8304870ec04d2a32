//! The thirty speakers: data only; how a number is heard is `synth.rs`.

use super::Voice;

#[expect(clippy::too_many_arguments, reason = "one column each of the table below")]
const fn voice(
    name: &'static str,
    pitch_hz: f32,
    lilt: f32,
    tract: f32,
    breath: f32,
    tilt: f32,
    open: f32,
    rate: f32,
) -> Voice {
    Voice { name, pitch_hz, lilt, tract, breath, tilt, open, rate }
}

/// Names as the Live API documents them; the first eight are the voices of the half-cascade models, the rest vary on them.
#[rustfmt::skip]
pub(super) static ROSTER: [Voice; 30] = [
    //    name             pitch   lilt  tract  breath tilt  open  rate
    voice("Puck",          124.,  1.15,  1.00,  0.04, 0.17, 0.55, 1.00),
    voice("Charon",         86.,  0.75,  0.94,  0.05, 0.25, 0.58, 0.93),
    voice("Kore",          192.,  0.90,  1.14,  0.05, 0.17, 0.58, 0.98),
    voice("Fenrir",        106.,  1.45,  0.97,  0.02, 0.07, 0.44, 1.10),
    voice("Leda",          238.,  1.20,  1.21,  0.08, 0.19, 0.62, 1.02),
    voice("Orus",           98.,  0.90,  1.03,  0.02, 0.11, 0.48, 0.96),
    voice("Aoede",         206.,  1.05,  1.17,  0.20, 0.30, 0.70, 0.96),
    voice("Zephyr",        222.,  1.35,  1.12,  0.04, 0.06, 0.52, 1.06),
    voice("Callirrhoe",    184.,  0.80,  1.13,  0.10, 0.28, 0.64, 0.92),
    voice("Autonoe",       214.,  1.15,  1.15,  0.06, 0.11, 0.56, 1.00),
    voice("Enceladus",      94.,  0.85,  0.98,  0.26, 0.33, 0.70, 0.92),
    voice("Iapetus",       112.,  0.95,  1.01,  0.03, 0.14, 0.52, 1.00),
    voice("Umbriel",       104.,  0.80,  0.96,  0.08, 0.25, 0.60, 0.94),
    voice("Algieba",        92.,  1.00,  0.95,  0.06, 0.28, 0.60, 0.97),
    voice("Despina",       200.,  1.00,  1.16,  0.10, 0.26, 0.64, 0.98),
    voice("Erinome",       188.,  0.90,  1.12,  0.04, 0.14, 0.56, 1.00),
    voice("Algenib",        80.,  0.85,  0.93,  0.12, 0.10, 0.46, 0.94),
    voice("Rasalgethi",    116.,  1.00,  0.99,  0.05, 0.18, 0.54, 1.05),
    voice("Laomedeia",     226.,  1.30,  1.18,  0.06, 0.15, 0.58, 1.06),
    voice("Achernar",      218.,  0.90,  1.19,  0.22, 0.34, 0.72, 0.94),
    voice("Alnilam",       108.,  0.95,  0.98,  0.02, 0.08, 0.47, 1.02),
    voice("Schedar",       114.,  0.60,  1.02,  0.04, 0.19, 0.56, 0.97),
    voice("Gacrux",        170.,  0.85,  1.10,  0.07, 0.21, 0.58, 0.93),
    voice("Pulcherrima",   208.,  1.25,  1.13,  0.03, 0.08, 0.50, 1.08),
    voice("Achird",        128.,  1.10,  1.03,  0.06, 0.21, 0.58, 1.00),
    voice("Zubenelgenubi", 120.,  0.95,  1.04,  0.08, 0.23, 0.60, 1.03),
    voice("Vindemiatrix",  186.,  0.75,  1.15,  0.14, 0.32, 0.68, 0.90),
    voice("Sadachbia",     132.,  1.30,  1.01,  0.03, 0.12, 0.50, 1.08),
    voice("Sadaltager",    102.,  1.00,  1.00,  0.04, 0.15, 0.53, 0.98),
    voice("Sulafat",       196.,  1.05,  1.11,  0.09, 0.25, 0.62, 0.96),
];
