//! The catalog itself: built from sources, asked by name.

mod limited;
mod visible;

use std::sync::{Arc, OnceLock};

use wharf_model::{
    CallError, Completion, CompletionReference, CompletionRequest, Context, HashMap, Outcome,
    Prompt, PromptResult, Resource, ResourceContents, ResourceTemplate, Slice, Source, Tool,
    ToolCall, ToolResult,
};

pub use self::visible::Visible;
use self::visible::{Restriction, not_found};
use crate::access::Refused;
use crate::arguments::{self, Checker};
use crate::client::Client;
use crate::limits::{Admission, Called};
use crate::profile;
use crate::search::{self, Listing, Search, SearchTool, ToolsMode};

/// A source and how it is offered.
pub struct Offer {
    /// The source.
    pub source: Arc<dyn Source>,
    /// Put before every tool and prompt name, so that two sources can offer the same name.
    pub prefix: Option<String>,
}

/// Everything that is offered, from all sources. Immutable.
pub struct Catalog {
    sources: Vec<Arc<dyn Source>>,
    tools: Vec<Arc<Tool>>,
    tool_routes: HashMap<String, Route>,
    prompts: Vec<Prompt>,
    prompt_routes: HashMap<String, Route>,
    resources: Vec<Resource>,
    /// The source of each, by its place; so for the templates.
    resource_sources: Vec<usize>,
    resource_templates: Vec<ResourceTemplate>,
    template_sources: Vec<usize>,
    /// The tools that are rendered for a client, as they were before, by their place in the list.
    unrendered: HashMap<usize, Arc<Tool>>,
    /// The client that tools are rendered for.
    client: Option<Client>,
    /// Where clients are shown three tools that find the others.
    search: Option<Search>,
    /// What was decided about that, and why.
    listing: Option<Listing>,
    /// Where not everybody may see and call everything.
    restriction: Option<Restriction>,
    /// Where calls are limited.
    admission: Option<Admission>,
}

/// Where a name leads.
struct Route {
    source: usize,
    /// The place in the catalog's list.
    index: usize,
    /// The name as the source knows it.
    own_name: String,
    checker: OnceLock<Checker>,
}

/// Why sources do not make a catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Two tools or prompts have one name.
    #[error("{kind} `{name}` is offered by `{first}` and by `{second}`")]
    Clash {
        /// `tool` or `prompt`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The source that offers it first.
        first: String,
        /// The source that offers it again.
        second: String,
    },
    /// A prefix holds what no tool name may, or leaves no room for the names.
    #[error("prefix `{prefix}` is not 1 to {PREFIX_CHARS_MAX} of `A-Z a-z 0-9 _ - .`")]
    Prefix {
        /// The prefix.
        prefix: String,
    },
}

/// Whose the tools of search mode are, in logs.
const SEARCH_SOURCE: &str = "search";

/// Clients refuse longer names (the conformance suite and the major model APIs agree on 64).
pub const TOOL_NAME_CHARS_MAX: usize = 64;

impl CatalogError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Clash { .. } => "give one of the two sources a `prefix`",
            Self::Prefix { .. } => "a prefix looks like `pets_`",
        }
    }
}

impl From<Arc<dyn Source>> for Offer {
    fn from(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            prefix: None,
        }
    }
}

impl Catalog {
    /// Asks every source once for what it offers.
    pub fn build(offers: impl IntoIterator<Item = Offer>) -> Result<Self, CatalogError> {
        let mut catalog = Self {
            sources: Vec::new(),
            tools: Vec::new(),
            tool_routes: HashMap::default(),
            prompts: Vec::new(),
            prompt_routes: HashMap::default(),
            resources: Vec::new(),
            resource_sources: Vec::new(),
            resource_templates: Vec::new(),
            template_sources: Vec::new(),
            unrendered: HashMap::default(),
            client: None,
            search: None,
            listing: None,
            restriction: None,
            admission: None,
        };
        for Offer { source, prefix } in offers {
            let prefix = legal(prefix)?;
            let at = catalog.sources.len();
            catalog.sources.push(source.clone());
            let tools = source.tools();
            catalog.tools.reserve(tools.len());
            catalog.tool_routes.reserve(tools.len());
            for mut tool in tools {
                let own_name = tool.name.clone();
                if !prefix.is_empty() || own_name.len() > TOOL_NAME_CHARS_MAX {
                    let name = &mut Arc::make_mut(&mut tool).name;
                    prefixed(&prefix, name);
                    shorten(name);
                }
                let route = Route {
                    source: at,
                    index: catalog.tools.len(),
                    own_name,
                    checker: OnceLock::new(),
                };
                let earlier = catalog.tool_routes.insert(tool.name.clone(), route);
                catalog.refuse_clash("tool", &tool.name, earlier, at)?;
                catalog.tools.push(tool);
            }
            for mut prompt in source.prompts() {
                let own_name = prefixed(&prefix, &mut prompt.name);
                let route = Route {
                    source: at,
                    index: catalog.prompts.len(),
                    own_name,
                    checker: OnceLock::new(),
                };
                let earlier = catalog.prompt_routes.insert(prompt.name.clone(), route);
                catalog.refuse_clash("prompt", &prompt.name, earlier, at)?;
                catalog.prompts.push(prompt);
            }
            catalog.resources.extend(source.resources());
            catalog
                .resource_templates
                .extend(source.resource_templates());
            catalog.resource_sources.resize(catalog.resources.len(), at);
            let templates = catalog.resource_templates.len();
            catalog.template_sources.resize(templates, at);
        }
        Ok(catalog)
    }

