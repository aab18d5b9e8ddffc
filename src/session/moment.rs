//! Moments as JavaScript, databases and adapters write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// A moment in seconds since 1970: a date as text, or seconds or milliseconds as a number or as text.
pub(in crate::session) fn moment(value: &Value) -> Option<f64> {
    /// Milliseconds since 1970 that are taken for seconds would be in the year 5138 and later.
    const FIRST_MILLISECONDS: f64 = 1e11;
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.parse::<f64>() {
            Ok(number) => number,
            Err(_) => return of_text(text),
        },
        _ => return None,
    };
    if !number.is_finite() || number <= 0.0 {
        return None;
    }
    Some(if number >= FIRST_MILLISECONDS { number / 1000.0 } else { number })
}

/// `2026-01-31T00:00:00.000Z`, or with a space, and read as UTC where it does not say so.
fn of_text(text: &str) -> Option<f64> {
    let text = text.trim_end_matches("+00:00").trim_end_matches(" UTC");
    let at = humantime::parse_rfc3339_weak(text).ok()?;
    Some(at.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

/// Seconds since 1970. Before that a clock is wrong, and nothing shall be valid by it.
pub(in crate::session) fn seconds(now: SystemTime) -> f64 {
    now.duration_since(UNIX_EPOCH).map_or(f64::INFINITY, |since| since.as_secs_f64())
}

/// As `Date.prototype.toISOString` writes seconds since 1970; `None` outside the years 1970 to 9999.
pub(in crate::session) fn iso(seconds: f64) -> Option<String> {
    const LAST_SECOND: f64 = 253_402_300_799.0;
    let since = Duration::try_from_secs_f64(seconds).ok().filter(|_| seconds <= LAST_SECOND)?;
    // Rounded, for a number cannot hold every millisecond exactly.
    let since = since + Duration::from_micros(500);
    Some(humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{iso, moment};

    #[test]
    fn a_moment_is_a_date_or_a_number_in_whichever_way_adapters_write_it() {
        for (value, expected) in [
            (json!("2026-01-01T00:00:00.500Z"), Some(1_767_225_600.5)),
            (json!("2026-01-01 00:00:00"), Some(1_767_225_600.0)),
            (json!("2026-01-01T00:00:00+00:00"), Some(1_767_225_600.0)),
            (json!(1_767_225_600), Some(1_767_225_600.0)),
            (json!(1_767_225_600_500_i64), Some(1_767_225_600.5)),
            (json!("1767225600500"), Some(1_767_225_600.5)),
            (json!("2026-01-01T00:00:00+02:00"), None),
            (json!("soon"), None),
            (json!(""), None),
            (json!("inf"), None),
            (json!(0), None),
            (json!(-5), None),
            (json!(null), None),
            (json!(true), None),
        ] {
            assert_eq!(moment(&value), expected, "{value}");
        }
    }

    #[test]
    fn a_moment_is_written_as_javascript_writes_it() {
        assert_eq!(iso(1_767_225_600.123).as_deref(), Some("2026-01-01T00:00:00.123Z"));
        assert_eq!(iso(-1.0), None);
        assert_eq!(iso(1e18), None);
    }
}
