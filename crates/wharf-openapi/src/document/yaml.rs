//! YAML into JSON text, once, so that nothing after this knows YAML.
//!
//! Written from the parser's events straight into text: no tree. Keys are always texts (`200:` is the key `"200"`),
//! numbers keep their literal where JSON can say it (`1.0` stays `1.0`), dates and whatever else YAML 1.2's core schema
//! does not know are texts. Aliases are copied, merge keys (`<<`) spread out, and what comes out is bounded, so a few
//! lines cannot become gigabytes. Of several YAML documents in one file the first is read.

mod mend;

use std::borrow::Cow;
use wharf_model::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};

use self::mend::Patience;
use super::{DEPTH_MAX, DOCUMENT_BYTES_MAX, DocumentError};
use crate::writer::write_text;

pub(super) fn to_json(text: &str) -> Result<String, DocumentError> {
    let mut patience = Patience::new();
    let mut mended = None;
    loop {
        let text = mended.as_deref().unwrap_or(text);
        match convert(text) {
            Err(Broken::Syntax(error)) => match patience.mend(text, &error) {
                Some(better) => mended = Some(better),
                None => return Err(Broken::Syntax(error).into()),
            },
            outcome => return outcome.map_err(DocumentError::from),
        }
    }
}

/// Why a text is not converted.
enum Broken {
    Syntax(ScanError),
    Other(DocumentError),
}

impl From<ScanError> for Broken {
    fn from(error: ScanError) -> Self {
        Self::Syntax(error)
    }
}

impl From<DocumentError> for Broken {
    fn from(error: DocumentError) -> Self {
        Self::Other(error)
    }
}

impl From<Broken> for DocumentError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Syntax(error) => refusal(*error.marker(), error.info()),
            Broken::Other(error) => error,
        }
    }
}

fn convert(text: &str) -> Result<String, Broken> {
    let mut writer = Writer {
        out: String::with_capacity(text.len()),
        open: Vec::new(),
        anchors: HashMap::default(),
        anchored_bytes: 0,
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event?;
        if matches!(event, Event::DocumentEnd) {
            nothing_follows(parser.next_event())?;
            break;
        }
        writer.event(event, span.start)?;
    }
    Ok(writer.out)
}

/// Refuses what stands behind the document, unless it is another one behind a `---`.
fn nothing_follows(event: Option<Result<(Event<'_>, Span), ScanError>>) -> Result<(), Broken> {
    match event.transpose()? {
        Some((Event::DocumentStart(false), span)) => {
            Err(refusal(span.start, "something follows the document").into())
        }
        _ => Ok(()),
    }
}

struct Writer<'a> {
    out: String,
    open: Vec<Open<'a>>,
    /// The JSON of each anchored node that has ended.
    anchors: HashMap<usize, String>,
    anchored_bytes: usize,
}

/// A mapping or sequence that has begun.
struct Open<'a> {
    kind: Kind<'a>,
    /// Where its text begins.
    start: usize,
    /// 0 for none.
    anchor: usize,
    empty: bool,
    /// The value of a merge key: the mapping that takes its members.
    merge_into: Option<usize>,
}

enum Kind<'a> {
    Sequence,
    /// The items of a merge key: each is spread into the mapping around.
    Merges,
    Mapping {
        /// The key whose value comes next.
        key: Option<Cow<'a, str>>,
    },
}