    fn refuse_clash(
        &self,
        kind: &'static str,
        name: &str,
        earlier: Option<Route>,
        now: usize,
    ) -> Result<(), CatalogError> {
        earlier.map_or(Ok(()), |earlier| {
            Err(CatalogError::Clash {
                kind,
                name: name.to_owned(),
                first: self.sources[earlier.source].name().to_owned(),
                second: self.sources[now].name().to_owned(),
            })
        })
    }

    /// Lists the tools as a client bears them. Calls are checked against the true schemas all the same.
    #[must_use]
    pub fn rendered_for(mut self, client: Client) -> Self {
        self.client = Some(client);
        for (index, tool) in self.tools.iter_mut().enumerate() {
            if let Some(rendered) = profile::render(client, tool) {
                self.unrendered
                    .insert(index, std::mem::replace(tool, Arc::new(rendered)));
            }
        }
        self
    }

    /// Decides whether clients are shown all tools or three to find them with, and says why.
    pub fn list_tools(&mut self, mode: ToolsMode, tokens_max: usize) -> Result<(), CatalogError> {
        let listing = Listing::decide(mode, tokens_max, &self.tools);
        self.search = listing
            .searches
            .then(|| Search::new(&self.tools, self.client));
        for tool in self.search.iter().flat_map(Search::listed) {
            if let Some(route) = self.tool_routes.get(&tool.name) {
                return Err(CatalogError::Clash {
                    kind: "tool",
                    name: tool.name.clone(),
                    first: self.sources[route.source].name().to_owned(),
                    second: "search mode".to_owned(),
                });
            }
        }
        self.listing = Some(listing);
        Ok(())
    }

