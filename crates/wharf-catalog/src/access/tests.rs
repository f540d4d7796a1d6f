mod calls;
mod policy;
mod property;
mod rules;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wharf_model::{
    BoxFuture, CallError, Caller, Completion, CompletionRequest, Context, Identity, Json, Outcome,
    Prompt, PromptResult, Resource, ResourceBody, ResourceContents, Slice, Source, Tool, ToolCall,
    ToolResult,
};

use super::{AccessConfig, Policy, Thing};
use crate::select::tests::{tool, tools};
use crate::{Catalog, Offer, RuleMistake, ToolsMode};

/// Tools, prompts and a resource, and how often any of them was reached.
#[derive(Default)]
struct Shop {
    name: &'static str,
    tools: Vec<Tool>,
    reached: AtomicUsize,
}

impl Shop {
    fn reach<T: Send + 'static>(&self, answer: T) -> BoxFuture<'_, T> {
        self.reached.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(answer))
    }
}

impl Source for Shop {
    fn name(&self) -> &str {
        self.name
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.iter().cloned().map(Arc::new).collect()
    }

    fn prompts(&self) -> Vec<Prompt> {
        let prompt = |name: &str, tools: &[&str]| Prompt {
            name: format!("{}_{name}", self.name),
            tools: tools.iter().map(ToString::to_string).collect(),
            ..Prompt::default()
        };
        let first = self.tools[0].name.as_str();
        let last = self.tools[self.tools.len() - 1].name.as_str();
        vec![
            prompt("first", &[first]),
            prompt("both", &[first, last]),
            prompt("none", &[]),
            prompt("gone", &["noSuchTool"]),
        ]
    }

    fn resources(&self) -> Vec<Resource> {
        vec![Resource {
            uri: format!("{}://one", self.name),
            ..Resource::default()
        }]
    }

    fn completes(&self) -> bool {
        true
    }

    fn call<'a>(
        &'a self,
        _: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        let result = ToolResult::text(format!("{} was called", call.name));
        self.reach(Ok(Outcome::Complete(result)))
    }

    fn prompt<'a>(
        &'a self,
        _: &'a Context,
        _: &'a str,
        _: Slice<'a>,
    ) -> BoxFuture<'a, Result<Outcome<PromptResult>, CallError>> {
        self.reach(Ok(Outcome::Complete(PromptResult::default())))
    }

    fn read<'a>(
        &'a self,
        _: &'a Context,
        uri: &'a str,
    ) -> BoxFuture<'a, Result<Option<Outcome<Vec<ResourceContents>>>, CallError>> {
        let contents = uri.starts_with(self.name).then(|| {
            Outcome::Complete(vec![ResourceContents {
                uri: uri.to_owned(),
                mime_type: None,
                body: ResourceBody::Text("one".into()),
                meta: None,
            }])
        });
        self.reach(Ok(contents))
    }

    fn complete<'a>(
        &'a self,
        _: &'a Context,
        _: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, CallError>> {
        self.reach(Ok(Some(Completion {
            values: vec![self.name.to_owned()],
            ..Completion::default()
        })))
    }
}

struct Shops {
    catalog: Catalog,
    sources: [Arc<Shop>; 2],
}

impl Shops {
    /// `pets` with the tools that selections are tried on, and `bills` with two of its own behind a prefix.
    fn with(config: &AccessConfig, mode: ToolsMode) -> Result<Self, Vec<RuleMistake>> {
        Self::judged(config, mode, None)
    }

    fn judged(
        config: &AccessConfig,
        mode: ToolsMode,
        policy: Option<Arc<dyn Policy>>,
    ) -> Result<Self, Vec<RuleMistake>> {
        let shop = |name, tools| {
            Arc::new(Shop {
                name,
                tools,
                ..Shop::default()
            })
        };
        let sources = [
            shop("pets", tools()),
            shop(
                "bills",
                vec![
                    tool("list", "GET /bills", &["bills"]),
                    tool("pay", "POST /bills", &["bills"]),
                ],
            ),
        ];
        let offers = sources.clone().map(|source| Offer {
            prefix: (source.name == "bills").then(|| "b_".to_owned()),
            source,
        });
        let mut catalog = Catalog::build(offers).unwrap();
        catalog.list_tools(mode, 0).unwrap();
        let catalog = catalog.restricted(config, policy)?;
        Ok(Self { catalog, sources })
    }

    fn of(config: &str) -> Self {
        Self::with(&self::config(config), ToolsMode::All)
            .unwrap_or_else(|mistakes| panic!("{config}: {mistakes:?}"))
    }

    fn seen(&self, caller: &Caller) -> String {
        let tools = self.catalog.visible_to(caller).tools();
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
        names.join(" ")
    }

    fn reached(&self) -> usize {
        let counts = self.sources.iter().map(|source| &source.reached);
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    async fn call(&self, caller: &Caller, name: &str, arguments: &str) -> String {
        let context = Context {
            caller: caller.clone(),
            ..Context::default()
        };
        let arguments = Slice::parse(arguments).unwrap();
        let checked = self.catalog.check_tool(caller, name, arguments);
        let answer = self.catalog.call_tool(&context, name, arguments).await;
        match (checked, answer) {
            (Ok(()), Ok(Outcome::Complete(result))) => {
                format!("{} {:?}", result.is_error, result.content)
            }
            (Err(before), Err(error)) => {
                assert_eq!(format!("{before:?}"), format!("{error:?}"), "{name}");
                format!("{error:?}")
            }
            // What the early look leaves to the call itself.
            (Ok(()), Err(error)) => format!("late {error:?}"),
            (checked, answer) => panic!("{name}: {checked:?}, but {answer:?}"),
        }
    }
}

/// A policy as a function of who asks and for what.
struct Says<F>(F);

impl<F: Fn(&Caller, Thing) -> bool + Send + Sync> Policy for Says<F> {
    fn permits(&self, caller: &Caller, things: &[Thing]) -> Vec<bool> {
        things.iter().map(|thing| self.0(caller, *thing)).collect()
    }
}

fn config(text: &str) -> AccessConfig {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn unknown() -> Caller {
    Caller::default()
}

/// `scope:a group:b claim:team=c issuer:d`
fn somebody(text: &str) -> Caller {
    let mut identity = Identity {
        subject: "ann".to_owned(),
        ..Identity::default()
    };
    let mut claims = serde_json::Map::new();
    for part in text.split_whitespace() {
        let (key, value) = part.split_once(':').unwrap();
        match key {
            "scope" => _ = identity.scopes.insert(value.to_owned()),
            "group" => _ = identity.groups.insert(value.to_owned()),
            "issuer" => identity.issuer = Some(value.to_owned()),
            "client" => identity.client_id = Some(value.to_owned()),
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