impl<'a> Writer<'a> {
    fn event(&mut self, event: Event<'a>, at: Marker) -> Result<(), DocumentError> {
        if self.out.len() + self.anchored_bytes > 2 * DOCUMENT_BYTES_MAX {
            return Err(refusal(
                at,
                "aliases make the document larger than anything that is read",
            ));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, style, anchor, tag.as_deref(), at)
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::SequenceStart(anchor, _) => self.begin(Kind::Sequence, anchor, at),
            Event::MappingStart(anchor, _) => self.begin(Kind::Mapping { key: None }, anchor, at),
            Event::SequenceEnd => self.end(']', at),
            Event::MappingEnd => self.end('}', at),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Marker,
    ) -> Result<(), DocumentError> {
        if let Some(Open {
            kind: Kind::Mapping { key: key @ None },
            ..
        }) = self.open.last_mut()
        {
            if anchor != 0 {
                let mut json = String::new();
                write_text(&mut json, &text);
                self.anchors.insert(anchor, json);
            }
            *key = Some(text);
            return Ok(());
        }
        let start = self.before_value(at)?;
        write_scalar(&mut self.out, &text, style, tag);
        self.after_value(start, anchor);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: Marker) -> Result<(), DocumentError> {
        let Some(json) = self.anchors.get(&anchor).cloned() else {
            return Err(refusal(at, "the alias refers to a node that contains it"));
        };
        match self.open.last_mut().map(|open| &mut open.kind) {
            Some(Kind::Mapping { key: key @ None }) => {
                // An alias as a key can only be a text.
                let text = serde_json::from_str::<String>(&json).unwrap_or(json);
                *key = Some(Cow::Owned(text));
                Ok(())
            }
            Some(Kind::Mapping { key: Some(key) }) if key == "<<" => {
                if let Some(Open {
                    kind: Kind::Mapping { key },
                    ..
                }) = self.open.last_mut()
                {
                    *key = None;
                }
                let into = self.open.len() - 1;
                self.spread(into, &json, at)
            }
            Some(Kind::Merges) => {
                let into = self.open.len() - 2;
                self.spread(into, &json, at)
            }
            _ => {
                let start = self.before_value(at)?;
                self.out.push_str(&json);
                self.after_value(start, 0);
                Ok(())
            }
        }
    }

    /// Puts the members of `json` in front of those that the open mapping `into` has: its own members come later, and
    /// the last of two equal members counts. Of several merges the first counts, so each goes in front of the earlier.
    fn spread(&mut self, into: usize, json: &str, at: Marker) -> Result<(), DocumentError> {
        let Some(members) = json
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        else {
            return Err(refusal(at, "`<<` merges mappings, and this is none"));
        };
        if members.is_empty() {
            return Ok(());
        }
        let open = &mut self.open[into];
        let place = open.start + 1;
        let comma = if open.empty { "" } else { "," };
        open.empty = false;
        self.out.insert_str(place, &format!("{members}{comma}"));
        let shift = members.len() + comma.len();
        for inner in &mut self.open[into + 1..] {
            inner.start += shift;
        }
        Ok(())
    }

    fn begin(&mut self, kind: Kind<'a>, anchor: usize, at: Marker) -> Result<(), DocumentError> {
        if self.open.len() >= DEPTH_MAX {
            return Err(refusal(
                at,
                &format!("values are nested deeper than {DEPTH_MAX} levels"),
            ));
        }
        let parent = self.open.len().wrapping_sub(1);
        let merge_into = match self.open.last_mut().map(|open| &mut open.kind) {
            Some(Kind::Mapping { key: None }) => {
                return Err(refusal(
                    at,
                    "a key is a mapping or sequence; keys must be texts",
                ));
            }
            Some(Kind::Mapping { key }) if key.as_deref() == Some("<<") => {
                *key = None;
                Some(parent)
            }
            Some(Kind::Merges) => Some(parent - 1),
            _ => None,
        };
        let kind = match (kind, merge_into) {
            (Kind::Sequence, Some(_)) => Kind::Merges,
            (kind, _) => kind,
        };
        let start = match merge_into {
            Some(_) => self.out.len(),
            None => self.before_value(at)?,
        };
        match kind {
            Kind::Sequence => self.out.push('['),
            Kind::Mapping { .. } => self.out.push('{'),
            Kind::Merges => {}
        }
        self.open.push(Open {
            kind,
            start,
            anchor,
            empty: true,
            merge_into,
        });
        Ok(())
    }

