//! Whatever a caller gives arrives: written by us, read by other parsers.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

use super::multiparts::received;
use super::*;

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,20}", "[ -~]{0,20}", "(\\PC|[%&=+;,#/?\\[\\]]){0,20}"]
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .unwrap()
}

fn pairs(target: &str) -> Vec<(String, String)> {
    Url::parse("http://upstream.example")
        .unwrap()
        .join(target)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

fn as_pairs(name: &str, texts: &[String]) -> Vec<(String, String)> {
    texts
        .iter()
        .map(|text| (name.to_owned(), text.clone()))
        .collect()
}

/// The texts between delimiters that were not encoded.
fn split(text: &str, delimiter: &str) -> Vec<String> {
    text.split(delimiter)
        .map(|item| decoded(item).into_owned())
        .collect()
}

/// Whether a server that decodes until nothing changes any more finds a step `.` or `..`.
fn leads_elsewhere(segment: &str) -> bool {
    let mut decoded = segment.as_bytes().to_vec();
    loop {
        let next: Vec<u8> = percent_encoding::percent_decode(&decoded).collect();
        if next == decoded {
            break;
        }
        decoded = next;
    }
    decoded
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .map(|step| step.split(|byte| *byte == b';').next().unwrap())
        .any(|step| step == b"." || step == b"..")
}

/// Texts that try to get out of a path.
fn any_path_text() -> impl Strategy<Value = String> {
    prop_oneof![any_text(), "(\\.|/|\\\\|;|%2[eEfF5]|%5c|%25|a){0,8}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn query_lists_arrive(name in "\\PC{1,10}", texts in vec(any_text(), 1..4)) {
        let given = json!({ name.as_str(): texts }).to_string();
        let plan = plan_with(parameter(&name, Location::Query, styled(Style::Form, true)));
        prop_assert_eq!(pairs(&request(&plan, &given).target), as_pairs(&name, &texts));

        let plan = plan_with(parameter(&name, Location::Query, styled(Style::Form, false)));
        let target = request(&plan, &given).target;
        let (_, value) = target.split_once('=').unwrap();
        prop_assert_eq!(split(value, ","), texts);
    }

    #[test]
    fn deep_objects_arrive(keys in vec("[^\\[\\]]{1,8}", 1..4), text in any_text()) {
        let value = keys
            .iter()
            .rev()
            .fold(Value::String(text.clone()), |value, key| json!({ key.as_str(): value }));
        let plan = plan_with(parameter("p", Location::Query, styled(Style::DeepObject, true)));
        let target = request(&plan, &json!({ "p": value }).to_string()).target;
        let key = keys.iter().fold("p".to_owned(), |key, part| format!("{key}[{part}]"));
        prop_assert_eq!(pairs(&target), vec![(key, text)]);
    }

    #[test]
    fn path_values_arrive_or_are_refused(text in any_path_text()) {
        for style in [Style::Simple, Style::Label, Style::Matrix] {
            let plan = plan_with(parameter("p", Location::Path, styled(style, false)));
            let outcome = try_request(&plan, &json!({ "p": text }).to_string());
            let segment = match style {
                Style::Label => format!(".{text}"),
                Style::Matrix if text.is_empty() => ";p".to_owned(),
                Style::Matrix => format!(";p={text}"),
                _ => text.clone(),
            };
            let is_empty = text.is_empty() && style != Style::Matrix;
            prop_assert_eq!(outcome.is_err(), is_empty || leads_elsewhere(&segment), "{}", segment);
            if let Ok(built) = outcome {
                // What a server sees behind a client that normalises paths.
                let url = Url::parse("http://upstream.example").unwrap().join(&built.target).unwrap();
                let segments: Vec<_> = url.path().split('/').collect();
                prop_assert_eq!(segments.len(), 4);
                prop_assert_eq!(&*decoded(segments[2]), segment);
            }
        }
    }

    #[test]
    fn header_values_arrive_or_are_refused(text in any_text()) {
        let plan = plan_with(parameter("X-P", Location::Header, styled(Style::Simple, false)));
        match try_request(&plan, &json!({ "X-P": text }).to_string()) {
            Ok(built) => prop_assert_eq!(header(&built, "x-p"), Some(text.as_str())),
            Err(complaint) => {
                prop_assert!(text.chars().any(|c| c.is_ascii_control()), "{text}: {complaint}");
            }
        }
    }

    #[test]
    fn cookies_arrive(a in any_text(), b in any_text()) {
        let mut plan = plan();
        for name in ["a", "b"] {
            plan.parameters.push(parameter(name, Location::Cookie, styled(Style::Form, false)));
        }
        let built = request(&plan, &json!({ "a": a, "b": b }).to_string());
        let cookie = header(&built, "cookie").unwrap();
        let arrived: Vec<_> = cookie
            .split("; ")
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name, decoded(value).into_owned()))
            .collect();
        prop_assert_eq!(arrived, vec![("a", a), ("b", b)]);
    }

    #[test]
    fn forms_arrive(texts in vec(any_text(), 0..4)) {
        let plan = posting(
            "application/x-www-form-urlencoded",
            BodyEncoding::Form(Vec::new()),
            members(&["a b"]),
        );
        let built = request(&plan, &json!({ "a b": texts }).to_string());
        let arrived: Vec<_> = url::form_urlencoded::parse(&built.body).into_owned().collect();
        prop_assert_eq!(arrived, as_pairs("a b", &texts));
    }

    #[test]
    fn parts_arrive(text in any_text(), data in vec(any::<u8>(), 0..40), filename in "[^\"\\\\%\\x00-\\x1f\\x7f]{1,9}") {
        let file = PartEncoding { file: true, ..plainly("file") };
        let plan = posting(
            "multipart/form-data",
            BodyEncoding::Multipart(vec![file]),
            members(&["text", "file"]),
        );
        let file = json!({ "data": STANDARD.encode(&data), "filename": filename });
        let built = request(&plan, &json!({ "text": text, "file": file }).to_string());
        let expected = vec![
            ("text".to_owned(), None, None, text.into()),
            (
                "file".to_owned(),
                Some(filename),
                Some("application/octet-stream".to_owned()),
                data.into(),
            ),
        ];
        prop_assert_eq!(received(&built), expected);
    }

    #[test]
    fn json_bodies_arrive(keys in vec("\\PC{0,6}", 1..5), text in any_text()) {
        let names: Vec<_> = keys.iter().map(String::as_str).collect();
        let plan = posting("application/json", BodyEncoding::Json, members(&names));
        let given = keys
            .iter()
            .map(|key| (key.clone(), json!([text, 1.5, null])))
            .collect::<serde_json::Map<_, _>>();
        let built = request(&plan, &Value::Object(given.clone()).to_string());
        // A property that a random plan names twice is sent twice; reading takes the last.
        prop_assert_eq!(serde_json::from_slice::<Value>(&built.body).unwrap(), Value::Object(given));
    }
}
