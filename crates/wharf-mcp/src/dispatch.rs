//! From a method to what answers it.
//!
//! Everything here is the same for both eras and all transports. What needs no waiting is answered at once; a call on
//! the catalog and a subscription are handed back for the transport to run.

use std::sync::Arc;
use std::time::Instant;

use ::http::HeaderMap;
use bytestring::ByteString;
use tokio_util::sync::CancellationToken;
use wharf_model::{
    CallError, Caller, ClientCapabilities, CompletionReference, CompletionRequest, Context,
    InputAnswers, Json, JsonKind, Outbox, Slice, TraceContext, Trail, Watch,
};

use crate::call::{Call, Target, Wishes};
use crate::encode::{self, notifications};
use crate::envelope::{Params, Request};
use crate::errors::WireError;
use crate::handshake;
use crate::lists::Offering;
use crate::message::{Id, Reply, Shared};
use crate::mrtr;
use crate::protocol::{Method, Revision};
use crate::session::Session;
use crate::subscriptions::Listen;
use crate::watch;

/// Who sent a request, and how.
pub(crate) struct Peer {
    pub(crate) revision: Revision,
    pub(crate) client: ClientCapabilities,
    pub(crate) caller: Caller,
    pub(crate) headers: HeaderMap,
    /// What is remembered of the client. A modern one has a session only on stdio, for its calls in flight.
    pub(crate) session: Option<Arc<Session>>,
    /// The transport lets clients leave a stream and join it again.
    pub(crate) can_poll: bool,
    /// Where the message is observed.
    pub(crate) trail: Option<Arc<Trail>>,
}

/// What answers a request.
pub(crate) enum Step {
    Done(Reply),
    /// Apart, since every future that it goes through would carry its room, and copy it.
    Call(Box<Call>),
    Listen(Listen),
}

/// Finds what answers `request`, whose slices are cut out of `text`. `initialize` is the transport's own.
pub(crate) fn dispatch(
    server: &Shared,
    request: &Request<'_>,
    text: &ByteString,
    peer: Peer,
) -> Result<Step, WireError> {
    let offering = server.offering.load_full();
    let trace = own_trace(request);
    let watch = watch::begin(&offering, request, text.len(), &peer, trace.as_ref());
    let observed = Observed {
        trace,
        watch: watch.clone(),
    };
    let step = find(server, offering, request, text, peer, observed);
    watch::found(watch.as_deref(), &step, request.id);
    step
}

/// What goes along with a call for those who observe it.
struct Observed {
    /// What the message says itself.
    trace: Option<TraceContext>,
    watch: Option<Arc<Watch>>,
}

impl Observed {
    fn forbid(&self) {
        if let Some(watch) = &self.watch {
            watch.forbid();
        }
    }
}

fn find(
    server: &Shared,
    offering: Arc<Offering>,
    request: &Request<'_>,
    text: &ByteString,
    peer: Peer,
    observed: Observed,
) -> Result<Step, WireError> {
    let revision = peer.revision;
    let method = Method::parse(&request.method)
        .filter(|method| method.is_in(revision) && is_offered(*method, &offering, &peer))
        .ok_or_else(|| WireError::method_not_found(&request.method, revision))?;
    let frame = server.frame(request.id, revision);
    let params = &request.params;
    let done = |message: Vec<u8>| Ok(Step::Done(Reply::ok(message)));
    match method {
        Method::Initialize => Err(WireError::invalid_request("`initialize` must stand alone")),
        Method::Ping => done(encode::empty(frame)),
        Method::Discover => done(handshake::discover(server, &offering, frame)),
        Method::ListTools
        | Method::ListPrompts
        | Method::ListResources
        | Method::ListResourceTemplates => {
            check_cursor(params)?;
            offering
                .catalog
                .check_list(&peer.caller)
                .map_err(|error| WireError::of_call(error, revision))?;
            let ttl_ms = server.settings.list_ttl_ms;
            let list = offering.list(method, &peer.caller, frame, ttl_ms);
            Ok(Step::Done(Reply::ok(list)))
        }
        Method::SetLogLevel => {
            let level = member(params, "level")
                .and_then(Slice::text)
                .and_then(|level| notifications::log_level(&level))
                .ok_or_else(|| {
                    WireError::invalid_params(
                        "`level` must be a log level of RFC 5424, such as `info`",
                    )
                })?;
            if let Some(session) = &peer.session {
                session.set_log_level(level);
            }
            done(encode::empty(frame))
        }
        Method::Subscribe | Method::Unsubscribe => {
            let uri = text_of(params.uri, "uri")?;
            offering
                .catalog
                .check_resource(&peer.caller, &uri)
                .inspect_err(|_| observed.forbid())
                .map_err(|error| WireError::of_call(error, revision))?;
            if let Some(session) = &peer.session {
                match method {
                    Method::Subscribe => session.watch(&uri)?,
                    _ => session.unwatch(&uri),
                }
            }
            done(encode::empty(frame))
        }
        Method::Listen => Listen::new(server, &offering, request, &peer).map(Step::Listen),
        Method::CallTool | Method::GetPrompt | Method::ReadResource | Method::Complete => {
            let target = target(method, &request.params, text)?;
            call(server, offering, target, request, text, peer, observed).map(Step::Call)
        }
    }
}

