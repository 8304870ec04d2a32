//! What asks for a token, `POST ../auth_tokens`, and what it is answered. Pure over the body and the time.
//!
//! Who may ask is decided by [`access`](crate::access), what a field mask may name by [`lock`](super::lock).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use live_engine::Violation;
use live_proto::json::{self, DecodeOptions};
use live_proto::{AuthToken, Timestamp};
use serde_json::{Value, json};

use super::lock::Lock;
use super::{BEGINS_WITHIN, Issued, LIFETIME, LIFETIME_MAX};
use crate::Secret;
use crate::access::Granted;

/// A token that was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) issued: Issued,
    /// As it was asked for: 0 is without limit.
    uses: u32,
    /// Fields that a lenient server leaves aside.
    pub(crate) unknown: Vec<String>,
}

impl Asked {
    /// Reads a body, empty or an `AuthToken` in JSON. Otherwise what is wrong, in one sentence that names where.
    pub(crate) fn read(
        body: &[u8],
        options: &DecodeOptions,
        granted: Granted,
        now: SystemTime,
    ) -> Result<Self, String> {
        let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
        let decoded = json::decode::<AuthToken>(body, options).map_err(|error| Violation::from(error).text())?;
        let AuthToken {
            // Output only, which requests may hold and nobody looks at.
            name: _,
            expire_time,
            new_session_expire_time,
            uses,
            bidi_generate_content_setup,
            field_mask,
        } = decoded.message;

        // What is kept and what is told have the same grain.
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now =
            SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX));
        let expires_at = ahead("expireTime", expire_time, now)?.unwrap_or(now + LIFETIME);
        let begins_until = ahead("newSessionExpireTime", new_session_expire_time, now)?;
        let begins_until = begins_until.unwrap_or_else(|| expires_at.min(now + BEGINS_WITHIN));
        let uses = u32::try_from(uses.unwrap_or(1)).map_err(|_| "uses: it is 0, for no limit, or more".to_owned())?;
        let lock = Lock::new(bidi_generate_content_setup.as_deref(), &field_mask)
            .map_err(|error| format!("fieldMask: {error}"))?;
        let uses_left = (uses > 0).then_some(uses);
        let Granted { project, sessions_max, is_claimed } = granted;
        let issued =
            Issued { project, is_claimed, sessions_max, expires_at, begins_until, uses_left, lock: Arc::new(lock) };
        Ok(Self { issued, uses, unknown: decoded.unknown })
    }

    /// What the client is answered when `name` was kept.
    pub(crate) fn answer(&self, name: &Secret) -> Value {
        let Self { issued: Issued { expires_at, begins_until, .. }, uses, unknown: _ } = self;
        json!({
            "name": name.reveal(),
            "expireTime": Timestamp::from(*expires_at).to_string(),
            "newSessionExpireTime": Timestamp::from(*begins_until).to_string(),
            "uses": uses,
        })
    }
}

