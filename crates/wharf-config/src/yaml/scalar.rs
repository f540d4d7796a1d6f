//! What a scalar without quotes is: the core schema of YAML 1.2, §10.3.2.

use serde_json::Number;

/// What a text is when it stands without quotes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    /// A whole number.
    Integer(Number),
    /// A finite number with a fraction or an exponent.
    Float(Number),
    Text,
}

/// Reads a scalar by the core schema. `yes` and `off` are texts, as YAML 1.2 has it; so are numbers that no machine
/// number can hold, and `.inf` and `.nan`, which no setting means.
pub(crate) fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        _ => integer(text)
            .map(Resolved::Integer)
            .or_else(|| float(text).map(Resolved::Float))
            .unwrap_or(Resolved::Text),
    }
}

fn integer(text: &str) -> Option<Number> {
    let (digits, radix) = if let Some(octal) = text.strip_prefix("0o") {
        (octal, 8)
    } else if let Some(hexadecimal) = text.strip_prefix("0x") {
        (hexadecimal, 16)
    } else {
        (text, 10)
    };
    // A sign is for decimal numbers only; Rust would take one after the prefix as well.
    if radix != 10 && digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix)
        .map(Number::from)
        .or_else(|_| i64::from_str_radix(digits, radix).map(Number::from))
        .ok()
}

fn float(text: &str) -> Option<Number> {
    // Rust also reads `inf`, `nan` and `infinity`.
    let has_only_number_signs = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !has_only_number_signs {
        return None;
    }
    Number::from_f64(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_follow_the_core_schema() {
        let integer = |n: i64| Resolved::Integer(n.into());
        let float = |n: f64| Resolved::Float(Number::from_f64(n).unwrap());
        for (text, expected) in [
            ("", Resolved::Null),
            ("~", Resolved::Null),
            ("NULL", Resolved::Null),
            ("nUll", Resolved::Text),
            ("true", Resolved::Bool(true)),
            ("FALSE", Resolved::Bool(false)),
            ("yes", Resolved::Text),
            ("on", Resolved::Text),
            ("0", integer(0)),
            ("007", integer(7)),
            ("-12", integer(-12)),
            ("+12", integer(12)),
            ("0o17", integer(15)),
            ("0xFf", integer(255)),
            ("0x-1", Resolved::Text),
            ("18446744073709551615", Resolved::Integer(u64::MAX.into())),
            ("1.0", float(1.0)),
            (".5", float(0.5)),
            ("1.", float(1.0)),
            ("1e3", float(1000.0)),
            ("1e999", Resolved::Text),
            (".inf", Resolved::Text),
            (".nan", Resolved::Text),
            ("inf", Resolved::Text),
            ("nan", Resolved::Text),
            ("infinity", Resolved::Text),
            (".", Resolved::Text),
            ("-", Resolved::Text),
            ("e", Resolved::Text),
            ("1.2.3", Resolved::Text),
            ("1_000", Resolved::Text),
            ("12:30", Resolved::Text),
            ("2026-01-01", Resolved::Text),
        ] {
            assert_eq!(resolve(text), expected, "{text:?}");
        }
    }
}