/// What discovery does not announce is not there.
fn is_offered(method: Method, offering: &Offering, peer: &Peer) -> bool {
    match method {
        Method::ListPrompts | Method::GetPrompt => offering.has_prompts(),
        Method::ListResources | Method::ListResourceTemplates | Method::ReadResource => {
            offering.has_resources()
        }
        Method::Subscribe | Method::Unsubscribe => {
            offering.has_resources() && peer.session.is_some()
        }
        Method::SetLogLevel => peer.session.is_some(),
        Method::Complete => offering.catalog.completes(),
        _ => true,
    }
}

/// A list is one page, so no cursor was ever given out. The empty one is taken for the beginning.
fn check_cursor(params: &Params<'_>) -> Result<(), WireError> {
    match params.cursor {
        None => Ok(()),
        Some(cursor) if cursor.as_str() == "\"\"" => Ok(()),
        Some(_) => Err(WireError::invalid_params(
            "`cursor` is not one that this server gave out",
        )),
    }
}

fn call(
    server: &Shared,
    offering: Arc<Offering>,
    target: Target,
    request: &Request<'_>,
    text: &ByteString,
    peer: Peer,
    observed: Observed,
) -> Result<Box<Call>, WireError> {
    // Before anything runs, so that over HTTP the status says it.
    check_access(&offering, &peer.caller, &target)
        .inspect_err(|_| {
            if is_there(&offering, &target) {
                observed.forbid();
            }
        })
        .map_err(|error| WireError::of_call(error, peer.revision))?;
    let wishes = wishes(request, text, &peer)?;
    let id = text.slice_ref(request.id);
    let in_flight = peer
        .session
        .as_ref()
        .map(|session| session.enter(&id))
        .transpose()?;
    let answers = if peer.revision.is_modern() {
        mrtr::answers(server, &request.params, text, || {
            target.purpose(peer.caller.subject())
        })?
    } else {
        InputAnswers::default()
    };
    let context = Context {
        client: peer.client,
        // The message's own word comes first: there may be proxies between.
        trace: observed
            .trace
            .or_else(|| TraceContext::of_headers(&peer.headers)),
        watch: observed.watch,
        answers,
        outbox: Outbox::default(),
        deadline: Instant::now().checked_add(server.settings.limits.call_timeout),
        cancelled: in_flight
            .as_ref()
            .map_or_else(CancellationToken::new, |in_flight| in_flight.token.clone()),
        caller: peer.caller,
        headers: peer.headers,
    };
    server.tally.begin();
    Ok(Box::new(Call {
        server: server.clone(),
        offering,
        id,
        revision: peer.revision,
        target,
        context,
        line: None,
        in_flight,
        wishes,
    }))
}

fn check_access(offering: &Offering, caller: &Caller, target: &Target) -> Result<(), CallError> {
    let catalog = &offering.catalog;
    match target {
        Target::Tool { name, arguments } => catalog.check_tool(caller, name, arguments.slice()),
        Target::Prompt { name, .. } => catalog.check_prompt(caller, name),
        Target::Resource { uri } => catalog.check_resource(caller, uri),
        // Who may not know of a prompt is suggested nothing.
        Target::Completion(_) => Ok(()),
    }
}

/// Whether there is what somebody was refused, who may have been told that there is not.
fn is_there(offering: &Offering, target: &Target) -> bool {
    let catalog = &offering.catalog;
    match target {
        // A tool that is called by way of search mode is refused by the call itself.
        Target::Tool { name, .. } => catalog.source_of(name).is_some(),
        Target::Prompt { name, .. } => catalog.prompts().iter().any(|it| *it.name == **name),
        // All sources that could know it are closed, so none is asked.
        Target::Resource { .. } => true,
        Target::Completion(_) => false,
    }
}

