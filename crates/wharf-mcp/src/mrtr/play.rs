//! Questions to legacy clients: requests from the server, on the line of the call that asks.

use std::sync::Arc;

use tokio::sync::mpsc;
use wharf_model::{CallError, InputRequest, Json, Slice};

use crate::encode::json::Object;
use crate::encode::{self, notifications};
use crate::message::Message;
use crate::protocol::Revision;
use crate::server::Inner;
use crate::session::Session;
use crate::sse::Log;

/// How the server reaches a legacy client while a call of it runs.
pub(crate) struct Line {
    pub(crate) session: Arc<Session>,
    pub(crate) way: Way,
}

/// Where messages that precede an answer go.
#[derive(Clone)]
pub(crate) enum Way {
    /// The event stream that the call's response becomes.
    Log(Arc<Log>),
    /// The one outgoing line of a pipe or of HTTP+SSE.
    Queue(mpsc::Sender<Message>),
}

impl Way {
    pub(crate) async fn send(&self, message: Message) {
        match self {
            Self::Log(log) => log.push(message).await,
            // Fails when the client has gone, and then nobody misses the message.
            Self::Queue(queue) => drop(queue.send(message).await),
        }
    }
}

/// Sends all questions and waits for all answers.
pub(crate) async fn play(
    server: &Inner,
    line: &Line,
    revision: Revision,
    requests: &[(String, InputRequest)],
) -> Result<Vec<(String, Json)>, CallError> {
    let mut waiting = Vec::with_capacity(requests.len());
    for (key, request) in requests {
        let question = line.session.ask();
        let (method, params) = encode::question(request);
        let params = with_elicitation_id(params, revision, line.session.next_number());
        let message = encode::request(
            question.number,
            method,
            params.as_deref().unwrap_or(encode::question(request).1),
        );
        line.way.send(message.into()).await;
        waiting.push((key, method, question));
    }
    let limit = server.settings.limits.answer_timeout;
    let deadline = tokio::time::Instant::now() + limit;
    let mut answers = Vec::with_capacity(waiting.len());
    for (key, method, mut question) in waiting {
        match tokio::time::timeout_at(deadline, &mut question.answer).await {
            Ok(Ok(Ok(result))) => answers.push((key.clone(), result)),
            Ok(Ok(Err(_))) => {
                return Err(CallError::Internal(format!(
                    "the client answered `{method}` with an error"
                )));
            }
            Ok(Err(_)) => return Err(CallError::Internal("the session has ended".to_owned())),
            Err(_) => {
                let number = question.number.to_string();
                let message = notifications::cancelled(&number, "no answer in time");
                line.way.send(message.into()).await;
                return Err(CallError::Internal(format!(
                    "the client did not answer `{method}` within {} seconds",
                    limit.as_secs()
                )));
            }
        }
    }
    Ok(answers)
}

/// The one legacy revision that knows visits to addresses wants each to have an id.
fn with_elicitation_id(params: &str, revision: Revision, number: u64) -> Option<String> {
    let slice = Slice::from_checked(params);
    let is_url = slice.get("mode").and_then(Slice::text).as_deref() == Some("url");
    if !is_url || !revision.has_elicitation_ids() || slice.get("elicitationId").is_some() {
        return None;
    }
    let mut out = Vec::with_capacity(params.len() + 48);
    let mut object = Object::new(&mut out);
    for (name, value) in slice.each_member() {
        object.raw(&name, value.as_str());
    }
    object.text("elicitationId", &number.to_string());
    object.end();
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_get_an_id_where_the_revision_wants_one() {
        let url = r#"{"mode":"url","url":"https://a"}"#;
        for (params, revision, expected) in [
            (
                url,
                Revision::November2025,
                Some(r#"{"mode":"url","url":"https://a","elicitationId":"7"}"#),
            ),
            (url, Revision::June2025, None),
            (r#"{"message":"?"}"#, Revision::November2025, None),
            (
                r#"{"mode":"url","elicitationId":"own"}"#,
                Revision::November2025,
                None,
            ),
        ] {
            assert_eq!(
                with_elicitation_id(params, revision, 7).as_deref(),
                expected,
                "{params} {revision:?}"
            );
        }
    }
}