/// A time that lies ahead, and less than 20 hours.
fn ahead(path: &str, time: Option<Timestamp>, now: SystemTime) -> Result<Option<SystemTime>, String> {
    let Some(time) = time else { return Ok(None) };
    let found = || format!("found {time}, and it is {} now", Timestamp::from(now));
    let seconds = u64::try_from(time.seconds).ok();
    let ms = u32::try_from(time.nanos).unwrap_or_default() / 1_000_000;
    let at = seconds.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, ms * 1_000_000)));
    match at.and_then(|at| at.duration_since(now).ok().map(|ahead| (at, ahead))) {
        Some((at, ahead)) if !ahead.is_zero() && ahead < LIFETIME_MAX => Ok(Some(at)),
        Some((_, ahead)) if !ahead.is_zero() => {
            Err(format!("{path}: it must be less than 20 hours ahead; {}", found()))
        }
        Some(_) | None => Err(format!("{path}: it must be in the future; {}", found())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    const SOMEBODY: Granted = Granted { project: Project::ANONYMOUS, sessions_max: Some(7), is_claimed: true };

    fn now() -> SystemTime {
        // 2026-11-21T20:00:00Z
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_291_200)
    }

    fn read(body: &str) -> Result<Asked, String> {
        Asked::read(body.as_bytes(), &DecodeOptions::strict(), SOMEBODY, now())
    }

    #[test]
    fn nothing_said_is_one_use_within_a_minute_and_half_an_hour() {
        for body in ["", " \n", "{}", r#"{"name": "auth_tokens/mine", "uses": null}"#] {
            let asked = read(body).unwrap();
            let Issued { project, expires_at, begins_until, uses_left, lock, .. } = &asked.issued;
            assert_eq!((*project, *uses_left), (Project::ANONYMOUS, Some(1)), "{body}");
            assert!(asked.issued.sessions_max == Some(7) && asked.issued.is_claimed, "{body}");
            assert_eq!(*expires_at, now() + Duration::from_secs(30 * 60), "{body}");
            assert_eq!(*begins_until, now() + Duration::from_secs(60), "{body}");
            assert_eq!(**lock, Lock::default(), "{body}");
            let answer = asked.answer(&Secret::new("auth_tokens/x"));
            let expected = json!({ "name": "auth_tokens/x", "expireTime": "2026-11-21T20:30:00Z",
                "newSessionExpireTime": "2026-11-21T20:01:00Z", "uses": 1 });
            assert_eq!(answer, expected, "{body}");
        }
    }

    #[test]
    fn times_and_uses_are_read_as_the_sdks_write_them() {
        let python = r#"{"expireTime":"2026-11-21T20:45:30.624771+00:00","newSessionExpireTime":"2026-11-21T20:02:00+00:00","uses":2}"#;
        let javascript = r#"{"expire_time":"2026-11-21T20:45:30.624Z","new_session_expire_time":"2026-11-21T21:02:00.000+01:00","uses":0}"#;
        for (body, uses) in [(python, Some(2)), (javascript, None)] {
            let Issued { expires_at, begins_until, uses_left, .. } = read(body).unwrap().issued;
            let expected = now() + Duration::from_secs(45 * 60 + 30) + Duration::from_millis(624);
            assert_eq!((expires_at, uses_left), (expected, uses), "{body}");
            assert_eq!(begins_until, now() + Duration::from_secs(120), "{body}");
        }
        let short = read(r#"{"expireTime":"2026-11-21T20:00:10Z"}"#).unwrap().issued;
        assert_eq!(short.begins_until, short.expires_at, "no session begins after the end");
    }

    #[test]
    fn times_are_told_as_they_are_kept() {
        let odd = now() + Duration::from_nanos(692_579_020);
        let asked = Asked::read(b"", &DecodeOptions::strict(), SOMEBODY, odd).unwrap();
        assert_eq!(asked.answer(&Secret::new("x"))["newSessionExpireTime"], "2026-11-21T20:01:00.692Z");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        for (body, says) in [
            (r#"{"liveConnectConstraints":{}}"#, "Unknown name \"liveConnectConstraints\": Cannot find field."),
            (
                r#"{"bidiGenerateContentSetup":{"generation_config":{"nope":1}}}"#,
                "Unknown name \"nope\" at 'bidi_generate_content_setup.generation_config': Cannot find field.",
            ),
            (r#"{"uses":-1}"#, "uses: it is 0, for no limit, or more"),
            (r#"{"uses":"many"}"#, "'uses'"),
            (r#"{"uses":1,"uses":2}"#, "given twice"),
            (
                r#"{"expireTime":"2026-11-21T20:00:00Z"}"#,
                "expireTime: it must be in the future; found 2026-11-21T20:00:00Z",
            ),
            (r#"{"expireTime":"1950-01-01T00:00:00Z"}"#, "expireTime: it must be in the future"),
            (r#"{"expireTime":"2026-11-22T16:00:00Z"}"#, "expireTime: it must be less than 20 hours ahead"),
            (
                r#"{"newSessionExpireTime":"9999-12-31T23:59:59Z"}"#,
                "newSessionExpireTime: it must be less than 20 hours",
            ),
            (r#"{"newSessionExpireTime":"tomorrow"}"#, "'new_session_expire_time'"),
            (
                r#"{"fieldMask":"model,no_such.path"}"#,
                "fieldMask: \"no_such.path\": bidiGenerateContentSetup has no field noSuch",
            ),
            (r#"{"fieldMask":["model"]}"#, "'field_mask'"),
            ("[]", "expected an object"),
            ("{", "Invalid JSON payload"),
            ("uses=1", "Invalid JSON payload"),
            ("\u{feff}{}", "Invalid JSON payload"),
        ] {
            let error = read(body).expect_err(body);
            assert!(error.contains(says), "{body}: {error}");
        }
        read(r#"{"expireTime":"2026-11-22T15:59:59.999Z"}"#).expect("20 hours are not reached");
    }

    #[test]
    fn a_lenient_server_leaves_aside_what_it_does_not_know() {
        let body = br#"{"uses":3,"liveConnectConstraints":{"model":"m"}}"#;
        let asked = Asked::read(body, &DecodeOptions::lenient(), SOMEBODY, now()).unwrap();
        assert_eq!((asked.issued.uses_left, asked.unknown), (Some(3), vec!["liveConnectConstraints".to_owned()]));
    }
}
