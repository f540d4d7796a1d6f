//! Responses: what a successful call gives back, as far as the document says.

use std::borrow::Cow;

use wharf_model::{JsonKind, Slice};

use super::body::Media;
use super::text;
use crate::reference::{Referring, Resolver};
use crate::response::MediaType;
use crate::schema::{Keyword, Keywords, members_once};

/// Most media types that `Accept` names.
const ACCEPTED_MAX: usize = 8;

/// The statuses that tell of success, the most telling first; after them any other from 200 to 299.
const FIRST_STATUSES: [&str; 5] = ["200", "201", "202", "204", "207"];

pub(super) struct ResponsesRead<'d> {
    pub(super) success: Option<Success<'d>>,
    pub(super) accept: String,
}

/// The response that counts as the result.
#[derive(Debug)]
pub(crate) struct Success<'d> {
    pub(crate) status: Cow<'d, str>,
    pub(crate) description: Option<Cow<'d, str>>,
    /// The media type that a result is read from: JSON where there is any.
    pub(crate) media_type: Option<Cow<'d, str>>,
    /// Its schema, when it is JSON.
    pub(crate) json: Option<Slice<'d>>,
}

/// The members of a Response Object.
#[derive(Default)]
struct Members<'d> {
    reference: Option<Slice<'d>>,
    description: Option<Cow<'d, str>>,
    content: Option<Slice<'d>>,
    /// Swagger 2.0 has it here.
    schema: Option<Slice<'d>>,
    /// The response itself, which is all of a Media Type Object that Swagger 2.0 has.
    whole: Option<Slice<'d>>,
}

impl<'d> Members<'d> {
    /// Swagger 2.0's answer in all media types of its operation, JSON where it has none.
    fn produced(&self, produces: &[Cow<'d, str>]) -> Vec<(Cow<'d, str>, Slice<'d>)> {
        let Some(whole) = self.whole.filter(|_| self.schema.is_some()) else {
            return Vec::new();
        };
        if produces.is_empty() {
            return vec![(Cow::Borrowed("application/json"), whole)];
        }
        let one = |media_type: &Cow<'d, str>| (media_type.clone(), whole);
        produces.iter().map(one).collect()
    }
}

impl<'d> Referring<'d> for Members<'d> {
    fn of(response: Slice<'d>) -> Self {
        let mut members = Self {
            whole: Some(response),
            ..Self::default()
        };
        for (key, value) in response.each_member() {
            match &*key {
                "$ref" => members.reference = Some(value),
                "description" => members.description = text(value),
                "schema" => members.schema = Some(value),
                "content" => members.content = Some(value),
                _ => {}
            }
        }
        members
    }

    fn reference(&self) -> Option<Slice<'d>> {
        self.reference
    }
}

/// How a result stands to the tool's output schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputShape {
    /// There is no output schema.
    None,
    /// The result is the JSON object itself.
    Object,
    /// The result is an object with the value under `result`.
    Wrapped,
}

/// Reads the responses; `produces` are Swagger 2.0's media types, which stand at the operation.
pub(super) fn read<'d>(
    resolver: &Resolver<'d>,
    responses: Option<Slice<'d>>,
    produces: &[Cow<'d, str>],
) -> ResponsesRead<'d> {
    let mut read = ResponsesRead {
        success: None,
        accept: String::new(),
    };
    // Missing or broken responses do not hinder a call.
    let Some(responses) = responses.filter(|responses| responses.kind() == JsonKind::Object) else {
        return read;
    };
    let mut successes: Vec<_> = members_once(responses)
        .into_iter()
        .filter(|(status, _)| is_success(status))
        .collect();
    successes.sort_by_key(|(status, _)| {
        let rank = FIRST_STATUSES.iter().position(|first| first == status);
        rank.unwrap_or(FIRST_STATUSES.len())
    });
    let mut accepted = Accepted::default();
    for (status, response) in successes {
        let Ok(response) = resolver.read::<Members<'d>>(response) else {
            continue;
        };
        let media_types = match response.content {
            Some(content) => members_once(content),
            None => response.produced(produces),
        };
        for (media_type, _) in &media_types {
            accepted.add(media_type);
        }
        if read.success.is_none() {
            read.success = Some(success(resolver, status, &response, &media_types));
        }
    }
    read.accept = accepted.header();
    read
}

/// `200` to `299`, and `2XX` for all of them.
fn is_success(status: &str) -> bool {
    status.len() == 3 && status.starts_with('2')
}

fn success<'d>(
    resolver: &Resolver<'d>,
    status: Cow<'d, str>,
    response: &Members<'d>,
    media_types: &[(Cow<'d, str>, Slice<'d>)],
) -> Success<'d> {
    let chosen = media_types
        .iter()
        .find(|(media_type, _)| MediaType::parse(media_type).is_json())
        .or(media_types.first())
        .cloned();
    let json = chosen
        .as_ref()
        .filter(|(media_type, _)| MediaType::parse(media_type).is_json())
        .and_then(|(_, media)| resolver.read::<Media<'d>>(*media).ok()?.schema);
    Success {
        description: response.description.clone(),
        status,
        media_type: chosen.map(|(media_type, _)| media_type),
        json,
    }
}

impl<'d> Success<'d> {
    /// Whether the result must be wrapped: everything that does not plainly say `type: object`, as existing deployments
    /// have it.
    pub(crate) fn shape(&self, resolver: &Resolver<'d>) -> OutputShape {
        let Some(schema) = self.json else {
            return OutputShape::None;
        };
        let is_object = resolver.read::<Keywords<'d>>(schema).is_ok_and(|keywords| {
            keywords.types().0 == ["object"] && !keywords.is_true(Keyword::Nullable)
        });
        if is_object {
            OutputShape::Object
        } else {
            OutputShape::Wrapped
        }
    }
}

/// The media types of successes, for `Accept`.
#[derive(Default)]
struct Accepted {
    json: Vec<String>,
    others: Vec<String>,
}

impl Accepted {
    fn add(&mut self, media_type: &str) {
        let media_type = media_type.trim();
        let is_header = media_type.contains('/')
            && !media_type.contains(',')
            && media_type.bytes().all(|byte| (b' '..0x7f).contains(&byte));
        if !is_header {
            return;
        }
        let list = if MediaType::parse(media_type).is_json() {
            &mut self.json
        } else {
            &mut self.others
        };
        if !list.iter().any(|known| known == media_type) {
            list.push(media_type.to_owned());
        }
    }

    /// JSON first, `application/json` before its relatives; what is no JSON only where there is nothing better.
    fn header(mut self) -> String {
        self.json.sort_by_key(|json| json != "application/json");
        let weight = if self.json.is_empty() { "" } else { ";q=0.5" };
        let others = self.others.iter().map(|other| format!("{other}{weight}"));
        let all: Vec<String> = self
            .json
            .iter()
            .cloned()
            .chain(others)
            .take(ACCEPTED_MAX)
            .collect();
        all.join(", ")
    }
}
