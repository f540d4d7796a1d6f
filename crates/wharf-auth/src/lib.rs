//! Who is calling: from a request's head to a [`wharf_model::Caller`], or to the challenge that says what is missing.
