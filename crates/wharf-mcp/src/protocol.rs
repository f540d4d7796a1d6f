//! The protocol's own words: revisions, methods, the keys of `_meta`.
//!
//! What differs from revision to revision is asked here by name, so that no other module compares dates.

/// A published revision of the protocol, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Revision {
    /// 2024-11-05
    November2024,
    /// 2025-03-26
    March2025,
    /// 2025-06-18
    June2025,
    /// 2025-11-25
    November2025,
    /// 2026-07-28
    July2026,
}

impl Revision {
    /// Newest first, as discovery lists them.
    pub(crate) const ALL: [Self; 5] = [
        Self::July2026,
        Self::November2025,
        Self::June2025,
        Self::March2025,
        Self::November2024,
    ];
    /// What a client gets that asks for a revision nobody knows.
    pub(crate) const NEWEST_LEGACY: Self = Self::November2025;
    /// What a legacy request without a version header speaks: the header came with the revision after it.
    pub(crate) const WITHOUT_HEADER: Self = Self::March2025;

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::November2024 => "2024-11-05",
            Self::March2025 => "2025-03-26",
            Self::June2025 => "2025-06-18",
            Self::November2025 => "2025-11-25",
            Self::July2026 => "2026-07-28",
        }
    }

    /// No handshake, metadata on every request.
    pub(crate) fn is_modern(self) -> bool {
        self >= Self::July2026
    }

    /// JSON arrays of messages: a MUST in 2025-03-26, gone after it.
    pub(crate) fn has_batches(self) -> bool {
        self <= Self::March2025
    }

    pub(crate) fn has_audio(self) -> bool {
        self >= Self::March2025
    }

    pub(crate) fn has_resource_links(self) -> bool {
        self >= Self::June2025
    }

    /// Asking for a visit to an address needs an `elicitationId` in the one legacy revision that has it.
    pub(crate) fn has_elicitation_ids(self) -> bool {
        self == Self::November2025
    }

    /// A stream that was lost can be joined again by the id of its last event.
    pub(crate) fn has_resuming(self) -> bool {
        matches!(self, Self::March2025 | Self::June2025 | Self::November2025)
    }

    /// Streams open with an event that holds nothing but an id and can be left and joined again.
    pub(crate) fn has_polling(self) -> bool {
        self == Self::November2025
    }
}

/// Whether a version header names a revision that has no handshake, known to us or not.
pub(crate) fn names_modern_revision(header: &str) -> bool {
    let is_date = header.len() == 10
        && header.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_date && header >= Revision::July2026.as_str()
}

/// A request that some era knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Initialize,
    Ping,
    Discover,
    ListTools,
    CallTool,
    ListPrompts,
    GetPrompt,
    ListResources,
    ListResourceTemplates,
    ReadResource,
    Subscribe,
    Unsubscribe,
    Complete,
    SetLogLevel,
    Listen,
}

impl Method {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "initialize" => Self::Initialize,
            "ping" => Self::Ping,
            "server/discover" => Self::Discover,
            "tools/list" => Self::ListTools,
            "tools/call" => Self::CallTool,
            "prompts/list" => Self::ListPrompts,
            "prompts/get" => Self::GetPrompt,
            "resources/list" => Self::ListResources,
            "resources/templates/list" => Self::ListResourceTemplates,
            "resources/read" => Self::ReadResource,
            "resources/subscribe" => Self::Subscribe,
            "resources/unsubscribe" => Self::Unsubscribe,
            "completion/complete" => Self::Complete,
            "logging/setLevel" => Self::SetLogLevel,
            "subscriptions/listen" => Self::Listen,
            _ => return None,
        })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::Discover => "server/discover",
            Self::ListTools => "tools/list",
            Self::CallTool => "tools/call",
            Self::ListPrompts => "prompts/list",
            Self::GetPrompt => "prompts/get",
            Self::ListResources => "resources/list",
            Self::ListResourceTemplates => "resources/templates/list",
            Self::ReadResource => "resources/read",
            Self::Subscribe => "resources/subscribe",
            Self::Unsubscribe => "resources/unsubscribe",
            Self::Complete => "completion/complete",
            Self::SetLogLevel => "logging/setLevel",
            Self::Listen => "subscriptions/listen",
        }
    }

    pub(crate) fn is_in(self, revision: Revision) -> bool {
        match self {
            Self::Initialize
            | Self::Ping
            | Self::Subscribe
            | Self::Unsubscribe
            | Self::SetLogLevel => !revision.is_modern(),
            Self::Discover | Self::Listen => revision.is_modern(),
            _ => true,
        }
    }
}

/// Keys of `_meta` that the protocol reserves.
pub(crate) mod key {
    pub(crate) const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
    pub(crate) const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dates_from_july_2026_are_modern() {
        for (header, expected) in [
            ("2026-07-28", true),
            ("2027-01-01", true),
            ("2025-11-25", false),
            ("v999.0.0", false),
            ("2026-07-2x", false),
            ("9", false),
        ] {
            assert_eq!(names_modern_revision(header), expected, "{header}");
        }
    }

    #[test]
    fn revisions_survive_the_trip_through_text() {
        for revision in Revision::ALL {
            assert_eq!(
                Revision::parse(revision.as_str()),
                Some(revision),
                "{revision:?}"
            );
        }
        assert_eq!(Revision::parse("2025-01-01"), None);
    }
}
