//! One call that gathers the pages of its result: the asking. What a page is and how pages are joined is pure, in
//! [`crate::pages`].

use std::fmt::Write as _;
use std::time::Instant;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use url::Url;
use wharf_model::{Context, Slice, with_causes};
use wharf_upstream::{Request, Response, Upstream};

use super::{Entry, OpenApi};
use crate::pages::{Cursor, Gathered, Misfit, Next, Pages, next_link};
use crate::plan::{Location, Plan};
use crate::{request, response};

/// A longer cursor is not repeated to the model: it stands in the answer, where it can be read.
const SHOWN_CURSOR_BYTES_MAX: usize = 1000;

/// A call whose result may have pages.
pub(super) struct PagedCall<'c> {
    pub(super) pages: &'c Pages,
    pub(super) plan: &'c Plan,
    pub(super) entry: &'c Entry,
    pub(super) upstream: &'c Upstream,
    pub(super) context: &'c Context,
    pub(super) arguments: Slice<'c>,
    /// What was asked first.
    pub(super) request: Request,
    pub(super) started: Instant,
}

/// The way to the next page.
struct Onward {
    request: Request,
    /// How a model gets there by itself.
    way: String,
}

/// Why no further page was gathered.
enum End {
    /// There is none.
    Last,
    /// It is not for us to ask for.
    Away,
    /// It is the page that was asked for already.
    Same,
    /// So many are gathered as a call may.
    Most(String),
    /// All of it would be longer than a result may be.
    TooMuch(String),
    /// It could not be had, for this reason.
    Failed(String, String),
}

impl OpenApi {
    /// The first answer together with the pages that follow it, and what to say about them.
    pub(super) async fn gather(
        &self,
        call: &PagedCall<'_>,
        first: Response,
    ) -> (Response, Option<String>) {
        let bytes_max = self.limits.text_bytes_max;
        let Some(mut gathered) = Gathered::start(&first, &call.pages.join, bytes_max) else {
            return (first, None);
        };
        // All pages together have the time of one call.
        let end = call.started + call.upstream.timeout();
        let deadline = call
            .context
            .deadline
            .map_or(end, |deadline| deadline.min(end));
        let mut asked = call.request.clone();
        let mut last = first;
        let ending = loop {
            let onward = match call.onward(&asked, gathered.last(), &last.headers) {
                Ok(onward) => onward,
                Err(end) => break end,
            };
            if gathered.len() >= call.pages.max as usize {
                break End::Most(onward.way);
            }
            let outbox = &call.context.outbox;
            #[expect(clippy::cast_precision_loss, reason = "there are few pages")]
            outbox.progress(gathered.len() as f64, None, None).await;
            let answer = self
                .send(
                    call.upstream,
                    onward.request.clone(),
                    call.context,
                    call.entry,
                    Some(deadline),
                )
                .await;
            let answer = match answer {
                Ok(answer) if response::is_result(answer.status) => answer,
                Ok(answer) => {
                    break End::Failed(format!("the API answered {}", answer.status), onward.way);
                }
                Err(error) => {
                    tracing::warn!(
                        request_id = call.context.request_id(),
                        source = self.name,
                        page = gathered.len() + 1,
                        error = %with_causes(&error),
                        "the upstream gave no further page"
                    );
                    break End::Failed(error.for_caller().into_owned(), onward.way);
                }
            };
            match gathered.add(&answer) {
                Ok(()) => {}
                Err(Misfit::TooMuch) => break End::TooMuch(onward.way),
                Err(Misfit::Other) => {
                    break End::Failed("it is not like the others".to_owned(), onward.way);
                }
            }
            (asked, last) = (onward.request, answer);
        };
        let note = ending.note(gathered.len(), bytes_max);
        if gathered.len() > 1 {
            last.body = gathered.join();
            last.headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        (last, note)
    }
}

impl PagedCall<'_> {
    fn onward(&self, asked: &Request, last: Slice<'_>, headers: &HeaderMap) -> Result<Onward, End> {
        match &self.pages.next {
            Next::Link => self.by_link(asked, headers),
            Next::Cursor(cursor) => self.by_cursor(cursor, asked, last),
        }
    }

