//! The bytes of every list, prepared once per catalog and shared by all answers.
//!
//! Eras differ in one thing only: a legacy list leaves out an output schema that is no object's. Where no tool has
//! such a schema, both eras share one copy.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use wharf_catalog::Catalog;

use crate::encode::json::array;
use crate::encode::{self, Frame};
use crate::headers::HeaderParam;
use crate::message::Message;
use crate::protocol::Method;

/// A catalog, and what is prepared of it.
pub(crate) struct Offering {
    pub(crate) catalog: Arc<Catalog>,
    /// Sorted by tool; only tools that have any.
    header_params: Vec<(String, Vec<HeaderParam>)>,
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
            tools: OnceLock::new(),
            legacy_tools: OnceLock::new(),
            prompts: OnceLock::new(),
            resources: OnceLock::new(),
            resource_templates: OnceLock::new(),
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

    /// One whole list as an answer.
    pub(crate) fn list(&self, method: Method, frame: Frame<'_>, ttl_ms: u64) -> Message {
        Message::around(
            frame.open(0),
            self.member(method, frame.revision.is_modern()),
            encode::list_end(frame, ttl_ms).into(),
        )
    }

    /// `"tools":[…]` and its like.
    fn member(&self, method: Method, modern: bool) -> Bytes {
        let bytes = match method {
            Method::ListPrompts => self
                .prompts
                .get_or_init(|| member("\"prompts\":", self.catalog.prompts(), encode::prompt)),
            Method::ListResources => self.resources.get_or_init(|| {
                member("\"resources\":", self.catalog.resources(), encode::resource)
            }),
            Method::ListResourceTemplates => self.resource_templates.get_or_init(|| {
                member(
                    "\"resourceTemplates\":",
                    self.catalog.resource_templates(),
                    encode::resource_template,
                )
            }),
            _ if modern => self.modern_tools(),
            _ => self.legacy_tools.get_or_init(|| {
                if encode::differs_by_era(self.catalog.listed_tools()) {
                    self.tools_for(false)
                } else {
                    self.modern_tools().clone()
                }
            }),
        };
        bytes.clone()
    }

    fn modern_tools(&self) -> &Bytes {
        self.tools.get_or_init(|| self.tools_for(true))
    }

    fn tools_for(&self, modern: bool) -> Bytes {
        member("\"tools\":", self.catalog.listed_tools(), |out, tool| {
            encode::tool(out, tool, modern);
        })
    }
}

fn member<T>(key: &str, items: &[T], write: impl FnMut(&mut Vec<u8>, &T)) -> Bytes {
    let mut out = key.as_bytes().to_vec();
    array(&mut out, items, write);
    out.shrink_to_fit();
    out.into()
}
