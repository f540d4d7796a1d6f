//! A document, offered and called as a client would, with a strict client's eyes: every listed schema must compile as
//! draft 2020-12, and every result that is no error must fit the output schema that was listed.

use std::collections::BTreeMap;

use serde_json::Value;
use wharf_catalog::Catalog;
use wharf_model::{Content, Context, Json, Outcome, Tool, ToolResult};
use wharf_openapi::{Document, OpenApi, Pages, Report, Whereabouts};
use wharf_upstream::{Trust, Upstream};

use crate::api::{Api, Reply, Request};

/// What goes before the paths of a case.
const HEAD: &str = "openapi: 3.1.0\ninfo: {title: Torture, version: '1'}\n";

/// How a document is to be offered.
pub(crate) struct Setup {
    document: String,
    pub(crate) tools: wharf_openapi::Config,
    pub(crate) upstream: wharf_upstream::Config,
    pages: BTreeMap<String, Pages>,
    replies: Vec<Reply>,
    names_base: bool,
}

/// A document that can be called.
pub(crate) struct Offer {
    catalog: Catalog,
    pub(crate) report: Report,
    pub(crate) api: Api,
}

/// What a client gets.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) is_error: bool,
    pub(crate) content: Vec<Content>,
    /// As it is on the wire.
    pub(crate) structured: Option<String>,
}

/// A document that begins with its paths, as OpenAPI 3.1.
pub(crate) fn paths(paths: &str) -> Setup {
    whole(format!("{HEAD}{paths}"))
}

/// A whole document.
pub(crate) fn whole(document: impl Into<String>) -> Setup {
    Setup {
        document: document.into(),
        tools: wharf_openapi::Config::default(),
        upstream: wharf_upstream::Config::default(),
        pages: BTreeMap::new(),
        replies: vec![Reply::json("{}")],
        names_base: true,
    }
}

impl Setup {
    pub(crate) fn answering(mut self, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.replies = replies.into_iter().collect();
        self
    }

    pub(crate) fn tools(mut self, change: impl FnOnce(&mut wharf_openapi::Config)) -> Self {
        change(&mut self.tools);
        self
    }

    pub(crate) fn upstream(mut self, change: impl FnOnce(&mut wharf_upstream::Config)) -> Self {
        change(&mut self.upstream);
        self
    }

    /// `results.pages`.
    pub(crate) fn pages(mut self, pages: Value) -> Self {
        self.pages = serde_json::from_value(pages).unwrap();
        self
    }

    /// The document alone says where its API is: `API` in it stands for the address.
    pub(crate) fn by_its_servers(mut self) -> Self {
        self.names_base = false;
        self
    }

    pub(crate) fn offer(self) -> Offer {
        let api = Api::answering(self.replies);
        let text = self.document.replace("API", &api.url);
        let document = Document::read(text).unwrap_or_else(|error| panic!("{error}"));
        let base = format!("{}/base", api.url);
        let whereabouts = Whereabouts {
            base_url: self.names_base.then_some(&*base),
            document_url: None,
        };
        let (source, report) =
            OpenApi::build(document, &self.tools, whereabouts).unwrap_or_else(|e| panic!("{e}"));
        let base = source.base_url().expect("the base is known").to_owned();
        let trust = if self.names_base {
            Trust::Operator
        } else {
            Trust::Document
        };
        let upstream = Upstream::new(&self.upstream, &base, trust).unwrap();
        let source: std::sync::Arc<dyn wharf_model::Source> = std::sync::Arc::new(
            source
                .with_upstream(upstream)
                .with_pages(&self.pages)
                .unwrap(),
        );
        let catalog = Catalog::build([source.into()]).unwrap_or_else(|error| panic!("{error}"));
        for tool in catalog.tools() {
            assert_compiles(tool);
        }
        Offer {
            catalog,
            report,
            api,
        }
    }
}

