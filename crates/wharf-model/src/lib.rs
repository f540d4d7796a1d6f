//! What Wharf talks about: tools and their arguments, results, prompts, resources, who is calling, and the
//! [`Source`] seam behind which every kind of upstream lives.
//!
//! Everything else reads into this model or serves from it. It does no I/O and knows no wire: neither MCP's nor any
//! upstream's. JSON travels as text that is known to be valid ([`Json`]), so an upstream's answer can pass through
//! without a tree being built of it.

pub mod calendar;
pub mod home;
mod json;

mod causes;
mod completion;
mod content;
mod prompt;
mod resource;
mod secret;
mod tool;

mod caller;
mod context;
mod effort;
mod error;
mod interaction;
mod maps;
mod observe;
mod source;
mod trace;

pub use caller::{Caller, Identity};
pub use causes::with_causes;
pub use completion::{Completion, CompletionReference, CompletionRequest};
pub use content::{Annotations, Audience, Content, Icon};
pub use context::{ClientCapabilities, Context, Event, LogLevel, Outbox};
pub use effort::Effort;
pub use error::{CallError, whole_seconds};
pub use interaction::{InputAnswers, InputRequest, InputRequired, Outcome};
pub use json::{Begun, EachItem, EachMember, Ends, EndsBuilder, Json, JsonError, JsonKind, Slice};
pub use json::{Notes, SCANNED_DEPTH_MAX, Scanner, is_json};
pub use json::{leading_spaces, opening_brackets, plain_length};
pub use maps::{HashMap, HashSet, Hashing};
pub use observe::{
    Answer, Asked, Beginning, Ending, Exchange, ExchangeWatch, HttpRequest, Observer, Operation,
    Span, Target, Trail, Transport, Watch,
};
pub use prompt::{Prompt, PromptArgument, PromptMessage, PromptResult, Role};
pub use resource::{Resource, ResourceBody, ResourceContents, ResourceTemplate};
pub use secret::Secret;
pub use source::{BoxFuture, Breaker, Change, Load, Source};
pub use tool::{InputSchema, LaterSchema, Origin, Tool, ToolAnnotations, ToolCall, ToolResult};
pub use trace::TraceContext;
