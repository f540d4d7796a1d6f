//! The two spellings of a time that AWS uses, which no crate of this workspace reads or writes.

use std::time::{Duration, SystemTime};

use wharf_model::calendar::{DAY_S, date, days};

/// `20260102`, the first part of a [`stamp`].
pub(super) const DATE_CHARS: usize = 8;

/// A time as `20260102T030405Z`.
pub(super) fn stamp(time: SystemTime) -> String {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (year, month, day) = date(seconds / DAY_S);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The time that `2026-01-02T03:04:05Z` says; fractions of a second are dropped.
pub(super) fn read(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let numbers = |text: &str, separator| -> Option<[u64; 3]> {
        let numbers = text.split(separator).map(|number| number.parse().ok());
        numbers.collect::<Option<Vec<u64>>>()?.try_into().ok()
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time.split('.').next()?, ':')?;
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    // Only what fits can be computed without running over.
    fits.then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
        .map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (seconds, stamped, written) in [
            (0, "19700101T000000Z", "1970-01-01T00:00:00Z"),
            (951_782_399, "20000228T235959Z", "2000-02-28T23:59:59Z"),
            (951_782_400, "20000229T000000Z", "2000-02-29T00:00:00.75Z"),
            (1_440_938_160, "20150830T123600Z", "2015-08-30T12:36:00Z"),
            (4_102_444_800, "21000101T000000Z", "2100-01-01T00:00:00Z"),
            (4_107_542_400, "21000301T000000Z", "2100-03-01T00:00:00Z"),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(stamp(time), stamped, "{seconds}");
            assert_eq!(read(written), Some(time), "{written}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-13-02T03:04:05Z",
            "2026-01-02T24:04:05Z",
            "1969-12-31T23:59:59Z",
            "99999999999999999-01-02T03:04:05Z",
            "2026-01-02T03:04Z",
            "-1-01-02T03:04:05Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
