//! Content codings (RFC 9110 §8.4.1): bodies that come compressed.
//!
//! None is asked for: what an API saves on the way costs both ends time, and most of them are near. Some compress all the
//! same, and an operator may ask for it. A small body can unfold to a thousand times its size, so what comes out is
//! bounded as every body is, and unfolding happens beside the calls that wait for others.

use std::io::{self, Read as _};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};

/// A content coding in a message is no longer than this.
const SHOWN_ENCODING_CHARS_MAX: usize = 40;
/// How much is unfolded at once.
const PIECE_BYTES: usize = 32 << 10;

/// A coding that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// By the specification within a zlib frame (RFC 1950), in practice often without one.
    Deflate,
}

impl Coding {
    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }
}

/// The coding of a body; none where it comes as it is. A coding that we do not read is the error: more than one, another
/// than ours, or one for the transfer besides `chunked` (RFC 9112 §7).
pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Coding>, String> {
    let transfer = codings(headers, &TRANSFER_ENCODING)
        .into_iter()
        .find(|coding| !coding.eq_ignore_ascii_case("chunked"));
    if let Some(foreign) = transfer {
        return Err(shown(foreign));
    }
    let content: Vec<_> = codings(headers, &CONTENT_ENCODING)
        .into_iter()
        .filter(|coding| !coding.eq_ignore_ascii_case("identity"))
        .collect();
    match content[..] {
        [] => Ok(None),
        [one] => Coding::named(one).map(Some).ok_or_else(|| shown(one)),
        _ => Err(shown(&content.join(", "))),
    }
}

fn codings<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Vec<&'h str> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("unknown").split(','))
        .map(str::trim)
        .filter(|coding| !coding.is_empty())
        .collect()
}

fn shown(coding: &str) -> String {
    coding.chars().take(SHOWN_ENCODING_CHARS_MAX).collect()
}

/// The headers of a body that is unfolded.
pub(crate) fn strip(headers: &mut HeaderMap) {
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
}

/// The body as it was before it was coded, up to `bytes_max`, and whether there is more of it. Of a body that `is_cut`
/// comes what its part holds.
pub(crate) async fn decode(
    coding: Coding,
    body: Bytes,
    is_cut: bool,
    bytes_max: usize,
) -> io::Result<(Bytes, bool)> {
    let unfolding = tokio::task::spawn_blocking(move || unfold(coding, &body, is_cut, bytes_max));
    let (whole, is_cut) = unfolding.await.map_err(io::Error::other)??;
    Ok((whole.into(), is_cut))
}

fn unfold(
    coding: Coding,
    body: &[u8],
    is_cut: bool,
    bytes_max: usize,
) -> io::Result<(Vec<u8>, bool)> {
    let mut whole = Vec::new();
    let outcome = match coding {
        Coding::Gzip => {
            let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
            let mut limited = MultiGzDecoder::new(body).take(most.saturating_add(1));
            limited.read_to_end(&mut whole).map(|_| ())
        }
        Coding::Deflate => inflate(body, &mut whole, bytes_max),
    };
    let is_longer = whole.len() > bytes_max;
    whole.truncate(bytes_max);
    match outcome {
        Ok(()) => Ok((whole, is_cut || is_longer)),
        Err(error) if is_cut && error.kind() == io::ErrorKind::UnexpectedEof => Ok((whole, true)),
        Err(error) => Err(error),
    }
}

