//! Protobuf's `Duration` and `Timestamp`, with the strings that JSON gives them.

use std::fmt;
use std::str::FromStr;

/// A span of time, possibly negative: seconds and nanoseconds of the same sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Duration {
    /// Whole seconds, within ±315,576,000,000 (10,000 years).
    pub seconds: i64,
    /// The rest, within ±999,999,999.
    pub nanos: i32,
}

/// A time in UTC, counted from 1970-01-01T00:00:00Z, from the year 1 to 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds since the epoch; negative before it.
    pub seconds: i64,
    /// The rest, counted forward, within 0..1,000,000,000.
    pub nanos: i32,
}

/// A text that is no duration or no time, or a value out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid time or duration")]
pub struct TimeError;

const NANOS_PER_SECOND: i32 = 1_000_000_000;
const DURATION_SECONDS_MAX: i64 = 315_576_000_000;
/// 0001-01-01T00:00:00Z.
const TIMESTAMP_SECONDS_MIN: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const TIMESTAMP_SECONDS_MAX: i64 = 253_402_300_799;
const SECONDS_PER_DAY: i64 = 86_400;

impl From<std::time::Duration> for Duration {
    /// Cuts at 10,000 years.
    fn from(duration: std::time::Duration) -> Self {
        match i64::try_from(duration.as_secs()) {
            Ok(seconds) if seconds < DURATION_SECONDS_MAX => {
                Self { seconds, nanos: duration.subsec_nanos().cast_signed() }
            }
            _ => Self { seconds: DURATION_SECONDS_MAX, nanos: 0 },
        }
    }
}

impl TryFrom<Duration> for std::time::Duration {
    type Error = TimeError;

    /// # Errors
    /// A negative duration.
    fn try_from(duration: Duration) -> Result<Self, TimeError> {
        let seconds = u64::try_from(duration.seconds).map_err(|_| TimeError)?;
        let nanos = u32::try_from(duration.nanos).map_err(|_| TimeError)?;
        Ok(Self::new(seconds, nanos))
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        let nanos = match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
        };
        let per_second = i128::from(NANOS_PER_SECOND);
        let seconds = i64::try_from(nanos.div_euclid(per_second)).unwrap_or(TIMESTAMP_SECONDS_MAX);
        let nanos = i32::try_from(nanos.rem_euclid(per_second)).unwrap_or(0);
        Self { seconds: seconds.clamp(TIMESTAMP_SECONDS_MIN, TIMESTAMP_SECONDS_MAX), nanos }
    }
}

impl Duration {
    /// True within protobuf's range, with both parts of one sign.
    pub fn is_valid(&self) -> bool {
        let one_sign = self.seconds == 0 || self.nanos == 0 || (self.seconds > 0) == (self.nanos > 0);
        self.seconds.abs() <= DURATION_SECONDS_MAX && self.nanos.abs() < NANOS_PER_SECOND && one_sign
    }
}

/// Seconds with 0, 3, 6 or 9 decimals and the suffix `s`: `"57.500s"`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.seconds < 0 || self.nanos < 0 { "-" } else { "" };
        write!(f, "{sign}{}", self.seconds.unsigned_abs())?;
        write_fraction(f, self.nanos.unsigned_abs())?;
        f.write_str("s")
    }
}

impl FromStr for Duration {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let number = text.strip_suffix('s').ok_or(TimeError)?;
        let (negative, number) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
        let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, rest)| (whole, Some(rest)));
        let seconds: i64 = digits(whole)?.parse().map_err(|_| TimeError)?;
        let nanos = fraction.map_or(Ok(0), parse_fraction)?;
        let duration = if negative { Self { seconds: -seconds, nanos: -nanos } } else { Self { seconds, nanos } };
        if duration.is_valid() { Ok(duration) } else { Err(TimeError) }
    }
}

/// RFC 3339 in UTC: `"2027-05-01T00:00:00Z"`, with 0, 3, 6 or 9 decimals.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.seconds.div_euclid(SECONDS_PER_DAY));
        let second = self.seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        write_fraction(f, self.nanos.unsigned_abs())?;
        f.write_str("Z")
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// Takes any offset from UTC and up to nine decimals.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let (date, rest) = text.split_once('T').ok_or(TimeError)?;
        let (year, month, day) = three(date, '-', [4, 2, 2])?;
        let at = rest.find(['Z', '+', '-']).ok_or(TimeError)?;
        let (clock, zone) = rest.split_at(at);
        let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, rest)| (clock, Some(rest)));
        let (hour, minute, second) = three(clock, ':', [2, 2, 2])?;
        let nanos = fraction.map_or(Ok(0), parse_fraction)?;
        let in_range = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day) && year >= 1;
        if !in_range || hour > 23 || minute > 59 || second > 59 {
            return Err(TimeError);
        }
        let days = days_from_civil(year, month, day);
        let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - parse_offset(zone)?;
        if !(TIMESTAMP_SECONDS_MIN..=TIMESTAMP_SECONDS_MAX).contains(&seconds) {
            return Err(TimeError);
        }
        Ok(Self { seconds, nanos })
    }
}

