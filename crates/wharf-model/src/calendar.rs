//! Dates of the Gregorian calendar, and the one spelling of a time that programs agree on. Nothing here reads a clock.

use std::time::SystemTime;

/// Seconds of a day.
pub const DAY_S: u64 = 86_400;

/// A time as RFC 3339 has it, in microseconds and with an offset: `2026-01-02T03:04:05.678901+00:00`.
pub fn rfc3339(time: SystemTime) -> String {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / DAY_S);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let fraction = since.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}+00:00")
}

/// Year, month and day of a number of days since 1970. Years begin in March here, so that the odd day comes last.
pub fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// The number of days since 1970 of a date; the reverse of [`date`].
pub fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year.saturating_sub(u64::from(month <= 2));
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day.saturating_sub(1);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000000+00:00"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001+00:00"),
            (1_767_323_045_678_901, "2026-01-02T03:04:05.678901+00:00"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000+00:00"),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
            assert_eq!(rfc3339(time), expected, "{micros}");
        }
    }

    #[test]
    fn dates_are_reversible() {
        for day in (0..80_000).step_by(13) {
            let (year, month, day_of_month) = date(day);
            assert_eq!(days(year, month, day_of_month), day);
        }
    }
}
