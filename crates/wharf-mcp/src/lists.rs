//! The bytes of every list, prepared once per catalog and shared by all answers.
//!
//! Eras differ in one thing only: a legacy list leaves out an output schema that is no object's. Where no tool has
//! such a schema, both eras share one copy.
//!
//! Where callers see different things, there is one set of lists for each set of permissions, and none for a caller.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use wharf_catalog::{Catalog, Permissions, Visible};
use wharf_model::{Caller, Tool};

use crate::encode::json::array;
use crate::encode::{self, Frame};
use crate::headers::HeaderParam;
use crate::message::Message;
use crate::protocol::Method;

/// For how many sets of permissions lists are kept. Rules name a handful of kinds of callers, of which few combinations
/// occur; where more do, all are prepared anew, so that no caller can fill the memory and none can push in for good.
const PERMISSIONS_KEPT_MAX: usize = 64;

/// A catalog, and what is prepared of it.
pub(crate) struct Offering {
    pub(crate) catalog: Arc<Catalog>,
    /// Sorted by tool; only tools that have any.
    header_params: Vec<(String, Vec<HeaderParam>)>,
    /// Where everybody sees everything.
    lists: Arc<Lists>,
    /// Where not. A lock is good enough for lists, and no call takes it.
    lists_by_permissions: Mutex<HashMap<Permissions, Arc<Lists>>>,
}

/// The lists of those who see the same, each made when it is asked for.
#[derive(Default)]
struct Lists {
    tools: OnceLock<Bytes>,
    legacy_tools: OnceLock<Bytes>,
    prompts: OnceLock<Bytes>,
    resources: OnceLock<Bytes>,
    resource_templates: OnceLock<Bytes>,
}

impl Offering {
    pub(crate) fn new(catalog: Catalog) -> Self {
        let mut header_params: Vec<_> = catalog
            .listed_tools()
            .iter()
            .map(|tool| (tool.name.clone(), HeaderParam::of(tool)))
            .filter(|(_, params)| !params.is_empty())
            .collect();
        header_params.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Self {
            catalog: Arc::new(catalog),
            header_params,
            lists: Arc::default(),
            lists_by_permissions: Mutex::default(),
        }
    }

    pub(crate) fn has_prompts(&self) -> bool {
        !self.catalog.prompts().is_empty()
    }

    pub(crate) fn has_resources(&self) -> bool {
        !self.catalog.resources().is_empty() || !self.catalog.resource_templates().is_empty()
    }

    /// The parameters of a tool that clients repeat in headers.
    pub(crate) fn header_params(&self, tool: &str) -> &[HeaderParam] {
        self.header_params
            .binary_search_by(|(name, _)| name.as_str().cmp(tool))
            .map_or(&[], |at| &self.header_params[at].1)
    }

    /// All names of headers that repeat parameters.
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &str> {
        self.header_params
            .iter()
            .flat_map(|(_, params)| params)
            .map(|param| param.header.as_str())
    }

    /// One whole list as an answer to this caller.
    pub(crate) fn list(
        &self,
        method: Method,
        caller: &Caller,
        frame: Frame<'_>,
        ttl_ms: u64,
    ) -> Message {
        let visible = self.catalog.visible_to(caller);
        let (lists, cache_scope) = match visible.permissions() {
            None => (self.lists.clone(), "public"),
            Some(permissions) => (self.lists_for(permissions), "private"),
        };
        Message::around(
            frame.open(0),
            lists.member(method, frame.revision.is_modern(), &visible),
            encode::list_end(frame, ttl_ms, cache_scope).into(),
        )
    }

    fn lists_for(&self, permissions: &Permissions) -> Arc<Lists> {
        // Only whole entries are ever put in, so a panic elsewhere has left nothing half done.
        let kept = self.lists_by_permissions.lock();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= PERMISSIONS_KEPT_MAX && !kept.contains_key(permissions) {
            kept.clear();
        }
        kept.entry(permissions.clone()).or_default().clone()
    }
}

impl Lists {
    /// `"tools":[…]` and its like.
    fn member(&self, method: Method, modern: bool, visible: &Visible<'_>) -> Bytes {
        let bytes = match method {
            Method::ListPrompts => self
                .prompts
                .get_or_init(|| member("\"prompts\":", &visible.prompts(), encode::prompt)),
            Method::ListResources => self
                .resources
                .get_or_init(|| member("\"resources\":", &visible.resources(), encode::resource)),
            Method::ListResourceTemplates => self.resource_templates.get_or_init(|| {
                member(
                    "\"resourceTemplates\":",
                    &visible.resource_templates(),
                    encode::resource_template,
                )
            }),
            _ if modern => self.modern_tools(visible),
            _ => self.legacy_tools.get_or_init(|| {
                let listed = visible.listed_tools();
                if encode::differs_by_era(listed.iter().map(|tool| &**tool)) {
                    tools_for(&listed, false)
                } else {
                    self.modern_tools(visible).clone()
                }
            }),
        };
        bytes.clone()
    }

    fn modern_tools(&self, visible: &Visible<'_>) -> &Bytes {
        self.tools
            .get_or_init(|| tools_for(&visible.listed_tools(), true))
    }
}

fn tools_for(listed: &[impl Borrow<Tool>], modern: bool) -> Bytes {
    member("\"tools\":", listed, |out, tool| {
        encode::tool(out, tool, modern);
    })
}

fn member<T>(
    key: &str,
    items: &[impl Borrow<T>],
    mut write: impl FnMut(&mut Vec<u8>, &T),
) -> Bytes {
    let mut out = key.as_bytes().to_vec();
    array(&mut out, items, |out, item| write(out, item.borrow()));
    out.shrink_to_fit();
    out.into()
}