/// Unfolds until the end, or until there is more than `bytes_max`. The library's reader would take a stream that breaks
/// off for one that ends.
fn inflate(body: &[u8], whole: &mut Vec<u8>, bytes_max: usize) -> io::Result<()> {
    let mut inflater = Decompress::new(has_zlib_frame(body));
    let mut rest = body;
    while whole.len() <= bytes_max {
        whole.reserve(PIECE_BYTES.min((bytes_max - whole.len()).saturating_add(1)));
        let before = (inflater.total_in(), whole.len());
        let status = inflater
            .decompress_vec(rest, whole, FlushDecompress::None)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if status == Status::StreamEnd {
            return Ok(());
        }
        let taken = usize::try_from(inflater.total_in() - before.0).unwrap_or(usize::MAX);
        rest = rest.get(taken..).unwrap_or_default();
        if taken == 0 && whole.len() == before.1 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// RFC 1950 §2.2: the method is 8, and the first two bytes are a multiple of 31.
fn has_zlib_frame(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn codings_are_told_apart() {
        for (content, transfer, expected) in [
            (&[][..], &[][..], Ok(None)),
            (&["identity"], &["chunked"], Ok(None)),
            (&["gzip"], &[], Ok(Some(Coding::Gzip))),
            (&["X-Gzip"], &["Chunked"], Ok(Some(Coding::Gzip))),
            (&["identity, deflate ,"], &[], Ok(Some(Coding::Deflate))),
            (&["br"], &[], Err("br")),
            (&["gzip, gzip"], &[], Err("gzip, gzip")),
            (&["gzip", "br"], &[], Err("gzip, br")),
            (&[], &["gzip, chunked"], Err("gzip")),
        ] {
            let mut headers = HeaderMap::new();
            for value in content {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            for value in transfer {
                headers.append(TRANSFER_ENCODING, HeaderValue::from_static(value));
            }
            let expected = expected.map_err(str::to_owned);
            assert_eq!(of(&headers), expected, "{content:?} {transfer:?}");
        }
    }

    #[test]
    fn what_was_folded_is_unfolded_within_its_bounds() {
        let text: Vec<u8> = (0..100_000_u32)
            .flat_map(|number| number.to_string().into_bytes())
            .collect();
        for (coding, body) in [
            (Coding::Gzip, gzip(&text)),
            (Coding::Deflate, zlib(&text)),
            (Coding::Deflate, raw(&text)),
            (
                Coding::Gzip,
                [gzip(&text[..70_000]), gzip(&text[70_000..])].concat(),
            ),
        ] {
            for (bytes_max, is_longer) in [
                (usize::MAX, false),
                (text.len(), false),
                (text.len() - 1, true),
                (1000, true),
                (0, true),
            ] {
                let (whole, cut) = unfold(coding, &body, false, bytes_max).unwrap();
                let expected = &text[..text.len().min(bytes_max)];
                assert!(whole == expected, "{coding:?} {bytes_max}");
                assert_eq!(cut, is_longer, "{coding:?} {bytes_max}");
            }
        }
    }

    #[test]
    fn what_breaks_off_is_an_error_unless_we_cut_it() {
        let text: Vec<u8> = (0..10_000_u32).flat_map(u32::to_be_bytes).collect();
        for (coding, body) in [
            (Coding::Gzip, gzip(&text)),
            (Coding::Deflate, zlib(&text)),
            (Coding::Deflate, raw(&text)),
        ] {
            let part = &body[..body.len() / 2];
            let error = unfold(coding, part, false, usize::MAX).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{coding:?}");
            let (start, cut) = unfold(coding, part, true, usize::MAX).unwrap();
            assert!(
                cut && start.len() > 1000 && text.starts_with(&start),
                "{coding:?}"
            );
        }
        for garbage in [&b"hush"[..], &[0x1f, 0x8b, 8, 0xff], &[0x78, 0x9c, 7]] {
            for coding in [Coding::Gzip, Coding::Deflate] {
                assert!(
                    unfold(coding, garbage, false, 100).is_err(),
                    "{coding:?} {garbage:?}"
                );
            }
        }
    }

    /// Ten megabytes of zeros in ten kilobytes.
    #[test]
    fn a_bomb_stays_within_the_limit() {
        let zeros = vec![0; 10 << 20];
        for (coding, bomb) in [
            (Coding::Gzip, gzip(&zeros)),
            (Coding::Deflate, zlib(&zeros)),
        ] {
            assert!(bomb.len() < 20_000, "{coding:?}: {}", bomb.len());
            let (whole, is_cut) = unfold(coding, &bomb, false, 5000).unwrap();
            assert_eq!((whole.len(), is_cut), (5000, true), "{coding:?}");
            assert!(
                whole.capacity() < 1 << 20,
                "{coding:?}: {}",
                whole.capacity()
            );
        }
    }
}
