//! JSON that can be read in only one way.
//!
//! Where a member stands twice, two readers may see two things: one checks the first `aud`, another the last. RFC 7519 §4
//! lets a verifier refuse that, and this one does, at every depth.

use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use wharf_model::Json;

/// The deepest nesting of a token's parts and of a key set. Honest ones have three or four levels; the readers behind
/// this one recurse.
const NESTING_MAX: usize = 16;

/// Reads one JSON object in which no member stands twice.
pub(crate) fn object(bytes: Bytes) -> Option<Json> {
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    Sound { depth: 0 }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    let json = Json::parse(bytes).ok()?;
    (json.kind() == wharf_model::JsonKind::Object).then_some(json)
}

/// Reads a value for its soundness alone.
#[derive(Clone, Copy)]
struct Sound {
    depth: usize,
}

impl Sound {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == NESTING_MAX {
            return Err(E::custom("too deep"));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        while items.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member stands twice"));
            }
            members.next_value_seed(inside)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reads_in_one_way() {
        let nested =
            |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        for (text, sound) in [
            ("{}", true),
            (r#"{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":null}}"#, true),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":{"b":1,"b":2}}"#, false),
            (r#"{"a":[{"b":1,"b":2}]}"#, false),
            // The same name, written otherwise.
            (r#"{"aud":"x","\u0061ud":"y"}"#, false),
            (r#"{"a":1} {"b":2}"#, false),
            (r#"{"a":1,}"#, false),
            ("[]", false),
            ("null", false),
            ("", false),
            (nested(NESTING_MAX - 1).as_str(), true),
            (nested(NESTING_MAX).as_str(), false),
            (nested(100_000).as_str(), false),
        ] {
            let read = object(Bytes::copy_from_slice(text.as_bytes()));
            assert_eq!(read.is_some(), sound, "{}", &text[..text.len().min(60)]);
        }
        assert!(
            object(Bytes::from_static(b"{\"a\":\"\xff\"}")).is_none(),
            "not UTF-8"
        );
    }
}
