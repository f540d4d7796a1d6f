//! Pets, as the shop knows them.

use serde::Serialize;
use serde_json::Value;

use crate::body::{Fields, Named};
use crate::problem::Problem;

/// The dearest pet; a price above is a slip of the keyboard.
const PRICE_MAX: f64 = 100_000.0;

/// A pet in the shop.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pet {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) details: PetDetails,
}

/// Everything about a pet that clients decide.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PetDetails {
    pub(crate) name: String,
    pub(crate) kind: PetKind,
    pub(crate) status: PetStatus,
    pub(crate) price: f64,
    pub(crate) tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) born: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PetKind {
    #[default]
    Bird,
    Cat,
    Dog,
    Fish,
    Rabbit,
    Reptile,
    Rodent,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PetStatus {
    #[default]
    Available,
    Reserved,
    Sold,
}

impl Named for PetKind {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("bird", Self::Bird),
        ("cat", Self::Cat),
        ("dog", Self::Dog),
        ("fish", Self::Fish),
        ("rabbit", Self::Rabbit),
        ("reptile", Self::Reptile),
        ("rodent", Self::Rodent),
    ];
}

impl Named for PetStatus {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("available", Self::Available),
        ("reserved", Self::Reserved),
        ("sold", Self::Sold),
    ];
}

impl PetDetails {
    /// Reads what a client sent, or says everything that is wrong with it.
    pub(crate) fn read(body: Value) -> Result<Self, Problem> {
        let mut fields = Fields::of(body)?;
        let details = Self {
            name: fields.text("name", 1..=60),
            kind: fields.named("kind"),
            status: fields.optional_named("status"),
            price: fields.amount("price", 0.0..=PRICE_MAX),
            tags: fields.texts("tags", 10, 1..=30),
            born: fields.optional_text("born", 10..=10),
            note: fields.optional_text("note", 1..=500),
        };
        if details.born.as_deref().is_some_and(|born| !is_date(born)) {
            fields.note("born", "must be a date such as 2024-05-17");
        }
        fields.finish()?;
        Ok(details)
    }
}

/// Whether a text is a day of the calendar: RFC 3339's `full-date`.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse::<u32>().ok())
            .flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap_year => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_the_calendar() {
        for (text, expected) in [
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("1900-02-29", false),
            ("2000-02-29", true),
            ("2024-04-31", false),
            ("2024-12-31", true),
            ("2024-13-01", false),
            ("2024-00-10", false),
            ("2024-01-00", false),
            ("2024-1-010", false),
            ("+024-01-01", false),
            ("2024/01/01", false),
            ("ü24-01-01", false),
        ] {
            assert_eq!(is_date(text), expected, "{text}");
        }
    }
}