fn write_fraction(f: &mut fmt::Formatter<'_>, nanos: u32) -> fmt::Result {
    match nanos {
        0 => Ok(()),
        n if n % 1_000_000 == 0 => write!(f, ".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => write!(f, ".{:06}", n / 1_000),
        n => write!(f, ".{n:09}"),
    }
}

fn parse_fraction(text: &str) -> Result<i32, TimeError> {
    let text = digits(text)?;
    if text.len() > 9 {
        return Err(TimeError);
    }
    format!("{text:0<9}").parse().map_err(|_| TimeError)
}

/// Seconds east of UTC of `Z` or `±hh:mm`.
fn parse_offset(zone: &str) -> Result<i64, TimeError> {
    if zone == "Z" {
        return Ok(0);
    }
    let (sign, rest) = zone.split_at_checked(1).ok_or(TimeError)?;
    let (hours, minutes) = rest.split_once(':').ok_or(TimeError)?;
    let (hours, minutes) = (fixed(hours, 2)?, fixed(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return Err(TimeError);
    }
    let seconds = hours * 3600 + minutes * 60;
    Ok(if sign == "-" { -seconds } else { seconds })
}

fn three(text: &str, separator: char, widths: [usize; 3]) -> Result<(i64, i64, i64), TimeError> {
    let mut parts = text.split(separator);
    let mut next = |width| fixed(parts.next().ok_or(TimeError)?, width);
    let all = (next(widths[0])?, next(widths[1])?, next(widths[2])?);
    if parts.next().is_some() { Err(TimeError) } else { Ok(all) }
}

fn fixed(text: &str, width: usize) -> Result<i64, TimeError> {
    if text.len() != width {
        return Err(TimeError);
    }
    digits(text)?.parse().map_err(|_| TimeError)
}

fn digits(text: &str) -> Result<&str, TimeError> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if all { Ok(text) } else { Err(TimeError) }
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, counting in eras of 400 years whose years begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_read_and_print_as_the_wire_has_them() {
        for (text, seconds, nanos) in
            [("50s", 50, 0), ("57.500s", 57, 500_000_000), ("-1.000001s", -1, -1000), ("0s", 0, 0)]
        {
            let duration = Duration { seconds, nanos };
            assert_eq!(text.parse(), Ok(duration));
            assert_eq!(duration.to_string(), text);
        }
        assert_eq!("9.5s".parse(), Ok(Duration { seconds: 9, nanos: 500_000_000 }));
        for bad in ["", "s", "5", "1.s", ".5s", "1.0000000001s", "1 s", "--1s", "1e3s", "315576000001s"] {
            assert_eq!(bad.parse::<Duration>(), Err(TimeError), "{bad}");
        }
    }

    #[test]
    fn times_read_with_any_offset() {
        let time = "2026-11-21T20:45:30.624771+00:00".parse::<Timestamp>();
        assert_eq!(time.map(|time| time.to_string()).as_deref(), Ok("2026-11-21T20:45:30.624771Z"));
        assert_eq!("1970-01-01T01:00:00+01:00".parse(), Ok(Timestamp { seconds: 0, nanos: 0 }));
        assert_eq!("1969-12-31T23:59:59.5Z".parse(), Ok(Timestamp { seconds: -1, nanos: 500_000_000 }));
        for bad in [
            "2027-02-29T00:00:00Z",
            "2027-01-01 00:00:00Z",
            "2027-01-01T00:00:00",
            "0000-01-01T00:00:00Z",
            "2027-1-1T0:0:0Z",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(TimeError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(seconds in TIMESTAMP_SECONDS_MIN..=TIMESTAMP_SECONDS_MAX, nanos in 0..NANOS_PER_SECOND) {
            let time = Timestamp { seconds, nanos };
            prop_assert_eq!(time.to_string().parse(), Ok(time));
            let duration = Duration { seconds, nanos: if seconds < 0 { -nanos } else { nanos } };
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Timestamp>();
            let _ = text.parse::<Duration>();
        }
    }
}
