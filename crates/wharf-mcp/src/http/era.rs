//! Which era a request belongs to, and who its sender is in that era.
//!
//! The signs are in the request alone. A modern request with half of the signs is malformed and not legacy: its client
//! would otherwise take our answer for that of an old server.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use wharf_model::{Caller, ClientCapabilities, Slice};

use crate::dispatch::Peer;
use crate::envelope::Request;
use crate::errors::{self, WireError};
use crate::handshake;
use crate::headers;
use crate::message::Shared;
use crate::protocol::{Method, Revision, names_modern_revision};
use crate::session::Session;

/// An era, as a request shows it.
pub(super) enum Era {
    Modern,
    /// The revision of the header; a session knows better.
    Legacy(Revision),
}

/// The era of a request, by its signs. A modern one with half of the signs is malformed, not legacy.
pub(super) fn era(headers: &HeaderMap, request: &Request<'_>) -> Result<Era, WireError> {
    if request.meta.version.is_some() {
        return Ok(Era::Modern);
    }
    let method = Method::parse(&request.method);
    if method == Some(Method::Initialize) {
        return Ok(Era::Legacy(Revision::WITHOUT_HEADER));
    }
    let version = headers::single(headers, &headers::PROTOCOL_VERSION);
    if method == Some(Method::Discover) || version.is_some_and(names_modern_revision) {
        // Says which part of `_meta` is missing.
        headers::check_metadata(request)?;
    }
    legacy_revision(headers).map(Era::Legacy)
}

/// The revision of the version header.
pub(super) fn legacy_revision(headers: &HeaderMap) -> Result<Revision, WireError> {
    if !headers.contains_key(headers::PROTOCOL_VERSION) {
        return Ok(Revision::WITHOUT_HEADER);
    }
    headers::single(headers, &headers::PROTOCOL_VERSION)
        .and_then(Revision::parse)
        .ok_or_else(|| {
            let known: Vec<_> = Revision::ALL
                .iter()
                .map(|revision| revision.as_str())
                .collect();
            WireError::invalid_request(format!(
                "`MCP-Protocol-Version` must be one of {}",
                known.join(", ")
            ))
        })
}

/// The sender of a modern request, once its headers agree with its body.
pub(super) fn modern_peer(
    server: &Shared,
    headers: HeaderMap,
    caller: Caller,
    request: &Request<'_>,
) -> Result<Peer, WireError> {
    headers::check(&headers, request)?;
    if Method::parse(&request.method) == Some(Method::CallTool)
        && let Some(name) = request.params.name.and_then(Slice::text)
    {
        let offering = server.offering.load();
        let arguments = request.params.arguments;
        let given = arguments.unwrap_or(Slice::from_checked("{}"));
        // Of a tool that the caller may not call nothing is told, not even what its headers would have to be.
        if offering.catalog.check_tool(&caller, &name, given).is_ok() {
            headers::check_params(&headers, offering.header_params(&name), arguments)?;
        }
    }
    Ok(Peer {
        revision: Revision::July2026,
        client: handshake::client_capabilities(request.meta.capabilities),
        caller,
        headers,
        session: None,
        can_poll: false,
        trail: None,
    })
}

/// The sender of a legacy request, and its session.
pub(super) fn legacy_peer(
    server: &Shared,
    headers: HeaderMap,
    caller: Caller,
    revision: Revision,
) -> Result<Peer, WireError> {
    let session = session(server, &headers, &caller)?;
    if server.settings.sessions && session.is_none() {
        return Err(WireError::invalid_request(
            "header `Mcp-Session-Id` is missing; begin with `initialize`",
        ));
    }
    let greeting = session.as_ref().map(|session| session.greeting());
    Ok(Peer {
        revision: greeting.map_or(revision, |greeting| greeting.revision),
        client: greeting.map_or_else(ClientCapabilities::default, |greeting| greeting.client),
        caller,
        headers,
        session,
        can_poll: true,
        trail: None,
    })
}

/// The session that a request names; an error when there is none of that name.
pub(super) fn session(
    server: &Shared,
    headers: &HeaderMap,
    caller: &Caller,
) -> Result<Option<Arc<Session>>, WireError> {
    let Some(id) = headers
        .get(headers::SESSION_ID)
        .filter(|_| server.settings.sessions)
    else {
        return Ok(None);
    };
    id.to_str()
        .ok()
        .and_then(|id| server.sessions.find(id, caller))
        .map(Some)
        .ok_or_else(|| {
            WireError::new(
                StatusCode::NOT_FOUND,
                errors::INVALID_REQUEST,
                "there is no such session (any more); begin anew with `initialize`",
            )
        })
}
