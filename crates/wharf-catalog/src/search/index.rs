//! The index: which tools a question may mean, best first, by BM25 over several fields (BM25F).
//!
//! Each word counts more where it is rarer, and more in a name than in a description; a long text counts each of its
//! words less. On top of that come three things that operations have and prose has not: a question for something to
//! read should find what reads, one for a change what changes ([`wharf_model::ToolAnnotations`] knows); what covers
//! more of the question wins over what repeats one word of it; and what calls itself deprecated comes later.

use std::sync::Arc;

use wharf_model::{HashMap, Tool};

use super::summary::{head, plain, sentence_end};
use super::thesaurus::{Thesaurus, written_out};
use super::wish::{Wish, asks_for_many, is_verb};
use super::words::{Word, words};

/// A description says in its first words what a tool does; what follows are rights, limits and history.
const DESCRIPTION_BYTES_MAX: usize = 600;
/// More properties than that are no help to tell tools apart.
const PARAMETERS_MAX: usize = 60;
/// A question is a sentence; a page of text is cut.
const QUESTION_BYTES_MAX: usize = 500;

/// How fast the second mention of a word stops to count.
const SATURATION: f32 = 1.2;
/// What a word counts that only could be meant.
const SYNONYM: f32 = 0.75;
/// What a tool counts that reads where a change is asked for, and the other way about.
const WRONG_KIND: f32 = 0.7;
/// What a tool counts that deletes where nobody asks for that.
const DELETES: f32 = 0.7;
/// What a word counts that is not said but meant: who asks for many things wants a list.
const UNSAID: f32 = 0.5;
/// What a tool counts that is deprecated.
const DEPRECATED: f32 = 0.6;
/// What two neighbours of the question count where they are neighbours in a tool too.
const NEIGHBOURS: f32 = 0.5;
/// The part of the score that does not depend on how much of the question is covered.
const UNCOVERED: f32 = 0.35;
/// The part of the score that does not depend on how much of a tool's name and summary was asked for.
const UNASKED: f32 = 0.5;

/// One part of a tool's text.
struct Field {
    /// What a mention counts.
    weight: f32,
    /// How much a long text counts less: from 0, not at all, to 1.
    length: f32,
}

const NAME: usize = 0;
const SUMMARY: usize = 1;
const DESCRIPTION: usize = 2;
const PARAMETERS: usize = 3;
const TAGS: usize = 4;
const PATH: usize = 5;
const FIELDS: [Field; 6] = [
    Field {
        weight: 3.0,
        length: 0.6,
    },
    Field {
        weight: 3.0,
        length: 0.5,
    },
    Field {
        weight: 1.0,
        length: 0.7,
    },
    Field {
        weight: 0.6,
        length: 0.8,
    },
    Field {
        weight: 1.0,
        length: 0.3,
    },
    Field {
        weight: 1.0,
        length: 0.6,
    },
];

/// All tools, ready to be searched.
pub(super) struct Index {
    postings: HashMap<Box<str>, Vec<Posting>>,
    kinds: Vec<Kind>,
    thesaurus: Thesaurus,
}

/// A word in a tool.
#[derive(Clone, Copy)]
struct Posting {
    /// The tool's place.
    tool: u32,
    /// How much the word counts there.
    weight: f32,
    /// It stands in the name or the summary.
    is_head: bool,
}

/// What is known of a tool besides its words.
#[derive(Clone, Copy)]
struct Kind {
    reads: Option<bool>,
    deletes: bool,
    is_deprecated: bool,
    /// What the words of its name and summary are worth together.
    head: f32,
}

/// What a question is worth to one tool.
#[derive(Clone, Copy, Default)]
struct Match {
    score: f32,
    /// What the words of the question are worth that it has.
    covered: f32,
    /// What the words of its head are worth that the question has.
    head: f32,
}

impl Index {
    pub(super) fn new(tools: &[Arc<Tool>]) -> Self {
        let mut builder = Builder::default();
        for tool in tools {
            builder.add(tool);
        }
        builder.finish()
    }

