//! Several answers as one: their lists joined, everything else as the last one has it.

use bytes::Bytes;
use wharf_model::{Json, JsonKind, Slice};
use wharf_upstream::Response;

use crate::response::whole_json;

/// The pages that were had so far.
pub(crate) struct Gathered {
    pages: Vec<Page>,
    /// Where the lists are; the same in all pages.
    pointers: Vec<String>,
    /// How many bytes all of it has.
    bytes: usize,
    bytes_max: usize,
}

struct Page {
    json: Json,
    /// Where each list begins and ends in the text.
    lists: Vec<(usize, usize)>,
}

/// Why an answer cannot join the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It is no JSON, or has no lists where the others have them.
    Other,
    /// All of them together would be too much.
    TooMuch,
}

impl Gathered {
    /// The first page; none when it has nothing to join, or is too much alone.
    pub(crate) fn start(first: &Response, join: &[String], bytes_max: usize) -> Option<Self> {
        let json = whole_json(first)?;
        let pointers = if join.is_empty() {
            vec![only_list(json.slice())?]
        } else {
            join.to_vec()
        };
        let mut gathered = Self {
            pages: Vec::new(),
            pointers,
            bytes: 0,
            bytes_max,
        };
        gathered.push(json).ok()?;
        Some(gathered)
    }

    /// One more page.
    pub(crate) fn add(&mut self, response: &Response) -> Result<(), Misfit> {
        self.push(whole_json(response).ok_or(Misfit::Other)?)
    }

    fn push(&mut self, json: Json) -> Result<(), Misfit> {
        let lists = self
            .pointers
            .iter()
            .map(|pointer| list(&json, pointer).ok_or(Misfit::Other))
            .collect::<Result<_, _>>()?;
        let bytes = self.bytes + json.as_str().len();
        if bytes > self.bytes_max {
            return Err(Misfit::TooMuch);
        }
        self.bytes = bytes;
        self.pages.push(Page { json, lists });
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.pages.len()
    }

    /// The last page.
    pub(crate) fn last(&self) -> Slice<'_> {
        self.pages
            .last()
            .expect("the first page came with it")
            .json
            .slice()
    }

    /// All pages as one.
    pub(crate) fn join(&self) -> Bytes {
        let last = self.pages.last().expect("the first page came with it");
        let text = last.json.as_str();
        let mut places: Vec<usize> = (0..self.pointers.len()).collect();
        places.sort_by_key(|place| last.lists[*place]);
        let mut out = String::with_capacity(self.bytes + 2 * self.pages.len());
        let mut done = 0;
        for place in places {
            let (start, end) = last.lists[place];
            out.push_str(&text[done..start]);
            out.push('[');
            let opened = out.len();
            for page in &self.pages {
                let (start, end) = page.lists[place];
                let items = page.json.as_str()[start + 1..end - 1].trim_ascii();
                if !items.is_empty() {
                    if out.len() > opened {
                        out.push(',');
                    }
                    out.push_str(items);
                }
            }
            out.push(']');
            done = end;
        }
        out.push_str(&text[done..]);
        out.into()
    }
}

/// Where a list stands; none when there is none.
fn list(json: &Json, pointer: &str) -> Option<(usize, usize)> {
    let found = json.slice().pointer(pointer)?;
    if found.kind() != JsonKind::Array {
        return None;
    }
    let start = found.as_str().as_ptr() as usize - json.as_str().as_ptr() as usize;
    Some((start, start + found.as_str().len()))
}

/// The pointer to the answer itself where it is a list, or to the only list among its members.
fn only_list(answer: Slice<'_>) -> Option<String> {
    if answer.kind() == JsonKind::Array {
        return Some(String::new());
    }
    let mut lists = answer
        .each_member()
        .filter(|(_, value)| value.kind() == JsonKind::Array);
    let (name, _) = lists.next()?;
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    lists.next().is_none().then_some(pointer)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::*;

    fn page(text: &str) -> Response {
        let media_type = HeaderValue::from_static("application/json");
        Response {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, media_type)]),
            body: text.to_owned().into(),
            truncated: false,
        }
    }

    #[test]
    fn lists_are_joined_and_the_rest_is_the_last_ones() {
        for (join, pages, expected) in [
            (
                &[][..],
                &["[1.10, 2]", "[]", "[ 3 ]"][..],
                Ok("[1.10, 2,3]"),
            ),
            (&[], &["[]", "[]"], Ok("[]")),
            (
                &[],
                &[
                    r#"{"n":"a","items":[{"id":12345678901234567890}]}"#,
                    r#"{"items":[1],"n":null}"#,
                ],
                Ok(r#"{"items":[{"id":12345678901234567890},1],"n":null}"#),
            ),
            (
                &["/b/c", "/a"],
                &[
                    r#"{"a":[1],"b":{"c":[2]}}"#,
                    r#"{"b":{"x":0,"c":[3]},"a":[ ]}"#,
                ],
                Ok(r#"{"b":{"x":0,"c":[2,3]},"a":[1]}"#),
            ),
            (
                &[],
                &[r#"{"a/~b":[1]}"#, r#"{"a/~b":[2]}"#],
                Ok(r#"{"a/~b":[1,2]}"#),
            ),
            // Which of two lists is meant is not to be guessed.
            (&[], &[r#"{"a":[],"b":[]}"#], Err("nothing to join")),
            (&[], &[r#"{"a":{}}"#], Err("nothing to join")),
            (&["/a"], &[r#"{"a":{}}"#], Err("nothing to join")),
            (&[], &["[1"], Err("nothing to join")),
            (&[], &["[1]", "{}"], Err("Other")),
            (&[], &["[1]", "oops"], Err("Other")),
            (
                &[],
                &["[1]", "[12345678901234567890123456789]"],
                Err("TooMuch"),
            ),
        ] {
            let join: Vec<_> = join.iter().map(|pointer| (*pointer).to_owned()).collect();
            let bytes_max = if expected == Err("TooMuch") { 30 } else { 1000 };
            let outcome = match Gathered::start(&page(pages[0]), &join, bytes_max) {
                None => Err("nothing to join".to_owned()),
                Some(mut gathered) => pages[1..]
                    .iter()
                    .try_for_each(|text| gathered.add(&page(text)))
                    .map(|()| String::from_utf8(gathered.join().to_vec()).unwrap())
                    .map_err(|misfit| format!("{misfit:?}")),
            };
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(outcome, expected, "{pages:?}");
        }
    }
}
