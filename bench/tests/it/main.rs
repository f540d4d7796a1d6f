//! What is measured in quality, not in time.

mod recall;
