//! Prompts for operations that go together: to list, look at and change what a path is about, to look for it before
//! making a new one.
//!
//! What an operation does is guessed from its method and its `operationId`, since documents do not say it.

use http::Method;

/// The operations of each part of an API, by what they do.
#[derive(Default)]
pub(super) struct Workflows(Vec<Group>);

/// One prompt about several operations.
pub(super) struct Workflow {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) text: String,
    /// All that it speaks of.
    pub(super) tools: Vec<String>,
}

/// The operations below one first segment of a path, each by its tool's name.
#[derive(Default)]
struct Group {
    segment: String,
    list: Option<String>,
    search: Option<String>,
    get: Option<String>,
    create: Option<String>,
    update: Option<String>,
}

impl Workflows {
    pub(super) fn add(&mut self, id: &str, tool: &str, method: &Method, path: &str) {
        let segment = path
            .split('/')
            .find(|segment| !segment.is_empty() && !segment.contains('{'));
        let Some(segment) = segment else { return };
        let place = self.0.iter().position(|group| group.segment == segment);
        let place = place.unwrap_or_else(|| {
            self.0.push(Group {
                segment: segment.to_owned(),
                ..Group::default()
            });
            self.0.len() - 1
        });
        if let Some(role) = self.0[place].role(method, &id.to_ascii_lowercase()) {
            *role = Some(tool.to_owned());
        }
    }

    /// The workflows whose operations are all there.
    pub(super) fn finish(self) -> impl Iterator<Item = Workflow> {
        self.0.into_iter().flat_map(|group| {
            [group.list_get_update(), group.search_create()]
                .into_iter()
                .flatten()
        })
    }
}

impl Group {
    fn role(&mut self, method: &Method, id: &str) -> Option<&mut Option<String>> {
        let says = |words: &[&str]| words.iter().any(|word| id.contains(word));
        Some(match *method {
            Method::GET if says(&["list"]) => &mut self.list,
            Method::GET if says(&["search", "find"]) => &mut self.search,
            Method::GET if says(&["get"]) => &mut self.get,
            Method::POST if says(&["create", "add"]) => &mut self.create,
            Method::PUT | Method::PATCH => &mut self.update,
            _ => return None,
        })
    }

    fn list_get_update(&self) -> Option<Workflow> {
        let (list, get, update) = (
            self.list.as_ref()?,
            self.get.as_ref()?,
            self.update.as_ref()?,
        );
        let of = &self.segment;
        Some(Workflow {
            name: format!("{of}_list_get_update"),
            description: format!("Find one of the {of}, look at it and change it"),
            text: format!(
                "# Find, look at and change: {of}\n\n\
                 1. Call `{list}` and choose from its answer.\n\
                 2. Call `{get}` with the identifier of what was chosen, and read its present state.\n\
                 3. Call `{update}` with the same identifier and what is to change; keep what is to stay.\n\
                 4. Call `{get}` again and compare, so that the person knows what was changed.\n"
            ),
            tools: vec![list.clone(), get.clone(), update.clone()],
        })
    }

    fn search_create(&self) -> Option<Workflow> {
        let (search, create) = (self.search.as_ref()?, self.create.as_ref()?);
        let of = &self.segment;
        Some(Workflow {
            name: format!("{of}_search_create"),
            description: format!("Look whether it is among the {of} already, and create it if not"),
            text: format!(
                "# Search, then create: {of}\n\n\
                 1. Call `{search}` with what is known of it.\n\
                 2. If something fits, show it and ask whether it is the one; then stop.\n\
                 3. If nothing fits, call `{create}` with all its required arguments.\n\
                 4. Say what was created, with its identifier.\n"
            ),
            tools: vec![search.clone(), create.clone()],
        })
    }
}