    fn end(&mut self, close: char, at: Marker) -> Result<(), DocumentError> {
        let Some(open) = self.open.pop() else {
            return Err(refusal(at, "something ends that has not begun"));
        };
        if matches!(open.kind, Kind::Merges) {
            return Ok(());
        }
        self.out.push(close);
        self.after_value(open.start, open.anchor);
        match open.merge_into {
            // Until here it was written like a value of its own.
            Some(into) => {
                let json = self.out.split_off(open.start);
                self.spread(into, &json, at)
            }
            None => Ok(()),
        }
    }

    /// Writes the comma and the key that a value needs in front, and says where the value begins.
    fn before_value(&mut self, at: Marker) -> Result<usize, DocumentError> {
        if let Some(open) = self.open.last_mut() {
            if matches!(open.kind, Kind::Merges) {
                return Err(refusal(at, "`<<` merges mappings, and this is none"));
            }
            if !std::mem::replace(&mut open.empty, false) {
                self.out.push(',');
            }
            if let Kind::Mapping { key } = &mut open.kind {
                let Some(key) = key.take() else {
                    return Err(refusal(at, "a value stands without a key"));
                };
                write_text(&mut self.out, &key);
                self.out.push(':');
            }
        }
        Ok(self.out.len())
    }

    fn after_value(&mut self, start: usize, anchor: usize) {
        if anchor != 0 {
            let json = self.out[start..].to_owned();
            self.anchored_bytes += json.len();
            self.anchors.insert(anchor, json);
        }
    }
}

fn write_scalar(out: &mut String, text: &str, style: ScalarStyle, tag: Option<&Tag>) {
    let tag = tag
        .filter(|tag| tag.is_yaml_core_schema())
        .map(|tag| tag.suffix.as_str());
    let plain = match tag {
        Some("int" | "float" | "bool" | "null") => true,
        Some(_) => false,
        None => style == ScalarStyle::Plain,
    };
    match text {
        _ if !plain => write_text(out, text),
        "" | "~" | "null" | "Null" | "NULL" => out.push_str("null"),
        "true" | "True" | "TRUE" => out.push_str("true"),
        "false" | "False" | "FALSE" => out.push_str("false"),
        _ => match number(text) {
            Some(literal) => out.push_str(&literal),
            None => write_text(out, text),
        },
    }
}

/// The JSON literal of a number of YAML's core schema.
fn number(text: &str) -> Option<Cow<'_, str>> {
    let radix = |digits: &str, radix| {
        let number = u64::from_str_radix(digits, radix).ok()?;
        Some(Cow::Owned(number.to_string()))
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned
        .split_once(['e', 'E'])
        .map_or((unsigned, None), |(mantissa, exponent)| {
            (mantissa, Some(exponent))
        });
    let (whole, fraction) = mantissa
        .split_once('.')
        .map_or((mantissa, None), |(whole, fraction)| {
            (whole, Some(fraction))
        });
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let some_digits = !whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    if !digits(whole) || !fraction.is_none_or(digits) || !some_digits {
        return None;
    }
    if let Some(exponent) = exponent {
        let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if power.is_empty() || !digits(power) {
            return None;
        }
    }
    if serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok() {
        return Some(Cow::Borrowed(text));
    }
    // JSON wants a digit on both sides of the point and none of `+1`, `007`.
    let sign = if text.starts_with('-') { "-" } else { "" };
    let whole = whole.trim_start_matches('0');
    let mut literal = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    if let Some(fraction) = fraction {
        literal.push('.');
        literal.push_str(if fraction.is_empty() { "0" } else { fraction });
    }
    if let Some(exponent) = exponent {
        literal.push('e');
        literal.push_str(exponent);
    }
    Some(Cow::Owned(literal))
}