fn target(method: Method, params: &Params<'_>, text: &ByteString) -> Result<Target, WireError> {
    let arguments = || match params.arguments {
        None => Ok(Json::empty_object()),
        Some(arguments) if arguments.kind() == JsonKind::Object => Ok(arguments.share(text)),
        Some(_) => Err(WireError::invalid_params("`arguments` must be an object")),
    };
    Ok(match method {
        Method::CallTool => Target::Tool {
            name: shared(params.name, "name", text)?,
            arguments: arguments()?,
        },
        Method::GetPrompt => {
            let arguments = arguments()?;
            if arguments
                .slice()
                .each_member()
                .any(|(_, value)| value.kind() != JsonKind::String)
            {
                return Err(WireError::invalid_params(
                    "the arguments of a prompt must be strings",
                ));
            }
            Target::Prompt {
                name: shared(params.name, "name", text)?,
                arguments,
            }
        }
        Method::ReadResource => Target::Resource {
            uri: shared(params.uri, "uri", text)?,
        },
        _ => Target::Completion(completion(params)?),
    })
}

fn completion(params: &Params<'_>) -> Result<CompletionRequest, WireError> {
    let wrong = || {
        WireError::invalid_params(
            "`ref` and `argument` must be a reference and a name with a value",
        )
    };
    let text = |of: Slice<'_>, name| {
        of.get(name)
            .and_then(Slice::text)
            .map(std::borrow::Cow::into_owned)
    };
    let reference = member(params, "ref").ok_or_else(wrong)?;
    let argument = member(params, "argument").ok_or_else(wrong)?;
    let reference = match text(reference, "type").as_deref() {
        Some("ref/prompt") => text(reference, "name").map(CompletionReference::Prompt),
        Some("ref/resource") => text(reference, "uri").map(CompletionReference::Resource),
        _ => None,
    };
    let context = member(params, "context")
        .and_then(|context| context.get("arguments"))
        .map(Slice::members)
        .unwrap_or_default();
    Ok(CompletionRequest {
        reference: reference.ok_or_else(wrong)?,
        argument: text(argument, "name").ok_or_else(wrong)?,
        value: text(argument, "value").ok_or_else(wrong)?,
        context: context
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_owned(), value.text()?.into_owned())))
            .collect(),
    })
}

fn wishes(request: &Request<'_>, text: &ByteString, peer: &Peer) -> Result<Wishes, WireError> {
    let progress_token = match request.meta.progress_token {
        None => None,
        Some(token) if matches!(token.kind(), JsonKind::String | JsonKind::Number) => {
            Some(token.share(text))
        }
        Some(_) => {
            return Err(WireError::malformed(
                "`progressToken` must be a string or a number",
            ));
        }
    };
    let log_level = if peer.revision.is_modern() {
        match request.meta.log_level {
            None => None,
            Some(level) => Some(
                level
                    .text()
                    .and_then(|level| notifications::log_level(&level))
                    .ok_or_else(|| {
                        WireError::malformed(
                            "`io.modelcontextprotocol/logLevel` must be a level of RFC 5424",
                        )
                    })?,
            ),
        }
    } else {
        peer.session
            .as_ref()
            .and_then(|session| session.log_level())
    };
    Ok(Wishes {
        progress_token,
        log_level,
        polls: peer.can_poll && peer.revision.has_polling() && peer.session.is_some(),
    })
}

/// The trace in the message's `_meta`.
fn own_trace(request: &Request<'_>) -> Option<TraceContext> {
    let parent = request.meta.traceparent.and_then(Slice::text)?;
    let state = request.meta.tracestate.and_then(Slice::text);
    TraceContext::parse(&parent, state.as_deref())
}

fn member<'a>(params: &Params<'a>, name: &str) -> Option<Slice<'a>> {
    params.all?.get(name)
}

fn text_of<'a>(
    value: Option<Slice<'a>>,
    name: &str,
) -> Result<std::borrow::Cow<'a, str>, WireError> {
    value
        .and_then(Slice::text)
        .ok_or_else(|| WireError::invalid_params(format!("`{name}` must be a string")))
}

/// A text of the request, sharing its bytes where nothing in it is escaped.
fn shared(value: Option<Slice<'_>>, name: &str, owner: &ByteString) -> Result<Id, WireError> {
    Ok(match text_of(value, name)? {
        std::borrow::Cow::Borrowed(text) => owner.slice_ref(text),
        std::borrow::Cow::Owned(text) => text.into(),
    })
}
