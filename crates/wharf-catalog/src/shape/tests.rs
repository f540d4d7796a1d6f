use serde_json::json;

use super::*;

/// Answers every call with one result, and with the arguments it got where that is wanted.
struct Fixed(ToolResult);

impl Source for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        let tool = |name: &str, schema| Tool {
            name: name.to_owned(),
            input_schema: Json::of(&schema).into(),
            output_schema: Some(Json::of(&json!({"type": "object"}))),
            ..Tool::default()
        };
        let closed = json!({"type": "object", "properties": {"id": {"type": "integer"}}, "additionalProperties": false});
        vec![
            Arc::new(tool("fixed", closed)),
            Arc::new(tool("echo", json!({"type": "object"}))),
        ]
    }

    fn call<'a>(
        &'a self,
        _: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        let result = match call.name {
            "echo" => ToolResult::json(call.arguments.to_json()),
            _ => self.0.clone(),
        };
        Box::pin(async move { Ok(Outcome::Complete(result)) })
    }
}

fn pets() -> ToolResult {
    let mut result = ToolResult::json(Json::of(&json!({"result": [
        {"id": 1, "name": "Rex"}, {"id": 2, "name": "Ida"},
    ]})));
    result.content.push(Content::text("Link: </pets?page=2>"));
    result
}

fn shaped(result: ToolResult, project: Option<&str>, allow_projection: bool, max: usize) -> Shaped {
    let shape = Shape {
        project: project
            .map(|filter| ("fixed".to_owned(), filter.to_owned()))
            .into_iter()
            .collect(),
        allow_projection,
    };
    Shaped::new(Arc::new(Fixed(result)), &shape, max).unwrap()
}

async fn call(source: &Shaped, name: &str, arguments: &str) -> ToolResult {
    let call = ToolCall {
        name,
        arguments: Slice::parse(arguments).unwrap(),
    };
    match source.call(&Context::default(), call).await {
        Ok(Outcome::Complete(result)) => result,
        other => panic!("{name} {arguments}: {other:?}"),
    }
}