fn assert_compiles(tool: &Tool) {
    let name = &tool.name;
    assert!((1..=64).contains(&name.len()), "{name}");
    for schema in std::iter::once(&*tool.input_schema).chain(&tool.output_schema) {
        let value = schema.to_value();
        jsonschema::draft202012::meta::validate(&value).unwrap_or_else(|e| panic!("{name}: {e}"));
        jsonschema::draft202012::new(&value).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

impl Offer {
    pub(crate) fn names(&self) -> Vec<&str> {
        let tools = self.catalog.tools().iter();
        tools.map(|tool| tool.name.as_str()).collect()
    }

    pub(crate) fn tool(&self, name: &str) -> &Tool {
        self.catalog
            .tool(name)
            .unwrap_or_else(|| panic!("no `{name}` in {:?}", self.names()))
    }

    pub(crate) fn input(&self, tool: &str) -> Value {
        self.tool(tool).input_schema.to_value()
    }

    /// The names of a tool's arguments.
    pub(crate) fn arguments(&self, tool: &str) -> Vec<String> {
        let properties = &self.input(tool)["properties"];
        properties.as_object().unwrap().keys().cloned().collect()
    }

    pub(crate) fn output(&self, tool: &str) -> Option<Value> {
        self.tool(tool).output_schema.as_ref().map(Json::to_value)
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.call_as(&Context::default(), tool, arguments).await
    }

    pub(crate) async fn call_as(&self, context: &Context, tool: &str, arguments: Value) -> Answer {
        let arguments = Json::of(&arguments);
        let outcome = self
            .catalog
            .call_tool(context, tool, arguments.slice())
            .await;
        let result = match outcome {
            Ok(Outcome::Complete(result)) => result,
            other => panic!("{tool}: {other:?}"),
        };
        self.judge(tool, &result);
        Answer {
            is_error: result.is_error,
            structured: result
                .structured
                .as_ref()
                .map(|json| json.as_str().to_owned()),
            content: result.content,
        }
    }

    /// What clients with a validator do to every result.
    fn judge(&self, tool: &str, result: &ToolResult) {
        let Some(schema) = self.output(tool).filter(|_| !result.is_error) else {
            return;
        };
        let Some(structured) = &result.structured else {
            panic!("{tool} lists an output schema, but a result has no structured content")
        };
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        if let Err(error) = validator.validate(&structured.to_value()) {
            panic!("{tool}: a strict client throws this result away: {error}");
        }
    }
}

impl Answer {
    /// All texts, with an empty line between them.
    pub(crate) fn text(&self) -> String {
        let texts = self.content.iter().filter_map(|content| match content {
            Content::Text { text, .. } => Some(&**text),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n\n")
    }

    pub(crate) fn value(&self) -> Value {
        let structured = self.structured.as_deref();
        structured.map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
    }
}

/// What a call makes of its arguments on the wire.
pub(crate) async fn sent(document: &str, tool: &str, arguments: Value) -> Request {
    let offer = paths(document).offer();
    let shown = arguments.to_string();
    let answer = offer.call(tool, arguments).await;
    assert!(!answer.is_error, "{tool} {shown}: {}", answer.text());
    offer.api.request()
}

/// Why a call is not made; nothing must have reached the upstream.
pub(crate) async fn refused(document: &str, tool: &str, arguments: Value) -> String {
    let offer = paths(document).offer();
    let shown = arguments.to_string();
    let answer = offer.call(tool, arguments).await;
    assert!(answer.is_error, "{tool} {shown} passed: {}", answer.text());
    let requests = offer.api.requests();
    assert!(requests.is_empty(), "{tool} {shown}: {requests:#?}");
    answer.text()
}

/// What a client gets for an answer of the upstream.
pub(crate) async fn got(document: &str, tool: &str, reply: Reply) -> Answer {
    let offer = paths(document).answering([reply]).offer();
    offer.call(tool, serde_json::json!({})).await
}
