//! The `Link` header (RFC 8288), as far as it names the next page.

use http::HeaderMap;
use http::header::LINK;

/// The target of the first link with the relation `next`, as it is written: a reference relative to what was asked.
pub(crate) fn next(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(next_of)
}

/// RFC 8288 §3: `<target>; name=value; name="value", <target>…`.
fn next_of(value: &str) -> Option<String> {
    let mut rest = value;
    loop {
        let (_, opened) = rest.split_once('<')?;
        let (target, parameters) = opened.split_once('>')?;
        let (is_next, behind) = read_parameters(parameters);
        if is_next {
            return Some(target.trim().to_owned());
        }
        rest = behind;
    }
}

/// Whether the parameters of one link make it the next page, and what comes behind them. A link from another place
/// (`anchor`) says nothing about this one.
fn read_parameters(text: &str) -> (bool, &str) {
    let mut relation = None;
    let mut is_ours = true;
    let mut rest = text.trim_start();
    while let Some(behind) = rest.strip_prefix(';') {
        let name_end = behind.find(['=', ';', ',']).unwrap_or(behind.len());
        let (name, after) = behind.split_at(name_end);
        let name = name.trim();
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => read_value(after.trim_start()),
            None => (String::new(), after),
        };
        // Where it stands twice, the first counts (§3.3).
        if name.eq_ignore_ascii_case("rel") {
            relation.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("anchor") {
            is_ours = false;
        }
        rest = after.trim_start();
    }
    let is_next = relation.is_some_and(|relation| {
        relation
            .split_ascii_whitespace()
            .any(|one| one.eq_ignore_ascii_case("next"))
    });
    (is_next && is_ours, rest)
}

/// A value, in quotes or not, and what comes behind it.
fn read_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut is_escaped = false;
    for (at, character) in quoted.char_indices() {
        match character {
            _ if is_escaped => {
                value.push(character);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return (value, &quoted[at + 1..]),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        for (values, expected) in [
            (
                &[r#"</pets?cursor=a&limit=5>; rel="next""#][..],
                Some("/pets?cursor=a&limit=5"),
            ),
            (&["<x>;REL=Next"], Some("x")),
            (&["< x > ; rel = next"], Some("x")),
            (
                &[
                    r#"<https://a.example/?page=1>; rel="prev", <https://a.example/?page=3,4>; rel="next", <l>; rel=last"#,
                ],
                Some("https://a.example/?page=3,4"),
            ),
            (&["<a>; rel=first", "<b>; rel=\"prev next\""], Some("b")),
            (
                &[r#"<a>; title="x, <y>; rel=next \"z"; rel="prev", <b>; rel="next""#],
                Some("b"),
            ),
            (&[r#"<a>; rel="prev"; rel="next""#], None),
            (
                &[r#"<a>; rel="next"; anchor="/other", <b>; rel="next""#],
                Some("b"),
            ),
            (&["<a>; rel=nextish"], None),
            (&["<a>"], None),
            (&["<a; rel=next"], None),
            (&["a>; rel=next"], None),
            (&[r#"<a>; rel="next"#], Some("a")),
            (&[""], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(LINK, HeaderValue::from_static(value));
            }
            assert_eq!(next(&headers).as_deref(), expected, "{values:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_is_too_odd(value in r#"([<>;,="\\ a]|rel|next|\PC){0,30}"#) {
            let _ = next_of(&value);
        }
    }
}
