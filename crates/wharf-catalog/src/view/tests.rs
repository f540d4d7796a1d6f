//! Views as the catalog sees them: what is listed, and what reaches the source.

use std::sync::Mutex;

use proptest::prelude::*;
use serde_json::json;
use wharf_model::{Json, Slice};

use super::*;
use crate::select::tests::tools;
use crate::{Catalog, Offer};

/// Remembers what it is called with.
#[derive(Default)]
struct Recorder {
    tools: Vec<Tool>,
    calls: Mutex<Vec<String>>,
}

impl Source for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.iter().cloned().map(Arc::new).collect()
    }

    fn call<'a>(
        &'a self,
        _: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        let called = format!("{} {}", call.name, call.arguments.as_str());
        self.calls.lock().unwrap().push(called);
        Box::pin(std::future::ready(Ok(Outcome::Complete(ToolResult::text(
            "done",
        )))))
    }
}

fn recorder() -> Arc<Recorder> {
    let mut tools = tools();
    for tool in &mut tools {
        tool.input_schema = Json::of(&json!({
            "type": "object",
            "properties": {"petId": {"type": "integer"}, "limit": {"type": "integer"}, "key": {"type": "string"}},
            "required": ["petId"],
            "additionalProperties": tool.name == "order",
        })).into();
    }
    Arc::new(Recorder {
        tools,
        calls: Mutex::default(),
    })
}

fn config(text: &str) -> ViewConfig {
    serde_json::from_str(text).unwrap()
}

fn view(source: &Arc<Recorder>, text: &str) -> Result<Arc<dyn Source>, Vec<Mistake>> {
    View::of(source.clone(), &config(text))
}

#[test]
fn without_a_wish_there_is_no_view() {
    let source: Arc<dyn Source> = recorder();
    let same = View::of(source.clone(), &ViewConfig::default()).unwrap_or_else(|_| unreachable!());
    assert!(Arc::ptr_eq(&source, &same));
}

