use std::sync::Arc;

use serde_json::json;
use wharf_model::{
    BoxFuture, CallError, Content, Context, Json, Outcome, Source, Tool, ToolAnnotations, ToolCall,
    ToolResult,
};

use crate::{Catalog, CatalogError, Offer, ToolsMode, tokens_of_tool};

/// Tools that answer with their name and arguments.
struct Shop(Vec<Tool>);

impl Source for Shop {
    fn name(&self) -> &'static str {
        "shop"
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        self.0.iter().cloned().map(Arc::new).collect()
    }

    fn call<'a>(
        &'a self,
        _: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        let text = format!("{} {}", call.name, call.arguments.as_str());
        Box::pin(async move { Ok(Outcome::Complete(ToolResult::text(text))) })
    }
}

fn tool(name: &str, description: &str, reads: bool) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        input_schema: Json::of(&json!({
            "type": "object",
            "properties": {"orderId": {"type": "integer"}},
            "required": ["orderId"],
            "additionalProperties": false,
        }))
        .into(),
        annotations: ToolAnnotations {
            read_only: Some(reads),
            destructive: Some(name.starts_with("delete")),
            ..ToolAnnotations::default()
        },
        ..Tool::default()
    }
}

fn shop() -> Vec<Tool> {
    vec![
        tool("getOrder", "<p>Returns an order.</p> It may be old.", true),
        tool("createOrder", "Places an order.", false),
        tool("deleteOrder", "Removes an order.", false),
        tool("listStoreHours", "When stores are open.", true),
        tool("oldGetOrder", "Returns an order. Deprecated.", true),
    ]
}

fn catalog(tools: Vec<Tool>, mode: ToolsMode) -> Catalog {
    let source: Arc<dyn Source> = Arc::new(Shop(tools));
    let mut catalog = Catalog::build([Offer::from(source)]).unwrap();
    catalog.list_tools(mode, 100).unwrap();
    catalog
}

async fn call(catalog: &Catalog, name: &str, arguments: &str) -> (bool, String) {
    let arguments = wharf_model::Slice::parse(arguments).unwrap();
    let outcome = catalog
        .call_tool(&Context::default(), name, arguments)
        .await;
    let Ok(Outcome::Complete(result)) = outcome else {
        panic!("{name} {arguments:?}: {outcome:?}")
    };
    let Some(Content::Text { text, .. }) = result.content.first() else {
        panic!("{name} {arguments:?}: no text")
    };
    (result.is_error, text.to_string())
}

#[test]
fn the_budget_decides_in_auto_mode() {
    let whole: usize = shop().iter().map(tokens_of_tool).sum();
    for (mode, tokens_max, searches, reason) in [
        (ToolsMode::All, 0, false, "`tools_mode` is `all`"),
        (
            ToolsMode::Search,
            usize::MAX,
            true,
            "`tools_mode` is `search`",
        ),
        (ToolsMode::Auto, whole, false, "costs a model about"),
        (
            ToolsMode::Auto,
            whole - 1,
            true,
            "would cost a model more than",
        ),
    ] {
        let source: Arc<dyn Source> = Arc::new(Shop(shop()));
        let mut catalog = Catalog::build([Offer::from(source)]).unwrap();
        catalog.list_tools(mode, tokens_max).unwrap();
        let listing = catalog.listing().unwrap();
        assert_eq!(listing.searches, searches, "{mode:?} {tokens_max}");
        assert!(listing.reason.contains(reason), "{}", listing.reason);
        let listed = if searches { 3 } else { 5 };
        assert_eq!(
            catalog.listed_tools().len(),
            listed,
            "{mode:?} {tokens_max}"
        );
        assert_eq!(catalog.tools().len(), 5, "{mode:?} {tokens_max}");
    }
}

#[test]
fn the_three_tools_cost_little_and_are_legal() {
    let catalog = catalog(shop(), ToolsMode::Search);
    let tokens: usize = catalog
        .listed_tools()
        .iter()
        .map(|tool| tokens_of_tool(tool))
        .sum();
    assert!(tokens < 500, "{tokens}");
    for tool in catalog.listed_tools() {
        let schema = tool.input_schema.to_value();
        jsonschema::draft202012::new(&schema)
            .unwrap_or_else(|error| panic!("{}: {error}", tool.name));
    }
}

#[test]
fn questions_find_what_they_mean() {
    let catalog = catalog(shop(), ToolsMode::Search);
    for (question, expected) in [
        ("show me an order", "getOrder"),
        ("buy something: make a new order", "createOrder"),
        ("erase orders", "deleteOrder"),
        ("when are the shops and stores open?", "listStoreHours"),
    ] {
        let found = catalog.find_tools(question, 2);
        assert_eq!(found[0].name, expected, "{question}");
    }
    assert!(catalog.find_tools("quantum chromodynamics", 5).is_empty());
    assert!(catalog.find_tools("", 5).is_empty());
    let last = catalog.find_tools("get the order", 5).pop().unwrap();
    assert_ne!(last.name, "getOrder");
}

