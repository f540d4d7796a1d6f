//! Why a request cannot be made, for the model to mend.

use wharf_model::ToolResult;

/// What is wrong with the arguments of a call, by the argument's name.
///
/// Most mistakes never come this far: the tool's input schema refuses them. These are the ones that no schema can say,
/// and a few that are the document's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Complaint {
    #[error("argument `{0}` is missing")]
    Missing(String),
    #[error(
        "argument `{argument}` is missing, which goes with `{given}`: the body can be left out, but not sent without it"
    )]
    MissingBeside { argument: String, given: String },
    #[error(
        "argument `{argument}` is missing, which a body of `{media_type}` cannot do without; `{choice}` chooses another one"
    )]
    MissingFor {
        argument: String,
        choice: String,
        media_type: String,
    },
    #[error(
        "argument `{argument}` has no place in a body of `{media_type}`: leave it out, or choose another body with `{choice}`"
    )]
    NotOfMediaType {
        argument: String,
        choice: String,
        media_type: String,
    },
    #[error("argument `{0}` is empty, but it is a part of the address: give a value")]
    Empty(String),
    #[error(
        "argument `{0}` would make `.` or `..` a step of the address, which leads somewhere else: give a value without such steps"
    )]
    DotSegment(String),
    #[error(
        "argument `{0}` holds a line break or another control character, which a header cannot carry: remove it"
    )]
    ControlCharacter(String),
    #[error(
        "argument `{0}` is not base64: give the file's bytes as base64, as a `data:` URI, or as an object with `data`, `filename` and `mime_type`"
    )]
    NotBase64(String),
    #[error("argument `{0}` names a media type that is none: write it like `image/png`")]
    NotMediaType(String),
    #[error("argument `{0}` must be an object: the body has named fields")]
    NotObject(String),
    #[error("argument `{argument}` nests deeper than {levels_max} levels: send less at once")]
    TooDeep { argument: String, levels_max: usize },
    #[error(
        "argument `{argument}` makes the request longer than {bytes_max} bytes: send less at once"
    )]
    TooLong { argument: String, bytes_max: usize },
    #[error("argument `{argument}` makes more than {parts_max} parts of a body: send less at once")]
    TooManyParts { argument: String, parts_max: usize },
    #[error("the arguments make an address that is too long to send: shorten them")]
    LongTarget,
    #[error(
        "the operation sends a header `{0}`, which is no name of a header; another argument cannot help"
    )]
    UnusableHeader(String),
    #[error(
        "the operation uses a media type `{0}` that cannot be sent; another argument cannot help"
    )]
    UnusableMediaType(String),
}

impl Complaint {
    /// The answer to the call.
    pub(crate) fn into_result(self) -> ToolResult {
        ToolResult::error(format!("The call was not made: {self}."))
    }
}