fn first_text(result: &ToolResult) -> &str {
    match result.content.first() {
        Some(Content::Text { text, .. }) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn results_are_projected() {
    for (project, allows, arguments, expected) in [
        (Some("[.result[].name]"), false, "{}", r#"["Rex","Ida"]"#),
        (None, true, r#"{"_jq":".result[0].id"}"#, "1"),
        (Some(".result"), true, r#"{"_jq":"length","id":1}"#, "2"),
        (
            None,
            true,
            r#"{"_jq":" "}"#,
            r#"{"result":[{"id":1,"name":"Rex"},{"id":2,"name":"Ida"}]}"#,
        ),
        (
            None,
            true,
            "{}",
            r#"{"result":[{"id":1,"name":"Rex"},{"id":2,"name":"Ida"}]}"#,
        ),
    ] {
        let source = shaped(pets(), project, allows, 1000);
        let result = call(&source, "fixed", arguments).await;
        assert!(!result.is_error, "{project:?} {arguments}");
        assert_eq!(first_text(&result), expected, "{project:?} {arguments}");
        assert_eq!(
            result.structured.as_ref().map(Json::as_str),
            Some(expected),
            "{project:?} {arguments}"
        );
        assert_eq!(
            result.content.len(),
            2,
            "what stands beside the data stays: {project:?}"
        );
    }
}

#[tokio::test]
async fn what_fails_says_so_and_loses_nothing() {
    let text = ToolResult::text("a,b\n1,2");
    let error = ToolResult::error("HTTP 404");
    for (result, arguments, expected) in [
        (
            pets(),
            r#"{"_jq":".result["}"#,
            "The call was not made, its argument `_jq` does not do: the filter is no jq",
        ),
        (pets(), r#"{"_jq":"env"}"#, "The call was not made"),
        (
            pets(),
            r#"{"_jq":".name"}"#,
            "The call was made, but the jq filter `.name` failed",
        ),
        (
            pets(),
            r#"{"_jq":".result.name"}"#,
            r#"The answer, unfiltered:
{"result":[{"id":1,"#,
        ),
        (
            text,
            r#"{"_jq":".x"}"#,
            "the answer is no JSON.\n\nThe answer, unfiltered:\na,b\n1,2",
        ),
        (error, r#"{"_jq":".x"}"#, "HTTP 404"),
    ] {
        let source = shaped(result, None, true, 1000);
        let filter = Slice::parse(arguments).unwrap().get("_jq").unwrap();
        if filter.as_str() == r#"".name""# {
            // A member that is not there is `null`, as in jq, and no failure.
            assert_eq!(first_text(&call(&source, "fixed", arguments).await), "null");
            continue;
        }
        let result = call(&source, "fixed", arguments).await;
        assert!(result.is_error, "{arguments}");
        assert!(
            first_text(&result).contains(expected),
            "{arguments}: {}",
            first_text(&result)
        );
    }
}

#[tokio::test]
async fn the_argument_is_listed_and_goes_no_further() {
    let source = shaped(pets(), None, true, 1000);
    for tool in source.tools() {
        let schema = tool.input_schema.to_value();
        jsonschema::draft202012::new(&schema).unwrap();
        assert!(schema["properties"]["_jq"].is_object(), "{schema}");
        assert_eq!(tool.output_schema, None, "{}", tool.name);
    }
    let echoed = call(&source, "echo", r#"{"a":1.10,"_jq":".","b":"x"}"#).await;
    assert_eq!(first_text(&echoed), r#"{"a":1.10,"b":"x"}"#);
    // Where it is not allowed it is an argument like any other.
    let source = shaped(pets(), Some("."), false, 1000);
    assert_eq!(
        source.tools()[1].output_schema,
        Some(Json::of(&json!({"type": "object"})))
    );
    let echoed = call(&source, "echo", r#"{"_jq":"length"}"#).await;
    assert_eq!(first_text(&echoed), r#"{"_jq":"length"}"#);
}

#[tokio::test]
async fn what_is_too_long_is_cut_after_the_filter() {
    for (allows, arguments, expected) in [
        (
            true,
            "{}",
            "[cut here: the first 20 of 56 bytes are shown; call again with `_jq`",
        ),
        (
            false,
            "{}",
            "[cut here: the first 20 of 56 bytes are shown; ask for less to see all]",
        ),
        (true, r#"{"_jq":".result|length"}"#, "2"),
    ] {
        let mut result = pets();
        result.content.truncate(1);
        let source = shaped(result, (!allows).then_some("."), allows, 20);
        let result = call(&source, "fixed", arguments).await;
        assert!(
            first_text(&result).contains(expected),
            "{arguments}: {}",
            first_text(&result)
        );
        let fits = first_text(&result).len() <= 20;
        assert_eq!(result.structured.is_some(), fits, "{arguments}");
    }
}

#[tokio::test]
async fn what_is_cut_keeps_to_its_output_schema() {
    let source = shaped(pets(), Some("."), false, 10);
    let echoed = call(&source, "echo", r#"{"text":"as long as this"}"#).await;
    let structured = echoed.structured.as_ref().map(Json::to_value);
    let shown = structured
        .as_ref()
        .and_then(|value| value["result"].as_str());
    assert!(
        shown.is_some_and(|shown| shown.starts_with("{\"text\":\"a\n[cut here")),
        "{shown:?}"
    );
}

#[test]
fn mistakes_in_the_configuration_are_found_at_start() {
    for (tool, filter, expected) in [
        ("fixd", ".", "`results.project`: there is no tool `fixd`"),
        (
            "fixed",
            ".[",
            "`results.project.fixed`: the filter is no jq",
        ),
    ] {
        let shape = Shape {
            project: BTreeMap::from([(tool.to_owned(), filter.to_owned())]),
            allow_projection: false,
        };
        let Err(error) = Shaped::new(Arc::new(Fixed(pets())), &shape, 1000) else {
            panic!("{tool} {filter} passed")
        };
        assert!(error.to_string().contains(expected), "{error}");
    }
}
