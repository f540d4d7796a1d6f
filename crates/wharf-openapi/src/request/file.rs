//! Files in arguments: base64, a `data:` URI, or an object with `data`, `filename` and `mime_type`.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use wharf_model::{JsonKind, Slice};

use super::complaint::Complaint;

/// A file that an argument holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File<'a> {
    pub(super) data: Vec<u8>,
    pub(super) filename: Option<Cow<'a, str>>,
    /// A media type that a header can carry.
    pub(super) mime_type: Option<Cow<'a, str>>,
}

/// Models leave out padding and do not clear the last bits; no byte is lost by accepting that.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
static STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
static URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Reads the file in `value`; `argument` is for the complaint.
pub(super) fn read<'a>(argument: &str, value: Slice<'a>) -> Result<File<'a>, Complaint> {
    if value.kind() != JsonKind::Object {
        return read_text(argument, value);
    }
    let member = |name| {
        value
            .get(name)
            .filter(|value| value.kind() != JsonKind::Null)
    };
    let data = member("data").ok_or_else(|| Complaint::Missing(format!("{argument}.data")))?;
    let file = read_text(argument, data)?;
    let mime_type = match member("mime_type").and_then(Slice::text) {
        Some(mime_type) => Some(checked_media_type(argument, mime_type)?),
        None => file.mime_type,
    };
    Ok(File {
        filename: member("filename").and_then(Slice::text),
        mime_type,
        ..file
    })
}

fn read_text<'a>(argument: &str, value: Slice<'a>) -> Result<File<'a>, Complaint> {
    let not_base64 = || Complaint::NotBase64(argument.to_owned());
    let text = value.text().ok_or_else(not_base64)?;
    let has_data_scheme = text
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    if !has_data_scheme {
        return Ok(File {
            data: decode(&text).ok_or_else(not_base64)?,
            filename: None,
            mime_type: None,
        });
    }
    // RFC 2397: data:[<mediatype>][;base64],<data>
    let (head, data) = text[5..].split_once(',').ok_or_else(not_base64)?;
    let bare_head = head.strip_suffix(";base64");
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(data).collect();
    let data = if bare_head.is_some() {
        let base64 = std::str::from_utf8(&decoded).map_err(|_| not_base64())?;
        decode(base64).ok_or_else(not_base64)?
    } else {
        decoded
    };
    let media_type = bare_head.unwrap_or(head);
    let mime_type = if media_type.is_empty() {
        None
    } else {
        Some(checked_media_type(argument, media_type.to_owned().into())?)
    };
    Ok(File {
        data,
        filename: None,
        mime_type,
    })
}

/// Base64 in either alphabet, with or without padding, and with the line breaks that mail and PEM put in.
fn decode(text: &str) -> Option<Vec<u8>> {
    // Not white space in general: words between spaces are mostly base64 as well, by accident.
    let text: Cow<'_, str> = if text.contains(['\r', '\n', '\t']) {
        text.replace(['\r', '\n', '\t'], "").into()
    } else {
        text.into()
    };
    let engine = if text.contains(['-', '_']) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    engine.decode(text.as_bytes()).ok()
}

fn checked_media_type<'a>(
    argument: &str,
    media_type: Cow<'a, str>,
) -> Result<Cow<'a, str>, Complaint> {
    let is_visible = media_type.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_visible && media_type.contains('/') {
        Ok(media_type)
    } else {
        Err(Complaint::NotMediaType(argument.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_several_dresses() {
        for (value, data, filename, mime_type) in [
            (r#""aGVsbG8=""#, "hello", None, None),
            (r#""aGVsbG8""#, "hello", None, None),
            (r#""aGVs\nbG8=\n""#, "hello", None, None),
            (r#""fn5-""#, "~~~", None, None),
            (r#""fn5+""#, "~~~", None, None),
            (r#""Pz8_""#, "???", None, None),
            (r#""""#, "", None, None),
            (
                r#""data:text/plain;charset=utf-8;base64,aGVsbG8=""#,
                "hello",
                None,
                Some("text/plain;charset=utf-8"),
            ),
            (
                r#""DATA:image/gif;base64,R0lG""#,
                "GIF",
                None,
                Some("image/gif"),
            ),
            (r#""data:;base64,aGk%3D""#, "hi", None, None),
            (r#""data:,a%20b""#, "a b", None, None),
            (
                r#"{"data":"aGk=","filename":"a.txt","mime_type":"text/x"}"#,
                "hi",
                Some("a.txt"),
                Some("text/x"),
            ),
            (
                r#"{"data":"data:image/png;base64,aGk=","filename":null}"#,
                "hi",
                None,
                Some("image/png"),
            ),
        ] {
            let file = read("f", Slice::parse(value).unwrap()).unwrap();
            assert_eq!(file.data, data.as_bytes(), "{value}");
            assert_eq!(file.filename.as_deref(), filename, "{value}");
            assert_eq!(file.mime_type.as_deref(), mime_type, "{value}");
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let not_base64 = Complaint::NotBase64("f".to_owned());
        let not_media_type = Complaint::NotMediaType("f".to_owned());
        for (value, expected) in [
            (r#""not base64!""#, &not_base64),
            (r#""just some word""#, &not_base64),
            (r#""/tmp/photo.png""#, &not_base64),
            ("12", &not_base64),
            ("[1]", &not_base64),
            (r#""data:text/plain""#, &not_base64),
            (r#""data:image/png;base64,!!""#, &not_base64),
            (
                r#"{"data":"aGk=","mime_type":"a/b\r\nX: y"}"#,
                &not_media_type,
            ),
            (r#"{"data":"aGk=","mime_type":"png"}"#, &not_media_type),
            (
                r#"{"filename":"a"}"#,
                &Complaint::Missing("f.data".to_owned()),
            ),
        ] {
            let outcome = read("f", Slice::parse(value).unwrap());
            assert_eq!(outcome.as_ref(), Err(expected), "{value}");
        }
    }
}