    fn by_cursor(&self, cursor: &Cursor, asked: &Request, last: Slice<'_>) -> Result<Onward, End> {
        let found = cursor.find(last).ok_or(End::Last)?;
        let way = if found.as_str().len() > SHOWN_CURSOR_BYTES_MAX {
            format!(
                "call again with `{}` as the answer has it at `{}`",
                cursor.argument, cursor.at
            )
        } else {
            format!("call again with `{}`: {}", cursor.argument, found.as_str())
        };
        let arguments = cursor.put_into(self.arguments, found);
        let arguments = Slice::parse(&arguments).expect("members of JSON are put together");
        match request::build(self.plan, arguments) {
            Ok(request) if request.target == asked.target && request.body == asked.body => {
                Err(End::Same)
            }
            Ok(request) => Ok(Onward { request, way }),
            Err(complaint) => Err(End::Failed(complaint.to_string(), way)),
        }
    }

    fn by_link(&self, asked: &Request, headers: &HeaderMap) -> Result<Onward, End> {
        let target = next_link(headers).ok_or(End::Last)?;
        let from = self.address(asked).ok_or(End::Away)?;
        let mut to = from.join(&target).map_err(|_| End::Away)?;
        to.set_fragment(None);
        if to.origin() != from.origin() || !to.username().is_empty() || to.password().is_some() {
            return Err(End::Away);
        }
        if to == from {
            return Err(End::Same);
        }
        Ok(Onward {
            way: self.way_by_link(&to),
            request: Request {
                method: Method::GET,
                target: to.into(),
                headers: asked.headers.clone(),
                body: bytes::Bytes::new(),
            },
        })
    }

    /// The whole address of a request.
    fn address(&self, request: &Request) -> Option<Url> {
        let target = &request.target;
        if target.is_empty() || target.starts_with(['/', '?']) {
            Url::parse(&format!("{}{target}", self.upstream.base_url())).ok()
        } else {
            Url::parse(target).ok()
        }
    }

    /// The arguments that make the address, as far as they are not given already.
    fn way_by_link(&self, to: &Url) -> String {
        let given: Vec<_> = self
            .address(&self.request)
            .map(|from| from.query_pairs().into_owned().collect())
            .unwrap_or_default();
        let mut way = String::new();
        for (name, value) in to.query_pairs().into_owned() {
            let parameter = self
                .plan
                .parameters
                .iter()
                .find(|known| known.location == Location::Query && known.name == *name);
            if let Some(parameter) = parameter
                && value.len() <= SHOWN_CURSOR_BYTES_MAX
                && !given.contains(&(name, value.clone()))
            {
                way.push_str(if way.is_empty() {
                    "call again with "
                } else {
                    ", "
                });
                let _ = write!(way, "`{}`: {value:?}", parameter.argument);
            }
        }
        if way.is_empty() {
            "the `Link` above names it".to_owned()
        } else {
            way
        }
    }
}

impl End {
    /// What a model should know; nothing where the only page is all there is.
    fn note(self, count: usize, bytes_max: usize) -> Option<String> {
        let here = match count {
            1 => "1 page is here".to_owned(),
            _ => format!("{count} pages are joined here"),
        };
        let rest = match self {
            Self::Last if count == 1 => return None,
            Self::Last => "the last one is among them".to_owned(),
            Self::Away => "the next one is on another server and was not asked for".to_owned(),
            Self::Same => "the API names the same one again as the next".to_owned(),
            Self::Most(way) => format!("no more are gathered at once; for the next one {way}"),
            Self::TooMuch(way) => {
                format!(
                    "with the next one it would be more than {bytes_max} bytes; for that one {way}"
                )
            }
            Self::Failed(reason, way) => {
                format!("the next one could not be had: {reason}; to try it again {way}")
            }
        };
        Some(format!("[{here}; {rest}]"))
    }
}