    /// The sources, in their order.
    pub fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
    }

    /// What [`Catalog::list_tools`] decided.
    pub fn listing(&self) -> Option<&Listing> {
        self.listing.as_ref()
    }

    /// The tools that clients are shown: all, or those that find the others.
    pub fn listed_tools(&self) -> &[Arc<Tool>] {
        self.search.as_ref().map_or(&self.tools, Search::listed)
    }

    /// The tools that a question may mean, best first, as search mode finds them.
    pub fn find_tools(&self, question: &str, limit: usize) -> Vec<&Tool> {
        let once;
        let search = if let Some(search) = &self.search {
            search
        } else {
            once = Search::new(&self.tools, None);
            &once
        };
        search.best(&self.visible().shown(), question, limit)
    }

    /// All tools, in the order to list them. Each can be called, listed or not.
    pub fn tools(&self) -> &[Arc<Tool>] {
        &self.tools
    }

    /// The tool of that name.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tool_routes
            .get(name)
            .map(|route| &*self.tools[route.index])
    }

    /// All tools as their sources offer them, whatever client the list is rendered for.
    pub fn unrendered_tools(&self) -> impl Iterator<Item = &Tool> {
        (0..self.tools.len()).map(|index| self.unrendered(index))
    }

    fn unrendered(&self, index: usize) -> &Tool {
        self.unrendered.get(&index).unwrap_or(&self.tools[index])
    }

    /// The name of the source that offers a tool.
    pub fn source_of(&self, tool: &str) -> Option<&str> {
        let route = self.tool_routes.get(tool)?;
        Some(self.sources[route.source].name())
    }

    /// What a call of `name` is about: the name of a tool that is offered, and that of its source. A tool that is called
    /// by way of search mode is the tool, not the way.
    pub fn subject(&self, name: &str, arguments: Slice<'_>) -> Option<(&str, &str)> {
        let routed = |name: &str| {
            let route = self.tool_routes.get(name)?;
            let tool = &self.tools[route.index].name;
            Some((tool.as_str(), self.sources[route.source].name()))
        };
        if let Some(subject) = routed(name) {
            return Some(subject);
        }
        let search = self.search.as_ref()?;
        let way = search.listed().iter().find(|tool| tool.name == name)?;
        let wanted = (SearchTool::named(name)? == SearchTool::Call)
            .then(|| search::wanted(arguments))
            .and_then(|(wanted, _)| routed(&wanted));
        Some(wanted.unwrap_or((&way.name, SEARCH_SOURCE)))
    }

    /// All prompts, in the order to list them.
    pub fn prompts(&self) -> &[Prompt] {
        &self.prompts
    }

    /// All resources, in the order to list them.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// All resource templates, in the order to list them.
    pub fn resource_templates(&self) -> &[ResourceTemplate] {
        &self.resource_templates
    }

    /// Whether any source completes arguments.
    pub fn completes(&self) -> bool {
        self.sources.iter().any(|source| source.completes())
    }

    /// Calls a tool. `arguments` is whatever object the client sent.
    ///
    /// Arguments that do not fit the tool's schema are a result with `is_error`, for the model to mend; nothing is sent
    /// upstream then.
    pub async fn call_tool(
        &self,
        context: &Context,
        name: &str,
        arguments: Slice<'_>,
    ) -> Result<Outcome<ToolResult>, CallError> {
        match self.reach_tool(&context.caller, name) {
            Ok(route) => self.call_route(context, route, arguments).await,
            // Apart, since calls by name would carry its room.
            Err(refused) => Box::pin(self.call_search(context, name, arguments, refused)).await,
        }
    }

    async fn call_route(
        &self,
        context: &Context,
        route: &Route,
        arguments: Slice<'_>,
    ) -> Result<Outcome<ToolResult>, CallError> {
        let called = Called {
            tool: Some(route.index),
            name: &self.tools[route.index].name,
        };
        let _place = self.enter(context, called).await?;
        let checker = route
            .checker
            .get_or_init(|| Checker::new(&self.unrendered(route.index).input_schema));
        let arguments = match arguments::check(checker, arguments) {
            Ok(arguments) => arguments,
            Err(complaint) => return Ok(Outcome::Complete(ToolResult::error(complaint))),
        };
        let call = ToolCall {
            name: &route.own_name,
            arguments: arguments.slice(),
        };
        self.sources[route.source].call(context, call).await
    }

    /// Calls one of the tools of search mode, where the name is none that the caller can reach.
    async fn call_search(
        &self,
        context: &Context,
        name: &str,
        arguments: Slice<'_>,
        refused: Refused,
    ) -> Result<Outcome<ToolResult>, CallError> {
        let Some((search, tool)) = self.search.as_ref().zip(SearchTool::named(name)) else {
            return Err(refused.or(|| unknown("tool", name)));
        };
        let arguments = match search.check(tool, arguments) {
            Ok(arguments) => arguments,
            Err(complaint) => return Ok(Outcome::Complete(ToolResult::error(complaint))),
        };
        let arguments = arguments.slice();
        let shown = || self.visible_to(&context.caller).shown();
        let counted = || self.enter(context, Called { tool: None, name });
        let result = match tool {
            SearchTool::Find => {
                let _place = counted().await?;
                search.find(&shown(), arguments).await
            }
            SearchTool::Describe => {
                let shown = shown();
                let by_name = |name: &str| {
                    let route = self.tool_routes.get(name)?;
                    shown.has(route.index).then(|| &*self.tools[route.index])
                };
                let _place = counted().await?;
                search.describe(&shown, by_name, arguments).await
            }
            SearchTool::Call => {
                let (name, arguments) = search::wanted(arguments);
                match self.reach_tool(&context.caller, &name) {
                    Ok(route) => return self.call_route(context, route, arguments.slice()).await,
                    Err(Refused::Hidden) => {
                        if let Some(watch) = &context.watch
                            && self.tool_routes.contains_key(&*name)
                        {
                            watch.forbid();
                        }
                        let _place = counted().await?;
                        search.unknown(&shown(), &name).await
                    }
                    Err(refused) => return Err(refused.or(|| unknown("tool", &name))),
                }
            }
        };
        Ok(Outcome::Complete(result))
    }

    /// Fills in a prompt. `arguments` is an object with text values.
    pub async fn prompt(
        &self,
        context: &Context,
        name: &str,
        arguments: Slice<'_>,
    ) -> Result<Outcome<PromptResult>, CallError> {
        let route = self
            .reach_prompt(&context.caller, name)
            .map_err(|refused| refused.or(|| unknown("prompt", name)))?;
        let _place = self.enter(context, Called { tool: None, name }).await?;
        let given = arguments.members();
        for argument in self.prompts[route.index]
            .arguments
            .iter()
            .filter(|argument| argument.required)
        {
            if !given.iter().any(|(key, _)| *key == argument.name) {
                return Err(CallError::InvalidParams(format!(
                    "argument `{}` is missing",
                    argument.name
                )));
            }
        }
        self.sources[route.source]
            .prompt(context, &route.own_name, arguments)
            .await
    }

    /// Reads a resource from the first source that has it.
    pub async fn read(
        &self,
        context: &Context,
        uri: &str,
    ) -> Result<Outcome<Vec<ResourceContents>>, CallError> {
        self.check_resource(&context.caller, uri)?;
        let called = Called {
            tool: None,
            name: "",
        };
        let _place = self.enter(context, called).await?;
        for at in 0..self.sources.len() {
            if let Ok(source) = self.reach_source(&context.caller, at)
                && let Some(contents) = source.read(context, uri).await?
            {
                return Ok(contents);
            }
        }
        Err(not_found(uri))
    }

    /// Suggests values for an argument; nothing where no source knows any, or the caller may not know it.
    pub async fn complete(
        &self,
        context: &Context,
        request: &CompletionRequest,
    ) -> Result<Completion, CallError> {
        // A prompt that is open opens its source for this.
        let of_prompt = match &request.reference {
            CompletionReference::Prompt(name) if self.access().is_some() => {
                let Ok(route) = self.reach_prompt(&context.caller, name) else {
                    if let Some(watch) = &context.watch
                        && self.prompt_routes.contains_key(name)
                    {
                        watch.forbid();
                    }
                    return Ok(Completion::default());
                };
                Some(route.source)
            }
            _ => None,
        };
        for (at, source) in self.sources.iter().enumerate() {
            let is_open = of_prompt == Some(at) || self.reach_source(&context.caller, at).is_ok();
            if is_open && let Some(completion) = source.complete(context, request).await? {
                return Ok(completion);
            }
        }
        Ok(Completion::default())
    }
}

