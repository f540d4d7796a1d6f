//! Messages that nobody answers.

use wharf_model::{Change, LogLevel};

use super::json::Object;
use crate::protocol::key;

/// Names of the levels as the wire has them, least grave first.
const LEVELS: [(&str, LogLevel); 8] = [
    ("debug", LogLevel::Debug),
    ("info", LogLevel::Info),
    ("notice", LogLevel::Notice),
    ("warning", LogLevel::Warning),
    ("error", LogLevel::Error),
    ("critical", LogLevel::Critical),
    ("alert", LogLevel::Alert),
    ("emergency", LogLevel::Emergency),
];

pub(crate) fn log_level(name: &str) -> Option<LogLevel> {
    LEVELS
        .into_iter()
        .find_map(|(known, level)| (known == name).then_some(level))
}

fn level_name(level: LogLevel) -> &'static str {
    LEVELS[level as usize].0
}

fn notification(method: &str, params: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut object = Object::new(&mut out);
    object.text("jsonrpc", "2.0");
    object.text("method", method);
    let mut inside = object.object("params");
    params(&mut inside);
    inside.end();
    object.end();
    out
}

pub(crate) fn progress(
    token: &str,
    progress: f64,
    total: Option<f64>,
    message: Option<&str>,
) -> Vec<u8> {
    notification("notifications/progress", |params| {
        params.raw("progressToken", token);
        params.float("progress", progress);
        if let Some(total) = total {
            params.float("total", total);
        }
        params.optional_text("message", message);
    })
}

pub(crate) fn log(level: LogLevel, logger: Option<&str>, data: &str) -> Vec<u8> {
    notification("notifications/message", |params| {
        params.text("level", level_name(level));
        params.optional_text("logger", logger);
        params.raw("data", data);
    })
}

/// News of a change; on a modern stream with the id of the subscription that asked for it.
pub(crate) fn change(change: &Change, subscription: Option<&str>) -> Vec<u8> {
    let (method, uri) = match change {
        Change::Tools => ("notifications/tools/list_changed", None),
        Change::Prompts => ("notifications/prompts/list_changed", None),
        Change::Resources => ("notifications/resources/list_changed", None),
        Change::Resource(uri) => ("notifications/resources/updated", Some(uri.as_str())),
    };
    notification(method, |params| {
        params.optional_text("uri", uri);
        if let Some(id) = subscription {
            subscription_meta(params, id);
        }
    })
}

pub(crate) fn subscription_meta(params: &mut Object<'_>, id: &str) {
    let mut meta = params.object("_meta");
    meta.raw(key::SUBSCRIPTION_ID, id);
    meta.end();
}

/// The first message of a subscription: what of it the server serves.
pub(crate) fn acknowledged(id: &str, honoured: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    notification("notifications/subscriptions/acknowledged", |params| {
        let mut filter = params.object("notifications");
        honoured(&mut filter);
        filter.end();
        subscription_meta(params, id);
    })
}

/// The end of a request or of a subscription, said by the server.
pub(crate) fn cancelled(id: &str, reason: &str) -> Vec<u8> {
    notification("notifications/cancelled", |params| {
        params.raw("requestId", id);
        params.text("reason", reason);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_survive_the_trip_through_their_names() {
        for (name, level) in LEVELS {
            assert_eq!(log_level(name), Some(level), "{name}");
            assert_eq!(level_name(level), name, "{level:?}");
        }
        assert_eq!(log_level("Info"), None);
    }

    #[test]
    fn notifications_are_one_line_of_json() {
        for (written, expected) in [
            (
                progress("\"t\"", 50.0, Some(100.0), Some("half")),
                r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":50,"total":100,"message":"half"}}"#,
            ),
            (
                change(&Change::Resource("a://b".into()), Some("7")),
                r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://b","_meta":{"io.modelcontextprotocol/subscriptionId":7}}}"#,
            ),
            (
                change(&Change::Tools, None),
                r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}"#,
            ),
        ] {
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }
}