#[tokio::test]
async fn calls_reach_the_source_as_edited() {
    let source = recorder();
    let view = view(
        &source,
        r#"{"include":[{"path":"/**"}],"edit":{
            "get":{"name":"read_pet","arguments":{"petId":{"default":7},"key":{"fixed":"k"}}},
            "order":{"arguments":{"limit":{"hidden":true}}}}}"#,
    )
    .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let catalog = Catalog::build([Offer {
        source: view,
        prefix: Some("p_".to_owned()),
    }])
    .unwrap();
    for (name, arguments, reached, said) in [
        ("p_read_pet", "{}", r#"get {"key":"k","petId":7}"#, "done"),
        (
            "p_read_pet",
            r#"{"petId":"1"}"#,
            r#"get {"petId":1,"key":"k"}"#,
            "done",
        ),
        (
            "p_read_pet",
            r#"{"key":"other"}"#,
            "",
            "there is no argument `key`",
        ),
        ("p_order", r#"{"petId":1}"#, r#"order {"petId":1}"#, "done"),
        // Its schema is open, so only the view can refuse it.
        (
            "p_order",
            r#"{"petId":1,"limit":2}"#,
            "",
            "there is no argument `limit`",
        ),
        ("p_list", r#"{"petId":1}"#, r#"list {"petId":1}"#, "done"),
    ] {
        source.calls.lock().unwrap().clear();
        let context = Context::default();
        let arguments = Slice::parse(arguments).unwrap();
        let outcome = catalog.call_tool(&context, name, arguments).await.unwrap();
        let Outcome::Complete(result) = outcome else {
            panic!("{name} asks for input")
        };
        let told = format!("{:?}", result.content);
        assert!(told.contains(said), "{name} {arguments:?}: {told}");
        assert_eq!(
            source.calls.lock().unwrap().concat(),
            reached,
            "{name} {arguments:?}"
        );
    }
    let context = Context::default();
    let renamed_away = catalog
        .call_tool(&context, "p_get", Slice::parse("{}").unwrap())
        .await;
    assert!(matches!(renamed_away, Err(CallError::Unknown { .. })));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let source = recorder();
    for (given, expected) in [
        (
            r#"{"include":[{"tag":"pets"}],"edit":{"lst":{},"order":{"name":"x"}}}"#,
            "`tools.edit`: there is no tool `lst`; `tools.edit`: tool `order` is left out by the selection",
        ),
        (
            r#"{"edit":{"list":{"name":"get"}}}"#,
            "`tools.edit`: tools `list` and `get` would both be called `get`",
        ),
        (
            r#"{"edit":{"list":{"name":"one"},"get":{"name":"one"}}}"#,
            "`tools.edit`: tools `list` and `get` would both be called `one`",
        ),
        (
            r#"{"edit":{"list":{"name":"list pets"},"get":{"name":"1st"},"photo":{"name":""}}}"#,
            "`tools.edit`: `list pets` cannot be the name of tool `list`; `tools.edit`: `1st` cannot be the name of tool `get`; `tools.edit`: `` cannot be the name of tool `photo`",
        ),
        (
            r#"{"edit":{"list":{"arguments":{"limt":{}}}}}"#,
            "`tools.edit`: tool `list` has no argument `limt`",
        ),
    ] {
        let Err(mistakes) = view(&source, given) else {
            panic!("{given} is taken")
        };
        let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(said.join("; "), expected, "{given}");
    }
}

#[test]
fn two_tools_can_swap_names() {
    let source = recorder();
    let view = view(
        &source,
        r#"{"edit":{"list":{"name":"get"},"get":{"name":"list"}}}"#,
    )
    .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let names: Vec<_> = view
        .tools()
        .into_iter()
        .map(|tool| tool.name.clone())
        .collect();
    assert_eq!(names[..3], ["get", "create", "list"]);
}

fn any_config() -> impl Strategy<Value = ViewConfig> {
    let selector = (
        prop::option::of("[pa*]{0,2}(ets|dmin|\\*)"),
        prop::option::of("/(pets|\\*\\*|store/\\*)"),
        prop::option::of("(GET|POST|get|D*)"),
    )
        .prop_map(|(tag, path, method)| Selector {
            tag,
            path,
            method,
            ..Selector::default()
        });
    let argument = (
        any::<bool>(),
        prop::option::of(0..9),
        prop::option::of(0..9),
    )
        .prop_map(|(hidden, fixed, default)| crate::ArgumentEdit {
            description: None,
            hidden,
            fixed: fixed.map(|number| json!(number)),
            default: default.map(|number| json!(number)),
        });
    let edit = (
        prop::option::of("(list|get|a|[a-z_-]{1,70})"),
        prop::collection::btree_map("(petId|limit|key)", argument, 0..3),
    )
        .prop_map(|(name, arguments)| ToolEdit {
            name,
            description: None,
            arguments,
        });
    (
        prop::collection::vec(selector.clone(), 0..2),
        prop::collection::vec(selector, 0..2),
        any::<bool>(),
        prop::collection::btree_map("(list|get|photo|create|order)", edit, 0..3),
    )
        .prop_map(|(include, exclude, read_only, edit)| ViewConfig {
            include,
            exclude,
            read_only,
            edit,
        })
}

proptest! {
    #[test]
    fn what_is_offered_is_legal_or_refused(config in any_config()) {
        let source = recorder();
        match View::of(source, &config) {
            Err(mistakes) => prop_assert!(!mistakes.is_empty()),
            Ok(view) => {
                let tools = view.tools();
                prop_assert!(!tools.is_empty());
                let mut names: Vec<_> = tools.iter().map(|tool| tool.name.clone()).collect();
                prop_assert!(names.iter().all(|name| is_legal(name)), "{names:?}");
                names.sort();
                names.dedup();
                prop_assert_eq!(names.len(), tools.len());
                for tool in &tools {
                    let schema = tool.input_schema.to_value();
                    prop_assert!(jsonschema::draft202012::new(&schema).is_ok(), "{schema}");
                    let properties = schema["properties"].as_object().unwrap();
                    let required = schema["required"].as_array().into_iter().flatten();
                    for name in required {
                        prop_assert!(properties.contains_key(name.as_str().unwrap()), "{schema}");
                    }
                }
            }
        }
    }
}