    /// The places of the best tools that are `shown`, best first.
    pub(super) fn find(
        &self,
        question: &str,
        limit: usize,
        shown: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let question = head(question, QUESTION_BYTES_MAX);
        let mut asked: Vec<String> = Vec::new();
        let mut pairs: Vec<String> = Vec::new();
        words(&written_out(question), |word| match word {
            Word::Single(word) => {
                if !asked.iter().any(|known| self.says_the_same(known, word)) {
                    asked.push(word.to_owned());
                }
            }
            Word::Joined(word) => pairs.push(word.to_owned()),
        });
        let mut matches = vec![Match::default(); self.kinds.len()];
        let mut total = 0.0;
        for word in &asked {
            total += self.add_word(word, &mut matches);
        }
        if total == 0.0 {
            return Vec::new();
        }
        for pair in &pairs {
            self.add_bonus(pair, NEIGHBOURS, &mut matches);
        }
        let wish = Wish::of(question, &asked);
        if wish == Wish::Read && asks_for_many(question) {
            self.add_bonus("list", UNSAID, &mut matches);
        }
        let mut found: Vec<(f32, usize)> = matches
            .iter()
            .enumerate()
            .filter(|(at, found)| found.score > 0.0 && shown(*at))
            .map(|(at, found)| (found.rank(total, self.kinds[at], wish), at))
            .collect();
        found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.truncate(limit);
        found.into_iter().map(|(_, at)| at).collect()
    }

    /// `make a new …`: the second verb adds nothing to the first.
    fn says_the_same(&self, known: &str, word: &str) -> bool {
        known == word
            || (is_verb(known)
                && is_verb(word)
                && self
                    .thesaurus
                    .others(known)
                    .iter()
                    .any(|other| other == word))
    }

    /// Adds what one word of the question, or the best of what it can also mean, is worth to each tool. Gives what it
    /// is worth at most.
    fn add_word(&self, word: &str, matches: &mut [Match]) -> f32 {
        let mut best: HashMap<u32, (f32, f32)> = HashMap::default();
        let others = self.thesaurus.others(word).iter().map(String::as_str);
        let meant = std::iter::once((word, 1.0)).chain(others.map(|other| (other, SYNONYM)));
        for (word, certainty) in meant {
            let postings = self.postings(word);
            let rarity = self.rarity(postings.len());
            for posting in postings {
                let score = certainty * posting.share();
                let known = best.entry(posting.tool).or_default();
                if score > known.0 {
                    *known = (score, certainty);
                }
                if posting.is_head {
                    matches[posting.tool as usize].head += rarity * certainty;
                }
            }
        }
        if best.is_empty() {
            return 0.0;
        }
        // One rarity for all that is meant: a rare synonym says no more than the common word that was asked.
        let worth = self.rarity(best.len());
        for (tool, (score, certainty)) in best {
            let found = &mut matches[tool as usize];
            found.score += worth * score;
            found.covered += worth * certainty;
        }
        worth
    }

    /// Adds what a word is worth that the question does not hold as such.
    fn add_bonus(&self, word: &str, share: f32, matches: &mut [Match]) {
        let postings = self.postings(word);
        let worth = share * self.rarity(postings.len());
        for posting in postings {
            let found = &mut matches[posting.tool as usize];
            found.score += worth * posting.share();
            if posting.is_head {
                found.head += worth;
            }
        }
    }

    fn postings(&self, word: &str) -> &[Posting] {
        self.postings.get(word).map_or(&[], Vec::as_slice)
    }

    fn rarity(&self, holders: usize) -> f32 {
        rarity(self.kinds.len(), holders)
    }
}

/// What a word is worth that `holders` of `all` tools have.
#[expect(clippy::cast_precision_loss, reason = "counts of tools are small")]
fn rarity(all: usize, holders: usize) -> f32 {
    let (all, holders) = (all as f32, holders as f32);
    // The root flattens what is usual for prose: a question has few words, and one odd word must not outweigh the rest.
    (1.0 + (all - holders + 0.5) / (holders + 0.5)).ln().sqrt()
}

impl Posting {
    /// What a mention is worth, from 0 to 1.
    fn share(self) -> f32 {
        self.weight / (SATURATION + self.weight)
    }
}

impl Match {
    fn rank(self, total: f32, kind: Kind, wish: Wish) -> f32 {
        let covered = (self.covered / total).min(1.0);
        let asked = (self.head / kind.head.max(f32::MIN_POSITIVE)).min(1.0);
        self.score
            * (UNCOVERED + (1.0 - UNCOVERED) * covered)
            * (UNASKED + (1.0 - UNASKED) * asked)
            * kind.factor(wish)
    }
}

impl Kind {
    fn factor(self, wish: Wish) -> f32 {
        let fits = match (wish, self.reads) {
            (Wish::Read, Some(false)) | (Wish::Change | Wish::Remove, Some(true)) => WRONG_KIND,
            _ => 1.0,
        };
        let deletes = self.deletes && wish != Wish::Remove;
        fits * (if deletes { DELETES } else { 1.0 })
            * (if self.is_deprecated { DEPRECATED } else { 1.0 })
    }
}

/// How often a word stands in each field of a tool.
struct Mentions {
    tool: u32,
    counts: [u8; FIELDS.len()],
    is_head: bool,
}