#[tokio::test]
async fn a_model_finds_describes_and_calls() {
    let catalog = catalog(shop(), ToolsMode::Search);
    for (name, arguments, is_error, expected) in [
        (
            "find_tools",
            r#"{"query":"get an order","limit":1}"#,
            false,
            "getOrder(orderId) — Returns an order\n\n1 of 5 tools.",
        ),
        (
            "find_tools",
            r#"{"query":"remove an order","limit":"1"}"#,
            false,
            "deleteOrder(orderId) — Removes an order [destructive]\n",
        ),
        (
            "find_tools",
            r#"{"query":"zzz"}"#,
            false,
            "None of the 5 tools has any of these words.",
        ),
        (
            "find_tools",
            r#"{"question":"x"}"#,
            true,
            "there is no argument `question`",
        ),
        (
            "describe_tools",
            r#"{"names":["getOrder"]}"#,
            false,
            "# getOrder",
        ),
        (
            "describe_tools",
            r#"{"names":["getOrder"]}"#,
            false,
            r#""required":["orderId"]"#,
        ),
        (
            "describe_tools",
            r#"{"names":["deleteOrder"]}"#,
            false,
            "Notes: may destroy or overwrite.",
        ),
        (
            "describe_tools",
            r#"{"names":["getOrdr"]}"#,
            true,
            "There is no tool `getOrdr`. Did you mean `getOrder`",
        ),
        (
            "describe_tools",
            r#"{"names":["getOrdr","deleteOrder"]}"#,
            false,
            "# deleteOrder",
        ),
        (
            "describe_tools",
            r#"{"names":["getOrdr","deleteOrder"]}"#,
            false,
            "There is no tool `getOrdr`.",
        ),
        (
            "call_tool",
            r#"{"name":"getOrder","arguments":{"orderId":1}}"#,
            false,
            r#"getOrder {"orderId":1}"#,
        ),
        (
            "call_tool",
            r#"{"name":"getOrder","arguments":"{\"orderId\":\"1\"}"}"#,
            false,
            r#"getOrder {"orderId":1}"#,
        ),
        (
            "call_tool",
            r#"{"name":"getOrder"}"#,
            true,
            "argument `orderId` is missing",
        ),
        (
            "call_tool",
            r#"{"name":"get_orders","arguments":{}}"#,
            true,
            "Did you mean `getOrder`",
        ),
        (
            "call_tool",
            r#"{"name":"place orders"}"#,
            true,
            "Did you mean",
        ),
        (
            "call_tool",
            r#"{"name":"find_tools","arguments":{"query":"x"}}"#,
            true,
            "There is no tool `find_tools`.",
        ),
        (
            "getOrder",
            r#"{"orderId":1}"#,
            false,
            r#"getOrder {"orderId":1}"#,
        ),
    ] {
        let (failed, text) = call(&catalog, name, arguments).await;
        assert_eq!(failed, is_error, "{name} {arguments}: {text}");
        assert!(text.contains(expected), "{name} {arguments}: {text}");
    }
}

#[tokio::test]
async fn without_search_mode_the_three_are_unknown() {
    let catalog = catalog(shop(), ToolsMode::All);
    let arguments = wharf_model::Slice::parse(r#"{"query":"x"}"#).unwrap();
    let outcome = catalog
        .call_tool(&Context::default(), "find_tools", arguments)
        .await;
    assert!(
        matches!(outcome, Err(CallError::Unknown { .. })),
        "{outcome:?}"
    );
}

#[test]
fn a_tool_cannot_be_called_as_one_of_the_three_is() {
    let source: Arc<dyn Source> = Arc::new(Shop(vec![tool("call_tool", "Mine.", false)]));
    let mut catalog = Catalog::build([Offer::from(source)]).unwrap();
    let error = catalog.list_tools(ToolsMode::Search, 0).unwrap_err();
    assert!(matches!(error, CatalogError::Clash { .. }), "{error}");
}

/// The words stand in maps whose order changes from run to run, and sums of fractions depend on order.
#[test]
fn tools_that_are_alike_are_found_alike() {
    let many = (0..300).map(|number| {
        let kind = ["widget", "gadget", "sprocket"][number % 3];
        tool(
            &format!("create{kind}{number}"),
            &format!("Creates {kind} number {number} of a shop."),
            false,
        )
    });
    let tools: Vec<_> = many.collect();
    let found = || {
        let catalog = catalog(tools.clone(), ToolsMode::Search);
        let found = catalog.find_tools("create widget number 7", 8);
        let names = found.into_iter().map(|tool| tool.name.clone());
        names.collect::<Vec<_>>()
    };
    let first = found();
    assert_eq!(first.len(), 8);
    for _ in 0..10 {
        assert_eq!(found(), first);
    }
}