fn unknown(kind: &'static str, name: &str) -> CallError {
    CallError::Unknown {
        kind,
        name: name.to_owned(),
    }
}

/// A longer prefix would leave less of a name than it takes to tell tools apart.
const PREFIX_CHARS_MAX: usize = 32;

/// The prefix, which may be missing.
fn legal(prefix: Option<String>) -> Result<String, CatalogError> {
    let Some(prefix) = prefix else {
        return Ok(String::new());
    };
    let is_legal = (1..=PREFIX_CHARS_MAX).contains(&prefix.len())
        && prefix
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if is_legal {
        Ok(prefix)
    } else {
        Err(CatalogError::Prefix { prefix })
    }
}

/// Cuts a name to what clients accept. The mark at its end depends on the whole name alone, so that a tool keeps its
/// name whatever else is offered.
fn shorten(name: &mut String) {
    const MARK_CHARS: usize = 9;
    if name.len() <= TOOL_NAME_CHARS_MAX {
        return;
    }
    // FNV-1a: the standard library's hashes may change from release to release.
    let mark = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let kept = (0..=TOOL_NAME_CHARS_MAX - MARK_CHARS).rfind(|end| name.is_char_boundary(*end));
    name.truncate(kept.unwrap_or_default());
    let mark = format!("_{mark:08x}");
    name.push_str(&mark);
}

/// Puts the prefix before `name` and returns the name as it was.
fn prefixed(prefix: &str, name: &mut String) -> String {
    let own_name = name.clone();
    name.insert_str(0, prefix);
    own_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixed_names_stay_legal() {
        for (prefix, name, expected) in [
            (None, "list", Some("list")),
            (Some("pets_"), "list", Some("pets_list")),
            (Some("a b/"), "list", None),
            (Some(""), "list", None),
            (
                Some("github_"),
                "a_name_of_sixty_characters_that_has_no_room_for_more_letters",
                Some("github_a_name_of_sixty_characters_that_has_no_room_for__18c37206"),
            ),
        ] {
            let named = legal(prefix.map(str::to_owned)).ok().map(|prefix| {
                let mut name = name.to_owned();
                prefixed(&prefix, &mut name);
                shorten(&mut name);
                name
            });
            assert!(
                named
                    .as_ref()
                    .is_none_or(|name| name.len() <= TOOL_NAME_CHARS_MAX),
                "{named:?}"
            );
            assert_eq!(named.as_deref(), expected, "{prefix:?} {name}");
        }
    }
}