#[derive(Default)]
struct Builder {
    postings: HashMap<Box<str>, Vec<Mentions>>,
    lengths: Vec<[u16; FIELDS.len()]>,
    kinds: Vec<Kind>,
}

impl Builder {
    fn add(&mut self, tool: &Tool) {
        let (summary, rest) = texts(tool);
        let origin = tool.origin.as_ref();
        self.kinds.push(Kind {
            reads: tool.annotations.read_only,
            deletes: origin.is_some_and(|origin| origin.method == "DELETE"),
            is_deprecated: [&summary, &rest]
                .iter()
                .any(|text| text.to_lowercase().contains("deprecated")),
            head: 0.0,
        });
        self.lengths.push([0; FIELDS.len()]);
        // The document's own name for it: a tool's name is cut at a length, and has lost the stroke of `issues/create`.
        let id = origin.and_then(|origin| origin.operation_id.as_deref());
        self.text(NAME, id.unwrap_or(&tool.name));
        if let Some(origin) = origin {
            self.text(PATH, &origin.path);
        }
        self.text(SUMMARY, &summary);
        self.text(DESCRIPTION, &rest);
        for name in tool.input_schema.properties().iter().take(PARAMETERS_MAX) {
            self.text(PARAMETERS, name);
        }
        for tag in &tool.tags {
            self.text(TAGS, tag);
        }
    }

    fn text(&mut self, field: usize, text: &str) {
        let at = self.lengths.len() - 1;
        let place = u32::try_from(at).expect("a list of tools is far below four billion");
        let (postings, lengths) = (&mut self.postings, &mut self.lengths[at]);
        words(text, |word| {
            let is_single = matches!(word, Word::Single(_));
            let (Word::Single(word) | Word::Joined(word)) = word;
            if is_single {
                lengths[field] = lengths[field].saturating_add(1);
            } else if field == DESCRIPTION {
                // Prose has more neighbours than names, and they say less.
                return;
            }
            let holders = match postings.get_mut(word) {
                Some(holders) => holders,
                None => postings.entry(word.into()).or_default(),
            };
            if holders.last().is_none_or(|last| last.tool != place) {
                holders.push(Mentions {
                    tool: place,
                    counts: [0; FIELDS.len()],
                    is_head: false,
                });
            }
            if let Some(last) = holders.last_mut() {
                last.counts[field] = last.counts[field].saturating_add(1);
                last.is_head |= is_single && matches!(field, NAME | SUMMARY);
            }
        });
    }

    fn finish(mut self) -> Index {
        let averages = self.averages();
        let all = self.kinds.len();
        let (lengths, kinds) = (&self.lengths, &mut self.kinds);
        let mut weigh = |mentions: Mentions, rarity: f32| {
            let lengths = &lengths[mentions.tool as usize];
            let mut weight = 0.0;
            for (place, field) in FIELDS.iter().enumerate() {
                let long = f32::from(lengths[place]) / averages[place];
                let norm = 1.0 - field.length + field.length * long;
                weight += field.weight * f32::from(mentions.counts[place]) / norm.max(0.1);
            }
            if mentions.is_head {
                kinds[mentions.tool as usize].head += rarity;
            }
            Posting {
                tool: mentions.tool,
                weight,
                is_head: mentions.is_head,
            }
        };
        // In one order: sums of fractions depend on it, and equal tools should be found alike by every replica.
        let mut words: Vec<_> = self.postings.into_iter().collect();
        words.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let postings = words.into_iter().map(|(word, holders)| {
            let rarity = rarity(all, holders.len());
            let postings = holders.into_iter().map(|mentions| weigh(mentions, rarity));
            (word, postings.collect())
        });
        Index {
            postings: postings.collect(),
            kinds: self.kinds,
            thesaurus: Thesaurus::new(),
        }
    }

    /// How long each field is on the average.
    #[expect(clippy::cast_precision_loss, reason = "counts of tools are small")]
    fn averages(&self) -> [f32; FIELDS.len()] {
        let mut averages = [0.0_f32; FIELDS.len()];
        for lengths in &self.lengths {
            for (average, length) in averages.iter_mut().zip(lengths) {
                *average += f32::from(*length);
            }
        }
        averages.map(|sum| (sum / self.lengths.len() as f32).max(1.0))
    }
}

/// What a tool is for in one line, and what else it says of itself.
fn texts(tool: &Tool) -> (String, String) {
    let description = tool.description.as_deref().unwrap_or_default();
    let text = plain(head(description, DESCRIPTION_BYTES_MAX));
    if let Some(title) = &tool.title {
        return (title.clone(), text);
    }
    let end = sentence_end(&text);
    (text[..end].to_owned(), text[end..].to_owned())
}