fn refusal(at: Marker, reason: &str) -> DocumentError {
    DocumentError::Yaml {
        line: at.line(),
        column: at.col() + 1,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_becomes_the_json_that_is_meant() {
        for (yaml, json) in [
            ("a: 1", r#"{"a":1}"#),
            (
                "200: ok\n1.0: x\ntrue: y\nnull: z\n~: w",
                r#"{"200":"ok","1.0":"x","true":"y","null":"z","~":"w"}"#,
            ),
            ("version: 1.0", r#"{"version":1.0}"#),
            (
                "a: [1_000, 007, +5, .5, 1., -0.50, 1e3, 0x1F, 0o17, 1.2.3]",
                r#"{"a":["1_000",7,5,0.5,1.0,-0.50,1e3,31,15,"1.2.3"]}"#,
            ),
            ("a: [yes, No, on, true, False, null, ~, , '']", ""),
            (
                "a: [yes, No, on, true, False, null, ~, '']",
                r#"{"a":["yes","No","on",true,false,null,null,""]}"#,
            ),
            (
                "a: 2024-01-31\nb: 2024-01-31T10:00:00Z\nc: 12:30:45",
                r#"{"a":"2024-01-31","b":"2024-01-31T10:00:00Z","c":"12:30:45"}"#,
            ),
            ("a: .inf\nb: .nan", r#"{"a":".inf","b":".nan"}"#),
            (
                "a: !!str 1\nb: !!int '2'\nc: !own 3",
                r#"{"a":"1","b":2,"c":3}"#,
            ),
            (
                "a: &x {b: 1}\nc: *x\nd: [*x, *x]",
                r#"{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]}"#,
            ),
            (
                "a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x\n  e: 4",
                r#"{"a":{"b":1,"c":2},"d":{"b":1,"c":2,"c":3,"e":4}}"#,
            ),
            (
                "a: &x {b: 1}\nb: &y {b: 2, c: 3}\nd:\n  <<: [*x, *y]",
                r#"{"a":{"b":1},"b":{"b":2,"c":3},"d":{"b":2,"c":3,"b":1}}"#,
            ),
            ("a:\n  <<: {b: 1}\n  c: 2", r#"{"a":{"b":1,"c":2}}"#),
            (
                "x: &x {d: 3}\na:\n  c: 2\n  <<: [{b: 1}, *x, {}]",
                r#"{"x":{"d":3},"a":{"d":3,"b":1,"c":2}}"#,
            ),
            ("a: |\n  one\n  \"two\"\n", r#"{"a":"one\n\"two\"\n"}"#),
            (
                "a: >-\n  one\n  two\nb: 'it''s'",
                r#"{"a":"one two","b":"it's"}"#,
            ),
            ("&k key: 1\nother: *k", r#"{"key":1,"other":"key"}"#),
            ("a: {}\nb: []\nc:", r#"{"a":{},"b":[],"c":null}"#),
            ("---\na: 1\n---\nb: 2\n", r#"{"a":1}"#),
        ] {
            if json.is_empty() {
                // An empty entry in a flow sequence is not YAML.
                assert!(to_json(yaml).is_err(), "{yaml}");
            } else {
                assert_eq!(
                    to_json(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}")),
                    json,
                    "{yaml}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_yaml_names_its_place() {
        for (yaml, expected) in [
            ("a: 1\n b: 2", "line 2"),
            ("a: [1, 2\nb: 3", "line 2"),
            ("a: &x [*x]", "line 1, column 8"),
            ("? [1]\n: 2", "keys must be texts"),
            ("a:\n\t- 1", "line 2"),
            ("a: *nowhere", "line 1"),
        ] {
            let error = to_json(yaml).expect_err(yaml).to_string();
            assert!(error.contains(expected), "{yaml:?}: {error}");
        }
    }

    #[test]
    fn aliases_cannot_explode() {
        let lines: Vec<_> = (1..12)
            .map(|level| {
                let before = format!("*a{}", level - 1);
                format!("a{level}: &a{level} [{}]", [before.as_str(); 10].join(", "))
            })
            .collect();
        let yaml = format!("a0: &a0 [lol, lol, lol, lol, lol]\n{}", lines.join("\n"));
        let error = to_json(&yaml).expect_err("it explodes").to_string();
        assert!(
            error.contains("aliases make the document larger"),
            "{error}"
        );
    }
}
