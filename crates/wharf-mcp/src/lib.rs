//! The Model Context Protocol: eras, dispatch, framing on HTTP and stdio.
