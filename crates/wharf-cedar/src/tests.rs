//! Policies over a whole catalog: what they permit, and what is wrong with them.

mod mistakes;
mod permits;
mod property;

use std::collections::BTreeSet;
use std::sync::Arc;

use wharf_catalog::{AccessConfig, Catalog, CedarConfig, Offer};
use wharf_model::{
    BoxFuture, CallError, Caller, Context, Identity, Json, Origin, Outcome, Resource, Source, Tool,
    ToolAnnotations, ToolCall, ToolResult,
};

use crate::{Files, Mistake, Policies, Text};

/// Tools, and a resource.
struct Shop {
    name: &'static str,
    tools: Vec<Tool>,
}

impl Source for Shop {
    fn name(&self) -> &str {
        self.name
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.iter().cloned().map(Arc::new).collect()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![Resource {
            uri: format!("{}://one", self.name),
            ..Resource::default()
        }]
    }

    fn call<'a>(
        &'a self,
        _: &'a Context,
        _: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        let result = Outcome::Complete(ToolResult::text("called"));
        Box::pin(std::future::ready(Ok(result)))
    }
}

fn tool(name: &str, operation: &str, tags: &[&str]) -> Tool {
    let (method, path) = operation.split_once(' ').unwrap();
    Tool {
        name: name.to_owned(),
        tags: tags.iter().map(ToString::to_string).collect(),
        origin: Some(Origin {
            method: method.to_owned(),
            path: path.to_owned(),
            operation_id: Some(format!("op/{name}")),
        }),
        annotations: ToolAnnotations {
            read_only: (method != "HEAD").then_some(method == "GET"),
            ..ToolAnnotations::default()
        },
        ..Tool::default()
    }
}

/// `pets` and `bills`, each with tools and a resource.
fn catalog() -> Catalog {
    let pets = vec![
        tool("list", "GET /pets", &["pets"]),
        tool("create", "POST /pets", &["pets", "admin"]),
        tool("delete", "DELETE /pets/{petId}", &["admin"]),
        tool("peek", "HEAD /pets", &[]),
    ];
    let bills = vec![
        tool("bills", "GET /bills", &["money"]),
        tool("pay", "POST /bills", &["money"]),
    ];
    let offers = [("pets", pets), ("bills", bills)].map(|(name, tools)| {
        let source: Arc<dyn Source> = Arc::new(Shop { name, tools });
        Offer::from(source)
    });
    Catalog::build(offers).unwrap()
}

/// The section of a configuration, with claims.
fn section() -> CedarConfig {
    let text = r#"{"policies":"p.cedar",
        "claims":{"office":"String","level":"Long","staff":"Bool","roles":"Set<String>"}}"#;
    serde_json::from_str(text).unwrap()
}

fn read(policies: &str, entities: &str) -> Result<Policies, Vec<Mistake>> {
    let file = |name: &str, text: &str| Text {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let files = Files {
        policies: file("p.cedar", policies),
        entities: (!entities.is_empty()).then(|| file("e.json", entities)),
    };
    Policies::new(&catalog(), &section(), files)
}

fn restricted(policies: &str, entities: &str) -> Catalog {
    let policy = read(policies, entities).unwrap_or_else(|found| panic!("{policies}: {found:?}"));
    let access = AccessConfig {
        default: wharf_catalog::Everybody::Anyone,
        ..AccessConfig::default()
    };
    let policy: Arc<dyn wharf_catalog::Policy> = Arc::new(policy);
    catalog().restricted(&access, Some(policy)).unwrap()
}

/// What somebody is shown: tools, then resources.
fn seen(catalog: &Catalog, caller: &Caller) -> String {
    let visible = catalog.visible_to(caller);
    let tools = visible.tools().into_iter().map(|tool| tool.name.as_str());
    let resources = visible.resources();
    let resources = resources.iter().map(|resource| resource.uri.as_str());
    tools.chain(resources).collect::<Vec<_>>().join(" ")
}

/// `-` for a stranger, or `subject:a issuer:b client:c scope:d group:e claim:f=1`.
fn somebody(text: &str) -> Caller {
    if text == "-" {
        return Caller::default();
    }
    let mut identity = Identity {
        subject: "ann".to_owned(),
        scopes: BTreeSet::new(),
        ..Identity::default()
    };
    let mut claims = serde_json::Map::new();
    for part in text.split_whitespace() {
        let (key, value) = part.split_once(':').unwrap();
        match key {
            "subject" => identity.subject = value.to_owned(),
            "issuer" => identity.issuer = Some(value.to_owned()),
            "client" => identity.client_id = Some(value.to_owned()),
            "scope" => _ = identity.scopes.insert(value.to_owned()),
            "group" => _ = identity.groups.insert(value.to_owned()),
            "claim" => {
                let (name, value) = value.split_once('=').unwrap();
                claims.insert(name.to_owned(), serde_json::from_str(value).unwrap());
            }
            _ => panic!("{key}"),
        }
    }
    identity.claims = Json::of(&claims);
    Caller::known(identity)
}
