//! Which features a build of everything turns on: all that this machine can build.
//!
//! What a feature brings is written in its crate.

use std::process::{Command, Stdio};

use crate::tally::Tally;

/// Every feature, unless one of them wants a library of the system that is not there. The others are then turned on by the crates that
/// use them.
pub(crate) fn arguments() -> &'static [&'static str] {
    if has_alsa() { &["--all-features"] } else { &[] }
}

/// What is left out, to be counted once.
pub(crate) fn skipped() -> Tally {
    let mut tally = Tally::default();
    if !has_alsa() {
        tally.skip(
            1,
            "`live chat --mic` is not checked: it wants the headers of ALSA; install libasound2-dev and pkg-config"
                .to_owned(),
        );
    }
    tally
}

/// Only Linux has sound by a library that has to be installed for it.
fn has_alsa() -> bool {
    let mut ask = Command::new("pkg-config");
    ask.args(["--exists", "alsa"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    !cfg!(target_os = "linux") || ask.status().is_ok_and(|status| status.success())
}
