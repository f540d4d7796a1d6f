//! Where the longer values of a long text end, so that a walk steps over them instead of through them.

use super::scanner::Notes;

/// Shorter values are walked through faster than they are looked up.
const LENGTH_MIN: u32 = 128;
/// A value is looked for among those that begin in the same block of the text.
const BLOCK_BYTES: usize = 128;

/// Where the objects and arrays of one text end that are not short. A walk from [`super::Slice::of_known`] steps over
/// them.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// Where the text begins in memory.
    base: usize,
    /// Where each value begins and ends in the text, in the order of their beginnings.
    spans: Vec<(u32, u32)>,
    /// For each block, the first value that does not begin before it.
    blocks: Vec<u32>,
}

/// Notes the values of a text as a reader meets them.
#[derive(Debug, Default)]
pub struct EndsBuilder {
    spans: Vec<(u32, u32)>,
}

/// A value that has begun.
#[derive(Debug)]
#[must_use]
pub struct Begun(usize);

impl Notes for EndsBuilder {
    type Begun = Begun;

    fn begin(&mut self, at: usize) -> Begun {
        let at = narrow(at);
        self.spans.push((at, at));
        Begun(self.spans.len() - 1)
    }

    fn end(&mut self, begun: &Begun, at: usize) {
        let at = narrow(at);
        if let Some((start, end)) = self.spans.get_mut(begun.0) {
            if at - *start >= LENGTH_MIN {
                *end = at;
            } else {
                // Whatever it holds is shorter still, and went before.
                self.spans.truncate(begun.0);
            }
        }
    }
}

/// A place beyond 4 GiB is none, and what ends there is walked through.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl EndsBuilder {
    /// All of them, for `text`.
    pub fn finish(mut self, text: &str) -> Ends {
        self.spans.shrink_to_fit();
        let mut blocks = Vec::with_capacity(text.len() / BLOCK_BYTES + 1);
        for (number, (start, _)) in (0..).zip(&self.spans) {
            while blocks.len() * BLOCK_BYTES <= *start as usize {
                blocks.push(number);
            }
        }
        Ends {
            base: text.as_ptr() as usize,
            spans: self.spans,
            blocks,
        }
    }
}

impl Ends {
    /// The same for a text that begins with the one that this was made for, and stands elsewhere in memory.
    pub fn moved_to(&mut self, text: &str) {
        self.base = text.as_ptr() as usize;
    }

    /// The length of the value that begins at this place in memory, where it is known.
    pub(super) fn length_at(&self, address: usize) -> Option<usize> {
        let at = address.checked_sub(self.base)?;
        let first = *self.blocks.get(at / BLOCK_BYTES)? as usize;
        let rest = self.spans.get(first..)?;
        // Ends soon: the values of a block are within each other, and nesting is bounded.
        for (start, end) in rest {
            if *start as usize >= at {
                return (*start as usize == at).then_some((end - start) as usize);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::Slice;
    use super::*;

    /// Notes every object and array of a text without strings that hold brackets.
    fn ends_of(text: &str) -> Ends {
        let mut builder = EndsBuilder::default();
        let mut open = Vec::new();
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'{' | b'[' => open.push(builder.begin(at)),
                b'}' | b']' => builder.end(&open.pop().expect("it began"), at + 1),
                _ => {}
            }
        }
        builder.finish(text)
    }

    #[test]
    fn a_walk_with_ends_finds_what_a_walk_without_finds() {
        let long = "x".repeat(200);
        let deep = format!("{}\"{long}\"{}", "[".repeat(100), "]".repeat(100));
        let wide = vec![format!("{{\"{long}\":[{{}},{{\"a\":[\"{long}\"]}}]}}"); 50].join(" , ");
        for text in [
            "{}".to_owned(),
            format!("{{\"a\":{deep},\"b\":[{wide}],\"c\":{{\"d\":[]}}}}"),
            format!("[{deep},{deep},[{wide}],{{}}]"),
        ] {
            let ends = ends_of(&text);
            assert!(
                ends.spans
                    .iter()
                    .all(|(start, end)| end - start >= LENGTH_MIN)
            );
            assert_eq!(ends.spans.is_empty(), text.len() < 128, "{text:.40}");
            same(Slice::from_checked(&text), Slice::of_known(&text, &ends));
        }
    }

    fn same(plain: Slice<'_>, known: Slice<'_>) {
        assert_eq!(plain, known);
        assert_eq!(plain.members(), known.members());
        assert_eq!(plain.items(), known.items());
        for ((_, plain), (_, known)) in plain.each_member().zip(known.each_member()) {
            same(plain, known);
        }
        for (plain, known) in plain.each_item().zip(known.each_item()) {
            same(plain, known);
        }
    }

    #[test]
    fn ends_of_another_text_do_no_harm() {
        let text = format!("[[\"{}\"],[1]]", "x".repeat(300));
        let mut ends = ends_of(&text);
        let elsewhere = text.clone() + " ";
        same(
            Slice::from_checked(&elsewhere),
            Slice::of_known(&elsewhere, &ends),
        );
        ends.moved_to(&elsewhere);
        same(
            Slice::from_checked(&elsewhere),
            Slice::of_known(&elsewhere, &ends),
        );
        let short = &elsewhere[..20];
        ends.moved_to(short);
        assert!(Slice::of_known(short, &ends).each_item().count() <= 20);
    }
}
